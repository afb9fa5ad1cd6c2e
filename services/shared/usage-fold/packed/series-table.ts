import type { Digest } from '../content-digest.ts';
import { grown } from './growing.ts';
import type { EventLayout } from './event-layout.ts';
import { NONE } from './hash-index.ts';
import {
  equalBytes,
  equalFolded,
  hashBytes,
  hashStart,
  lengthBytes,
  writeText,
} from './text-bytes.ts';
import { TextEntries } from './text-entries.ts';

/** Bytes of a series without its texts, including its slots in the index. */
const SERIES_BYTES = 44;

/** Writes subscription, meter and resource of an event in RowBinary. */
export const writeIdentity = (
  into: Buffer,
  at: number,
  bytes: Buffer,
  event: EventLayout,
): number => {
  const meter = writeText(into, at, bytes, event.subscription, event.subscriptionLength);
  const resource = writeText(into, meter, bytes, event.meter, event.meterLength);
  return writeText(into, resource, bytes, event.resource, event.resourceLength);
};

/** The most bytes that `writeIdentity` writes. */
export const identityBytes = (event: EventLayout): number =>
  event.subscriptionLength + event.meterLength + event.resourceLength + 12;

/**
 * A series is one spelling of subscription, meter and resource. What depends on these three alone is
 * computed once for each series instead of for each event. Series are numbered. Those that differ only in
 * case share an identity: the number of the first of them.
 */
export class SeriesTable extends TextEntries {
  /** The lengths of subscription, meter and resource: three for each series. */
  private lengths = new Uint16Array(48);
  private identities = new Int32Array(16);

  get bytes(): number {
    return this.textBytes + this.index.size * SERIES_BYTES;
  }

  hash(bytes: Buffer, event: EventLayout): number {
    let hash = hashBytes(hashStart(), bytes, event.subscription, event.subscriptionLength);
    hash = hashBytes(hash, bytes, event.meter, event.meterLength);
    return hashBytes(hash, bytes, event.resource, event.resourceLength);
  }

  /** The series of an event; -1 if there is none yet. */
  find(bytes: Buffer, event: EventLayout, hash: number): number {
    return this.like(bytes, event, hash, equalBytes);
  }

  /** Adds the series of an event that `find` has not found, with the digest of its identity. */
  add(bytes: Buffer, event: EventLayout, hash: number, digest: Digest): number {
    const identity = this.identityLike(bytes, event, hash);
    const series = this.append(hash, digest, identityBytes(event), (into, at) =>
      writeIdentity(into, at, bytes, event),
    );
    this.lengths = grown(this.lengths, series * 3 + 3);
    this.lengths[series * 3] = event.subscriptionLength;
    this.lengths[series * 3 + 1] = event.meterLength;
    this.lengths[series * 3 + 2] = event.resourceLength;
    this.identities = grown(this.identities, series + 1);
    this.identities[series] = identity === NONE ? series : identity;
    return series;
  }

  identityOf(series: number): number {
    return this.identities[series] ?? NONE;
  }

  /** The identity of a series that differs at most in case; -1 if there is none. */
  identityLike(bytes: Buffer, event: EventLayout, hash: number): number {
    const series = this.like(bytes, event, hash, equalFolded);
    return series === NONE ? NONE : this.identityOf(series);
  }

  /** Positions and lengths of its three texts, without their length prefixes. */
  partsOf(series: number): readonly (readonly [at: number, length: number])[] {
    let at = this.startOf(series);
    return [0, 1, 2].map((n) => {
      const length = this.lengths[series * 3 + n] ?? 0;
      const from = at + lengthBytes(length);
      at = from + length;
      return [from, length] as const;
    });
  }

  textsOf(series: number): { subscriptionId: string; meterId: string; resourceUri: string } {
    const [subscriptionId = '', meterId = '', resourceUri = ''] = this.partsOf(series).map(
      ([at, length]) => this.texts.toString('utf8', at, at + length),
    );
    return { subscriptionId, meterId, resourceUri };
  }

  /** The first series whose texts are equal according to `equal`. Equal series have the same hash. */
  private like(bytes: Buffer, event: EventLayout, hash: number, equal: typeof equalBytes): number {
    const { index } = this;
    for (let slot = index.begin(hash); ; slot = index.next(slot)) {
      const series = index.at(slot);
      if (series === NONE) return NONE;
      if (index.hashOf(series) === hash && this.is(series, bytes, event, equal)) return series;
    }
  }

  private is(series: number, bytes: Buffer, event: EventLayout, equal: typeof equalBytes): boolean {
    const { texts, lengths } = this;
    const { subscriptionLength, meterLength, resourceLength } = event;
    if (
      lengths[series * 3] !== subscriptionLength ||
      lengths[series * 3 + 1] !== meterLength ||
      lengths[series * 3 + 2] !== resourceLength
    ) {
      return false;
    }
    let at = this.startOf(series) + lengthBytes(subscriptionLength);
    if (!equal(texts, at, bytes, event.subscription, subscriptionLength)) return false;
    at += subscriptionLength + lengthBytes(meterLength);
    if (!equal(texts, at, bytes, event.meter, meterLength)) return false;
    at += meterLength + lengthBytes(resourceLength);
    return equal(texts, at, bytes, event.resource, resourceLength);
  }
}
