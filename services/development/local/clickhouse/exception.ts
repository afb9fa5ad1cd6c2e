/** An error as ClickHouse reports it over HTTP: by its number and a text. */
export class ClickHouseException extends Error {
  override readonly name = 'ClickHouseException';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Codes of https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp */
export const CODES = {
  CANNOT_PARSE_TEXT: 6,
  CHECKSUM_DOESNT_MATCH: 40,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  UNKNOWN_COMPRESSION_METHOD: 89,
  READONLY: 164,
  NOT_ENOUGH_SPACE: 243,
  ABORTED: 236,
  CANNOT_DECOMPRESS: 271,
  ACCESS_DENIED: 497,
  AUTHENTICATION_FAILED: 516,
  QUERY_IS_TOO_LARGE: 552,
  UNKNOWN_EXCEPTION: 1002,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CODES).map(([name, code]) => [code, name]),
);

/**
 * HTTP status by code, after ClickHouse's `exceptionCodeToHTTPStatus`; every other code is 500.
 */
const STATUS_CODES: readonly (readonly [number, readonly number[]])[] = [
  [
    400,
    [
      6, 10, 15, 16, 25, 26, 27, 36, 38, 41, 44, 53, 62, 69, 72, 117, 167, 168, 223, 224, 376, 427,
      441, 675, 676,
    ],
  ],
  [403, [192, 193, 497, 516, 512]],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 108, 115, 204, 511]],
  [408, [159]],
  [411, [381]],
  [413, [CODES.QUERY_IS_TOO_LARGE]],
  [501, [CODES.NOT_IMPLEMENTED]],
  [503, [76, 209, 439]],
];

export const httpStatus = (code: number): number =>
  STATUS_CODES.find(([, codes]) => codes.includes(code))?.[0] ?? 500;

const NESTED =
  /^Code: \d+\. DB::Exception: (Code: \d+\. [^]*) \(version [^()]*\)\. \([A-Z0-9_]+\)$/;

/**
 * The engine wraps an error once for each layer that it passes. The innermost error is the one to report.
 */
const unwrap = (message: string): string => {
  let text = message.trim();
  for (let inner = NESTED.exec(text); inner; inner = NESTED.exec(text)) text = inner[1] ?? '';
  return text;
};

/** Anything thrown, as a ClickHouse error. Errors without a code become UNKNOWN_EXCEPTION. */
export const asException = (thrown: unknown): ClickHouseException => {
  if (thrown instanceof ClickHouseException) return thrown;
  const text = unwrap(thrown instanceof Error ? thrown.message : String(thrown));
  const code = /^Code: (\d+)\./.exec(text)?.[1];
  if (code !== undefined) return new ClickHouseException(Number(code), text);
  const isFull = (thrown as NodeJS.ErrnoException | null)?.code === 'ENOSPC';
  return new ClickHouseException(isFull ? CODES.NOT_ENOUGH_SPACE : CODES.UNKNOWN_EXCEPTION, text);
};

/** The text that clients parse: `Code: 60. DB::Exception: … (UNKNOWN_TABLE) (version …)`. */
export const exceptionText = (exception: ClickHouseException, version: string): string => {
  const { code, message } = exception;
  const text = message.startsWith('Code: ')
    ? message
    : `Code: ${String(code)}. DB::Exception: ${message} (${NAMES.get(code) ?? 'UNKNOWN_EXCEPTION'})`;
  return `${text} (version ${version})\n`;
};

/**
 * An error after the first part of a result, as ClickHouse writes it into the body since 25.11. The
 * tag of the header X-ClickHouse-Exception-Tag tells it from what a result may hold.
 * Source: https://clickhouse.com/docs/interfaces/http#http_response_codes_caveats
 */
export const exceptionInBody = (text: string, tag: string): Buffer => {
  const message = text.endsWith('\n') ? text : `${text}\n`;
  const length = Buffer.byteLength(message);
  return Buffer.from(
    `\r\n__exception__\r\n${tag}\r\n${message}${String(length)} ${tag}\r\n__exception__\r\n`,
  );
};
