import { textsFrom, type EventTexts } from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import type { SeriesTable } from './series-table.ts';
import type { TextTable } from './text-table.ts';

export type WrittenTexts = EventTexts & ReturnType<typeof identityKeys>;

/** Series of which the strings are kept, and code units of each at most. Half a MB for a partition as a rule, 4 MB at most. */
const KEPT = 1024;
const MOST_LENGTH = 1024;

/**
 * The texts of windows as strings, with their keys. Most of them come again in each hour, so those of some series are kept,
 * with the attributes that they last had.
 */
export class WindowTexts {
  private readonly series: SeriesTable;
  private readonly attributes: TextTable;
  private readonly kept: { readonly attributes: number; readonly texts: WrittenTexts }[] = [];

  constructor(series: SeriesTable, attributes: TextTable) {
    this.series = series;
    this.attributes = attributes;
  }

  /** The texts of a window of a series, with an entry of attributes. */
  of(series: number, attributes: number): WrittenTexts {
    const known = this.kept[series];
    if (known?.attributes === attributes) return known.texts;
    const written = [...this.series.stringsOf(series), ...this.attributes.stringsOf(attributes)];
    const own = textsFrom(written);
    const texts = { ...identityKeys(own), ...own };
    const length = written.reduce((sum, text) => sum + (text?.length ?? 0), 0);
    if (series < KEPT && length <= MOST_LENGTH) this.kept[series] = { attributes, texts };
    return texts;
  }
}
