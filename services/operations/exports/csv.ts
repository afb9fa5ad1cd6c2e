import { quoted, withoutFormula } from '../../shared/csv/csv.ts';
import { cellText } from './cell-text.ts';
import type { Column, RowWriter } from './column.ts';

/** Without it a spreadsheet does not read the file as UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

/** An empty field is null, `""` is an empty text. */
const field = (text: string | null): string => {
  if (text === null) return '';
  return text === '' ? '""' : quoted(text);
};

const lineOf = (texts: readonly (string | null)[]): string => `${texts.map(field).join(',')}\n`;

/** Numbers and times are ours: a number may begin with a minus. */
const peoplesText = <Row>(column: Column<Row>, row: Row): string | null => {
  const text = cellText(column, row);
  const isForeign = column.type === 'text' || column.type === 'json';
  return text !== null && isForeign ? withoutFormula(text) : text;
};

const csv = (
  beginning: string,
  textOf: <Row>(column: Column<Row>, row: Row) => string | null,
): RowWriter =>
  async function* (columns, blocks) {
    yield Buffer.from(beginning + lineOf(columns.map(({ name }) => name)));
    for await (const rows of blocks) {
      const lines = rows.map((row) => lineOf(columns.map((column) => textOf(column, row))));
      yield Buffer.from(lines.join(''));
    }
  };

/** CSV after RFC 4180 in UTF-8: a heading, then one record for each row, byte for byte what was reported. */
export const csvForMachines: RowWriter = csv('', cellText);

/** The same for a spreadsheet: no text of others can run as a formula. */
export const csvForPeople: RowWriter = csv(BYTE_ORDER_MARK, peoplesText);
