import type { RowKey } from './continuation-token.ts';
import { JsonBytes } from './json-bytes.ts';
import type { StoredRows } from './stored-rows.ts';
import { ResourceWriter } from './usage-row.ts';

/** The rows of a page as they are sent. */
export interface PageText {
  readonly rows: number;
  /** The JSON of their list. */
  readonly list: Buffer;
  /** The key of the last row if another page follows. */
  readonly end: RowKey | null;
}

/** A page with the key behind which it begins. */
export interface PlacedPage extends PageText {
  readonly after: RowKey | null;
}

export const EMPTY_PAGE: PageText = { rows: 0, list: Buffer.from('[]'), end: null };

const [OPEN, COMMA, CLOSE] = ['[', ',', ']'].map((mark) => Buffer.from(mark)) as [
  Buffer,
  Buffer,
  Buffer,
];

/**
 * The pages that rows fill. Rows that fill none are a page only at the end of the answer.
 * @param caller the subscription in the path, which stands in each row
 */
export const pagesOf = (
  rows: StoredRows,
  after: RowKey | null,
  pageRows: number,
  caller: string,
): readonly PlacedPage[] => {
  const json = new JsonBytes();
  const writer = new ResourceWriter(json, rows, caller);
  const pages: PlacedPage[] = [];
  let begin = after;
  let isNext = rows.next();
  while (isNext) {
    let count = 0;
    let last: RowKey | null = null;
    for (; isNext && count < pageRows; count++) {
      json.raw(count === 0 ? OPEN : COMMA);
      writer.write();
      if (count === pageRows - 1) last = rows.key();
      isNext = rows.next();
    }
    json.raw(CLOSE);
    const list = json.take();
    const follows = isNext || rows.more;
    if (follows && last === null) break;
    const end = follows ? last : null;
    pages.push({ after: begin, rows: count, list, end });
    begin = end;
  }
  return pages;
};
