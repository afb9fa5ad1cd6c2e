import { cut, printable, widthOf } from './printable.ts';

export type Cell = string | number | bigint | null;

export interface TableOptions {
  /** The headings of columns that are never cut, because people copy them into the next command. */
  readonly whole?: readonly string[];
  /** The columns of the terminal; unlimited if the output is a pipe or a file. */
  readonly width?: number;
}

/** The width of the output. A terminal has a width; a pipe or a file has no limit. */
export const outputWidth = ({ isTTY, columns } = process.stdout): number =>
  isTTY && columns > 0 ? columns : Infinity;

const textOf = (cell: Cell): string => (cell === null ? '-' : printable(String(cell)));

const GAP = '  ';
/** No column is cut below this width: less would say nothing. */
const NARROWEST = 12;

/**
 * Formats plain columns: numbers to the right, everything else to the left. Every cell is made printable. A
 * table that is too wide for the terminal is cut, the widest columns first.
 */
export const formatTable = (
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { whole = [], width = outputWidth() }: TableOptions = {},
): string => {
  const cells = rows.map((row) => headings.map((_, column) => textOf(row[column] ?? null)));
  const isNumeric = headings.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every((row) => row[column] === null || typeof row[column] !== 'string'),
  );
  const widths = fit(
    headings.map((heading, column) =>
      Math.max(heading.length, ...cells.map((row) => widthOf(row[column] ?? ''))),
    ),
    headings.map((heading, column) =>
      isNumeric[column] || whole.includes(heading) ? Infinity : Math.max(heading.length, NARROWEST),
    ),
    width - GAP.length * (headings.length - 1),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const most = widths[column] ?? 0;
        const text = cut(cell, most);
        const space = ' '.repeat(most - widthOf(text));
        return isNumeric[column] ? `${space}${text}` : `${text}${space}`;
      })
      .join(GAP)
      .trimEnd();
  return [line(headings), line(widths.map((each) => '-'.repeat(each))), ...cells.map(line)].join(
    '\n',
  );
};

/** Narrows the widest column that may be narrowed until all fit, or none may be narrowed. */
const fit = (
  wanted: readonly number[],
  narrowest: readonly number[],
  room: number,
): readonly number[] => {
  const widths = [...wanted];
  for (let over = widths.reduce((a, b) => a + b, 0) - room; over > 0; over--) {
    let widest = -1;
    widths.forEach((width, column) => {
      const isWider = widest < 0 || width > (widths[widest] ?? 0);
      if (width > (narrowest[column] ?? 0) && isWider) widest = column;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
};

/** The longest text of one field that is shown on a terminal. */
const MOST_OF_A_FIELD = 2_000;
/** A longer name moves only its own text to the right. */
const WIDEST_NAME = 40;

/** Formats names and texts, one below the other and indented. Long texts are cut only on a terminal. */
export const formatFields = (
  fields: readonly (readonly [name: string, text: string | null])[],
  { width = outputWidth() }: Pick<TableOptions, 'width'> = {},
): readonly string[] => {
  const shown = (text: string): string =>
    cut(printable(text), width === Infinity ? Infinity : MOST_OF_A_FIELD);
  const names = fields.map(([name]) => shown(name));
  const widest = Math.min(WIDEST_NAME, Math.max(0, ...names.map(widthOf)));
  return fields.map(([, text], n) => {
    const name = names[n] ?? '';
    const space = ' '.repeat(Math.max(0, widest - widthOf(name)));
    return `  ${name}${space}  ${text === null ? '-' : shown(text)}`;
  });
};
