import { TEXT_COLUMNS, TEXT_NAMES } from '../model/event-texts.ts';

/** The columns of an event's texts, for a select that reads them by their names. */
export const NAMED_TEXTS = TEXT_COLUMNS.map(
  (column, n) => `${column} AS "${TEXT_NAMES[n] ?? ''}"`,
).join(', ');

/** All texts as one value in SQL. `argMin` would skip a text that is null, but not a tuple that has it. */
export const textTuple = (alias = ''): string =>
  `tuple(${TEXT_COLUMNS.map((column) => alias + column).join(', ')})`;

/** SQL expressions by the columns that they fill. */
type Expressions = Readonly<Record<string, string>>;

/** The texts of a `textTuple`. */
export const textsOfTuple = (tuple: string): Expressions =>
  Object.fromEntries(
    TEXT_COLUMNS.map((column, n) => [column, `tupleElement(${tuple}, ${String(n + 1)})`]),
  );

export const insertSelect = (table: string, columns: Expressions, from: string): string =>
  `INSERT INTO ${table} (${Object.keys(columns).join(', ')})
  SELECT ${Object.values(columns).join(', ')} FROM ${from}`;
