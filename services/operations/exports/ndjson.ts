import { cellText } from './cell-text.ts';
import type { Column, RowWriter } from './column.ts';

/** A decimal is a JSON number with all its digits: `JSON.stringify` would round it. */
const jsonCell = <Row>(column: Column<Row>, row: Row): string => {
  const text = cellText(column, row);
  if (text === null) return 'null';
  return column.type === 'decimal' || column.type === 'json' ? text : JSON.stringify(text);
};

/** One JSON object for each line. */
export const ndjson: RowWriter = async function* (columns, blocks) {
  const names = columns.map(({ name }) => JSON.stringify(name));
  for await (const rows of blocks) {
    const lines = rows.map((row) => {
      const cells = columns.map((column, n) => `${names[n] ?? ''}:${jsonCell(column, row)}`);
      return `{${cells.join(',')}}\n`;
    });
    yield Buffer.from(lines.join(''));
  }
};
