export type Cell = string | number | bigint | null;

const text = (cell: Cell): string => (cell === null ? '-' : String(cell));

/** Plain columns for a terminal: numbers to the right, everything else to the left. */
export const formatTable = (
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string => {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => text(row[column] ?? null).length)),
  );
  const isNumeric = headings.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every((row) => row[column] === null || typeof row[column] !== 'string'),
  );
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] ? text(cell).padStart(width) : text(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  );
};
