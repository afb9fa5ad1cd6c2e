/**
 * A value of a CSV file. Text is a string; numbers are numbers or, where a double is not exact, decimal
 * text in an object. Null is an empty field.
 */
export type CsvValue = string | number | null | { readonly decimal: string };

/**
 * What a spreadsheet takes for the beginning of a formula, or skips in front of one. Whoever names a
 * resource or a tag could have it run on the machine of whoever opens the file. The wide forms are run in
 * East Asian locales.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/**
 * The same inside a text: a spreadsheet of another locale separates at semicolons or tabs, and then takes
 * the quotes around our field as text. What follows a separator begins a cell there, after quotes too.
 */
const INNER_FORMULA = /([;\t\r\n])(?="*[=+\-@＝＋－＠])/gu;

/** Text in a file for people, which a spreadsheet shows instead of running it. */
export const withoutFormula = (text: string): string =>
  (FORMULA.test(text) ? `'${text}` : text).replace(INNER_FORMULA, "$1'");

/** The semicolon and the tab separate fields in spreadsheets of other locales. */
const QUOTED = /[",;\t\r\n]|^\s|\s$/;

/** A field in quotes where it needs them. */
export const quoted = (text: string): string =>
  QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

const fieldOf = (value: CsvValue): string => {
  if (value === null) return '';
  if (typeof value === 'string') return quoted(withoutFormula(value));
  return typeof value === 'number' ? String(value) : value.decimal;
};

/** A line of a CSV file for people, with its line break: formulas in texts are neutralised. */
export const csvLine = (values: readonly CsvValue[]): string =>
  `${values.map(fieldOf).join(',')}\n`;
