import { IDENTITY } from '../../model/event-texts.ts';
import type { Digest } from '../content-digest.ts';
import { lengthOf, placeOf, type TextPlaces } from './event-layout.ts';
import { grown } from './growing.ts';
import { NONE } from './hash-index.ts';
import { equalFolded } from './text-bytes.ts';
import { TextEntries } from './text-entries.ts';
import type { ViewedBytes } from './viewed-bytes.ts';

/** Bytes of a series without its texts, including its slots in the index and what is remembered of it. */
const SERIES_BYTES = 58;

/**
 * A series is one spelling of subscription, meter and resource. What depends on these three alone is
 * computed once for each series instead of for each event. Series are numbered. Those that differ only in
 * case share an identity: the number of the first of them.
 */
export class SeriesTable extends TextEntries {
  private identities = new Int32Array(16);

  constructor() {
    super(IDENTITY.length);
  }

  get bytes(): number {
    return this.textBytes + this.size * SERIES_BYTES;
  }

  override add(source: ViewedBytes, places: TextPlaces, hash: number, digest: Digest): number {
    const identity = this.identityLike(source, places, hash);
    const series = super.add(source, places, hash, digest);
    this.identities = grown(this.identities, series + 1);
    this.identities[series] = identity === NONE ? series : identity;
    return series;
  }

  identityOf(series: number): number {
    return this.identities[series] ?? NONE;
  }

  /** The identity of a series that is equal apart from case; -1 if there is none. */
  identityLike(source: ViewedBytes, places: TextPlaces, hash: number): number {
    const { index } = this;
    for (let slot = index.begin(hash); ; slot = index.next(slot)) {
      const series = index.at(slot);
      if (series === NONE) return NONE;
      if (index.hashOf(series) === hash && this.isFolded(series, source, places)) {
        return this.identityOf(series);
      }
    }
  }

  private isFolded(series: number, source: ViewedBytes, places: TextPlaces): boolean {
    const { view } = this.source;
    let at = this.startOf(series);
    for (let text = 0; text < IDENTITY.length; text++) {
      const length = this.lengthOf(series, text);
      if (length !== lengthOf(places, text)) return false;
      if (!equalFolded(view, at, source.view, placeOf(places, text), length)) return false;
      at += length;
    }
    return true;
  }
}
