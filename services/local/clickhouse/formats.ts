/**
 * Formats whose result may be sent block by block: the engine's stream formats every block on its
 * own, so that only formats without a head, a foot or state between rows come out whole.
 */
const STREAMED = new Set([
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

export const isStreamed = (format: string): boolean => STREAMED.has(format);

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
