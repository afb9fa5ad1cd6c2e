import { tokens, type Token } from './tokens.ts';

/**
 * What a request asks for, decided from its text alone:
 *
 * | kind     | statements                                     | runs on            |
 * |----------|------------------------------------------------|--------------------|
 * | `read`   | SELECT, WITH … SELECT, SHOW, DESCRIBE, …       | a read-only reader |
 * | `insert` | INSERT … VALUES, INSERT … FORMAT with data     | the writer         |
 * | `write`  | INSERT … SELECT, DDL, and any unknown word     | the writer         |
 * | `refused`| what this server cannot honour                 | nowhere            |
 *
 * A mistake here cannot do harm: the engine itself refuses a write on a reader.
 */
export type Statement =
  | {
      readonly kind: 'read';
      /** Of a FORMAT clause. */
      readonly format: string | null;
    }
  | { readonly kind: 'write' }
  | {
      readonly kind: 'insert';
      /** `INSERT INTO t (a, b)`, as written. */
      readonly target: string;
      /** `SETTINGS a = 1`, as written; empty if there is none. */
      readonly settings: string;
      readonly format: string;
      /** Where the data begins in the text. */
      readonly dataStart: number;
    }
  | { readonly kind: 'refused'; readonly code: number; readonly message: string };

const SYNTAX_ERROR = 62;
const NOT_IMPLEMENTED = 48;

const refused = (code: number, message: string): Statement => ({ kind: 'refused', code, message });
const cannot = (what: string): Statement =>
  refused(NOT_IMPLEMENTED, `The local ClickHouse cannot do this over HTTP: ${what}.`);

const READS = new Set(['SELECT', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'CHECK', 'EXPLAIN']);

const REFUSED_FIRST: ReadonlyMap<string, string> = new Map([
  ['SET', 'SET has no session to act on, pass settings as URL parameters'],
  ['USE', 'USE has no session to act on, pass the URL parameter "database"'],
  ['BEGIN', 'transactions'],
  ['START', 'transactions'],
  ['COMMIT', 'transactions'],
  ['ROLLBACK', 'transactions'],
  ['KILL', 'KILL, its statements cannot be interrupted'],
  ['WATCH', 'WATCH'],
]);

const OPENING = new Set(['(', '[', '{']);
const CLOSING = new Set([')', ']', '}']);

/** Tokens with their depth in brackets, up to the semicolon that ends the statement. */
interface Placed extends Token {
  readonly depth: number;
}

const placeTokens = (text: string): { readonly placed: Placed[]; readonly more: boolean } => {
  const placed: Placed[] = [];
  let depth = 0;
  let ended = false;
  for (const token of tokens(text)) {
    if (token.kind === 'symbol' && token.text === ';') {
      ended = true;
      continue;
    }
    if (ended) return { placed, more: true };
    if (token.kind === 'symbol' && CLOSING.has(token.text)) depth -= 1;
    placed.push({ ...token, depth });
    if (token.kind === 'symbol' && OPENING.has(token.text)) depth += 1;
  }
  return { placed, more: false };
};

const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token?.kind === 'word' && words.includes(token.text);

const isSymbol = (token: Token | undefined, symbol: string): boolean =>
  token?.kind === 'symbol' && token.text === symbol;

/** The name after the last FORMAT that ends a query: nothing but SETTINGS may follow it. */
const formatClause = (text: string, placed: readonly Placed[]): string | null => {
  for (let at = placed.length - 2; at >= 0; at -= 1) {
    const name = placed[at + 1];
    const next = placed[at + 2];
    if (isWord(placed[at], 'FORMAT') && placed[at]?.depth === 0 && name?.kind === 'word') {
      if (next === undefined || isWord(next, 'SETTINGS')) return text.slice(name.start, name.end);
    }
  }
  return null;
};

const hasPair = (placed: readonly Placed[], first: string, second: string): boolean =>
  placed.some((token, at) => isWord(token, first) && isWord(placed[at + 1], second));

const callsInput = (placed: readonly Placed[]): boolean =>
  placed.some((token, at) => isWord(token, 'INPUT') && isSymbol(placed[at + 1], '('));

/**
 * Data begins after the first newline behind the format's name, or after the blanks if there is
 * none: `ParserInsertQuery` of ClickHouse.
 */
const dataAfterFormat = (text: string, at: number): number => {
  const blanks = /[ \t\f]*\r?\n?/y;
  blanks.lastIndex = at;
  blanks.test(text);
  return blanks.lastIndex;
};

/** Skips the name of a table, or a call of a table function; returns the index of what follows. */
const afterTarget = (tokenList: readonly Token[]): number => {
  let at = 1;
  if (isWord(tokenList[at], 'INTO')) at += 1;
  const next = tokenList[at + 1];
  if (isWord(tokenList[at], 'TABLE', 'FUNCTION') && next !== undefined && next.kind !== 'symbol') {
    at += 1;
  }
  at += 1;
  while (isSymbol(tokenList[at], '.')) at += 2;
  return at;
};

/** Reads the tokens of an INSERT up to its data only: behind that point they mean nothing. */
const classifyInsert = (text: string): Statement => {
  const seen: Token[] = [];
  for (const token of tokens(text)) {
    seen.push(token);
    if (isSymbol(token, ';')) break;
  }
  return walkInsert(text, seen);
};

const walkInsert = (text: string, seen: readonly Token[]): Statement => {
  let depth = 0;
  let settingsAt: number | null = null;
  for (let at = afterTarget(seen); at < seen.length; at += 1) {
    const token = seen[at];
    if (token === undefined) break;
    const next = seen[at + 1];
    if (token.kind === 'symbol') {
      if (depth === 0 && token.text === '(' && isWord(next, 'SELECT', 'WITH')) break;
      if (token.text === ';') break;
      if (OPENING.has(token.text)) depth += 1;
      if (CLOSING.has(token.text)) depth -= 1;
      continue;
    }
    if (depth > 0 || token.kind !== 'word') continue;
    if (isWord(token, 'SELECT', 'WITH')) break;
    if (isWord(token, 'FROM') && isWord(next, 'INFILE')) return cannot('FROM INFILE');
    if (isWord(token, 'FROM', 'WATCH')) break;
    if (isWord(token, 'SETTINGS')) settingsAt = token.start;
    const isFormat = isWord(token, 'FORMAT') && next?.kind === 'word';
    if (isFormat || isWord(token, 'VALUES')) {
      return {
        kind: 'insert',
        target: text.slice(seen[0]?.start ?? 0, settingsAt ?? token.start).trim(),
        settings: settingsAt === null ? '' : text.slice(settingsAt, token.start).trim(),
        format: isFormat ? text.slice(next.start, next.end) : 'Values',
        dataStart: isFormat ? dataAfterFormat(text, next.end) : token.end,
      };
    }
  }
  const { placed, more } = placeTokens(text);
  if (more) return refused(SYNTAX_ERROR, 'Syntax error: multi-statements are not allowed.');
  if (callsInput(placed)) return cannot('the table function input()');
  return placed.some((token) => isWord(token, 'SELECT', 'WITH', 'FROM', 'WATCH'))
    ? { kind: 'write' }
    : refused(SYNTAX_ERROR, 'Syntax error: an INSERT needs VALUES, FORMAT or SELECT.');
};

/** Classifies one statement. `text` is the whole of it, or, for an INSERT, at least its start. */
export const classify = (text: string): Statement => {
  const first = tokens(text).next().value ?? undefined;
  if (first === undefined || isSymbol(first, ';')) {
    return refused(SYNTAX_ERROR, 'Syntax error: empty query.');
  }
  if (isWord(first, 'INSERT')) return classifyInsert(text);
  const { placed, more } = placeTokens(text);
  if (more) return refused(SYNTAX_ERROR, 'Syntax error: multi-statements are not allowed.');
  const why = first.kind === 'word' ? REFUSED_FIRST.get(first.text) : undefined;
  if (why !== undefined) return cannot(why);
  if (hasPair(placed, 'INTO', 'OUTFILE')) return cannot('INTO OUTFILE');
  const isTemporary = placed.slice(0, 4).some((token) => isWord(token, 'TEMPORARY'));
  if (isWord(first, 'CREATE', 'REPLACE', 'ATTACH') && isTemporary) {
    return cannot('temporary tables, there are no sessions');
  }
  const insertsBelow = placed.some((token) => token.depth === 0 && isWord(token, 'INSERT'));
  const isRead =
    isSymbol(first, '(') ||
    (first.kind === 'word' && READS.has(first.text)) ||
    isWord(first, 'WITH');
  return isRead && !(isWord(first, 'WITH') && insertsBelow)
    ? { kind: 'read', format: formatClause(text, placed) }
    : { kind: 'write' };
};

/** Whether something other than white space follows the semicolon that ends VALUES data. */
export const hasSecondStatement = (valuesData: string): boolean => placeTokens(valuesData).more;
