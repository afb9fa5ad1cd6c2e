import { grown, withRoom } from './growing.ts';
import type { EventLayout } from './event-layout.ts';
import {
  equalBytes,
  equalFolded,
  hashBytes,
  hashStart,
  lengthBytes,
  writeText,
} from './text-bytes.ts';

const NONE = -1;
/** Bytes of a series besides its texts, its places in the index included. */
const SERIES_BYTES = 44;

/**
 * Subscription, meter and resource as some event wrote them: a series. All that depends on these three
 * alone is worked out once for a series and not for each of its events. A series has a number; those
 * that differ in case alone share an identity, which is the number of the first of them.
 *
 * Its texts stand in one buffer as ClickHouse's RowBinary has them, each with its length in front, so
 * that they can be copied into rows.
 */
export class SeriesTable {
  texts: Buffer = Buffer.allocUnsafeSlow(1024);
  private used = 0;
  private count = 0;
  /** Where each begins in `texts`; the last entry is where the next one will. */
  readonly start = { of: new Uint32Array(16) };
  private subscriptionLengths = new Uint16Array(16);
  private meterLengths = new Uint16Array(16);
  private resourceLengths = new Uint16Array(16);
  private identities = new Int32Array(16);
  private hashes = new Int32Array(16);
  private digests = new Uint32Array(32);
  /** By hash, the number plus one; 0 where there is none. */
  private index = new Int32Array(64);

  get size(): number {
    return this.count;
  }

  get bytes(): number {
    return this.used + this.count * SERIES_BYTES;
  }

  hash(bytes: Buffer, event: EventLayout): number {
    let hash = hashBytes(hashStart(), bytes, event.subscription, event.subscriptionLength);
    hash = hashBytes(hash, bytes, event.meter, event.meterLength);
    return hashBytes(hash, bytes, event.resource, event.resourceLength);
  }

  /** The series of an event; -1 where there is none yet. */
  find(bytes: Buffer, event: EventLayout, hash: number): number {
    const mask = this.index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const series = (this.index[slot] ?? 0) - 1;
      if (series < 0) return NONE;
      if (this.hashes[series] === hash && this.is(series, bytes, event, equalBytes)) return series;
    }
  }

  /** Enters the series of an event that `find` has not found, with the digest of its identity. */
  add(
    bytes: Buffer,
    event: EventLayout,
    hash: number,
    digest: { readonly high: number; readonly low: number },
  ): number {
    const series = this.count++;
    this.reserve(series, event);
    let at = this.used;
    this.start.of[series] = at;
    at = writeText(this.texts, at, bytes, event.subscription, event.subscriptionLength);
    at = writeText(this.texts, at, bytes, event.meter, event.meterLength);
    at = writeText(this.texts, at, bytes, event.resource, event.resourceLength);
    this.used = at;
    this.start.of[series + 1] = at;
    this.subscriptionLengths[series] = event.subscriptionLength;
    this.meterLengths[series] = event.meterLength;
    this.resourceLengths[series] = event.resourceLength;
    this.hashes[series] = hash;
    this.digests[series * 2] = digest.high;
    this.digests[series * 2 + 1] = digest.low;
    this.identities[series] = this.identityLike(bytes, event, hash, series);
    this.enter(series);
    return series;
  }

  identityOf(series: number): number {
    return this.identities[series] ?? NONE;
  }

  digestHigh(series: number): number {
    return this.digests[series * 2] ?? 0;
  }

  digestLow(series: number): number {
    return this.digests[series * 2 + 1] ?? 0;
  }

  /** Places and lengths of its three texts, without the lengths in front of them. */
  partsOf(series: number): readonly (readonly [at: number, length: number])[] {
    let at = this.start.of[series] ?? 0;
    return [this.subscriptionLengths, this.meterLengths, this.resourceLengths].map((lengths) => {
      const length = lengths[series] ?? 0;
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

  private is(series: number, bytes: Buffer, event: EventLayout, equal: typeof equalBytes): boolean {
    const { texts } = this;
    const { subscriptionLength, meterLength, resourceLength } = event;
    if (
      this.subscriptionLengths[series] !== subscriptionLength ||
      this.meterLengths[series] !== meterLength ||
      this.resourceLengths[series] !== resourceLength
    ) {
      return false;
    }
    let at = (this.start.of[series] ?? 0) + lengthBytes(subscriptionLength);
    if (!equal(texts, at, bytes, event.subscription, subscriptionLength)) return false;
    at += subscriptionLength + lengthBytes(meterLength);
    if (!equal(texts, at, bytes, event.meter, meterLength)) return false;
    at += meterLength + lengthBytes(resourceLength);
    return equal(texts, at, bytes, event.resource, resourceLength);
  }

  /** The identity of a series that differs in case at most; `otherwise` where there is none. */
  identityLike(bytes: Buffer, event: EventLayout, hash: number, otherwise: number): number {
    const mask = this.index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const series = (this.index[slot] ?? 0) - 1;
      if (series < 0) return otherwise;
      if (this.hashes[series] === hash && this.is(series, bytes, event, equalFolded)) {
        return this.identityOf(series);
      }
    }
  }

  private enter(series: number): void {
    const mask = this.index.length - 1;
    let slot = (this.hashes[series] ?? 0) & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = series + 1;
  }

  private reserve(series: number, event: EventLayout): void {
    const { subscriptionLength, meterLength, resourceLength } = event;
    const most = subscriptionLength + meterLength + resourceLength + 12;
    this.texts = withRoom(this.texts, this.used, most);
    this.start.of = grown(this.start.of, series + 2);
    this.subscriptionLengths = grown(this.subscriptionLengths, series + 1);
    this.meterLengths = grown(this.meterLengths, series + 1);
    this.resourceLengths = grown(this.resourceLengths, series + 1);
    this.identities = grown(this.identities, series + 1);
    this.hashes = grown(this.hashes, series + 1);
    this.digests = grown(this.digests, series * 2 + 2);
    if ((series + 1) * 3 <= this.index.length * 2) return;
    this.index = new Int32Array(this.index.length * 2);
    for (let n = 0; n < series; n++) this.enter(n);
  }
}
