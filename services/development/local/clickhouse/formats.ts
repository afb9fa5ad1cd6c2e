import type { Execution } from './engine.ts';

/**
 * Formats whose result may be sent block by block: the engine's stream formats every block on its own, so
 * only formats without a header, a footer or state between rows come out right.
 */
const IN_PIECES = new Set([
  'CSV',
  'JSONCompactEachRow',
  'JSONCompactStringsEachRow',
  'JSONEachRow',
  'JSONLines',
  'JSONStringsEachRow',
  'NDJSON',
  'Native',
  'RowBinary',
  'TSKV',
  'TSV',
  'TSVRaw',
  'TabSeparated',
  'TabSeparatedRaw',
]);

/** With this setting JSONEachRow has a head and a foot. */
const ARRAY = 'output_format_json_array_of_rows';

/** Whether the engine's pieces of a result, put together, are the result. */
export const comesInPieces = (
  format: string,
  { sql, settings }: Pick<Execution, 'sql' | 'settings'>,
): boolean => IN_PIECES.has(format) && !(ARRAY in settings) && !sql.includes(ARRAY);

const CONTENT_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(JSON\w*EachRow\w*|NDJSON|JSONLines)$/, 'application/x-ndjson; charset=UTF-8'],
  [/^(JSON|PrettyJSON)/, 'application/json; charset=UTF-8'],
  [/^(TabSeparated|TSV|TSKV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^CSV/, 'text/csv; charset=UTF-8'],
  [/^(Pretty|Vertical|Values|Markdown|LineAsString)/, 'text/plain; charset=UTF-8'],
  [/^XML$/, 'application/xml; charset=UTF-8'],
];

export const contentType = (format: string): string =>
  CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'application/octet-stream';
