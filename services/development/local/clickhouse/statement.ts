import { CODES } from './exception.ts';
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
      /** Whether the engine can give the result in pieces: of queries only, not of SHOW and such. */
      readonly inPieces: boolean;
    }
  | { readonly kind: 'write' }
  | DataInsert
  | { readonly kind: 'refused'; readonly code: number; readonly message: string };

export interface DataInsert {
  readonly kind: 'insert';
  /** `INSERT INTO t (a, b)`, as written. */
  readonly target: string;
  /** `SETTINGS a = 1`, as written; empty if there is none. */
  readonly settings: string;
  readonly format: string;
  /** Where the data begins in the text. */
  readonly dataStart: number;
}

const refused = (code: number, message: string): Statement => ({ kind: 'refused', code, message });
const syntaxError = (what: string): Statement =>
  refused(CODES.SYNTAX_ERROR, `Syntax error: ${what}.`);
const cannot = (what: string): Statement =>
  refused(CODES.NOT_IMPLEMENTED, `The local ClickHouse cannot do this over HTTP: ${what}.`);

const SECOND_STATEMENT = syntaxError('multi-statements are not allowed');

const QUERIES: ReadonlySet<string> = new Set(['SELECT', 'FROM', 'WITH']);
const OTHER_READS: ReadonlySet<string> = new Set([
  'SHOW',
  'DESCRIBE',
  'DESC',
  'EXISTS',
  'CHECK',
  'EXPLAIN',
]);

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

const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token?.kind === 'word' && words.includes(token.text);

const isSymbol = (token: Token | undefined, symbol: string): boolean =>
  token?.kind === 'symbol' && token.text === symbol;

/** A token with its depth in brackets. */
interface Placed extends Token {
  readonly depth: number;
}

/** The tokens up to the semicolon that ends the statement; `more` if anything follows it. */
const placeTokens = (text: string): { readonly placed: Placed[]; readonly more: boolean } => {
  const placed: Placed[] = [];
  let depth = 0;
  let ended = false;
  for (const token of tokens(text)) {
    if (isSymbol(token, ';')) {
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

/** Whether anything but white space and comments follows the semicolon that ends VALUES data. */
export const hasSecondStatement = (valuesData: string): boolean => {
  let ended = false;
  for (const token of tokens(valuesData)) {
    if (isSymbol(token, ';')) ended = true;
    else if (ended) return true;
  }
  return false;
};

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

const callsInput = (placed: readonly Placed[]): boolean =>
  placed.some((token, at) => isWord(token, 'INPUT') && isSymbol(placed[at + 1], '('));

/**
 * Tokens by their index, read no further than asked, because any bytes may follow the head of an INSERT.
 */
const tokenReader = (text: string): ((index: number) => Token | undefined) => {
  const seen: Token[] = [];
  const source = tokens(text);
  return (index) => {
    while (seen.length <= index) {
      const item = source.next();
      if (item.done === true) return undefined;
      seen.push(item.value);
    }
    return seen[index];
  };
};

/**
 * Data begins after the first newline that follows the format's name, or after the blanks if there is none:
 * `ParserInsertQuery` of ClickHouse.
 */
const dataAfterFormat = (text: string, at: number): number => {
  const blanks = /[ \t\f]*\r?\n?/y;
  blanks.lastIndex = at;
  blanks.test(text);
  return blanks.lastIndex;
};

/** The index of the token after the name of the table or table function. */
const afterTarget = (tokenAt: (index: number) => Token | undefined): number => {
  let at = 1;
  for (const word of ['INTO', 'TABLE', 'FUNCTION']) {
    const next = tokenAt(at + 1);
    if (isWord(tokenAt(at), word) && next !== undefined && next.kind !== 'symbol') at += 1;
  }
  at += 1;
  while (isSymbol(tokenAt(at), '.')) at += 2;
  return at;
};

/** An INSERT that brings its data, or null if it takes them from a query. */
const dataInsert = (text: string): Statement | null => {
  const tokenAt = tokenReader(text);
  let depth = 0;
  let settingsAt: number | null = null;
  for (let at = afterTarget(tokenAt); ; at += 1) {
    const token = tokenAt(at);
    if (token === undefined) return null;
    if (token.kind === 'symbol') {
      if (token.text === ';') return null;
      if (OPENING.has(token.text)) depth += 1;
      if (CLOSING.has(token.text)) depth -= 1;
      if (depth === 1 && token.text === '(' && isWord(tokenAt(at + 1), 'SELECT', 'WITH')) {
        return null;
      }
    }
    if (depth > 0 || token.kind !== 'word') continue;
    if (isWord(token, 'SELECT', 'WITH', 'FROM', 'WATCH')) return null;
    if (isWord(token, 'SETTINGS')) settingsAt = token.start;
    const name = isWord(token, 'FORMAT') ? tokenAt(at + 1) : undefined;
    const isFormat = name?.kind === 'word';
    if (!isFormat && !isWord(token, 'VALUES')) continue;
    if (isFormat && /^[ \t\f]*;/.test(text.slice(name.end, name.end + 64))) {
      return syntaxError('there is a semicolon between FORMAT and the data');
    }
    return {
      kind: 'insert',
      target: text.slice(tokenAt(0)?.start ?? 0, settingsAt ?? token.start).trim(),
      settings: settingsAt === null ? '' : text.slice(settingsAt, token.start).trim(),
      format: isFormat ? text.slice(name.start, name.end) : 'Values',
      dataStart: isFormat ? dataAfterFormat(text, name.end) : token.end,
    };
  }
};

const classifyInsert = (text: string): Statement => {
  const withData = dataInsert(text);
  if (withData !== null) return withData;
  const { placed, more } = placeTokens(text);
  if (more) return SECOND_STATEMENT;
  if (callsInput(placed)) return cannot('the table function input()');
  return placed.some((token) => isWord(token, 'SELECT', 'WITH', 'FROM', 'WATCH'))
    ? { kind: 'write' }
    : syntaxError('an INSERT needs VALUES, FORMAT or SELECT');
};

/** Classifies one statement. `text` is all of it or, for an INSERT, at least its start. */
export const classify = (text: string): Statement => {
  const first = tokens(text).next().value ?? undefined;
  if (first === undefined || isSymbol(first, ';')) return syntaxError('empty query');
  if (isWord(first, 'INSERT')) return classifyInsert(text);

  const { placed, more } = placeTokens(text);
  if (more) return SECOND_STATEMENT;
  const word = first.kind === 'word' ? first.text : '';
  const why = REFUSED_FIRST.get(word);
  if (why !== undefined) return cannot(why);
  const isTemporary = placed.slice(0, 4).some((token) => isWord(token, 'TEMPORARY'));
  if (isWord(first, 'CREATE', 'REPLACE', 'ATTACH') && isTemporary) {
    return cannot('temporary tables, there are no sessions');
  }
  if (word === 'WITH' && placed.some((token) => token.depth === 0 && isWord(token, 'INSERT'))) {
    return callsInput(placed) ? cannot('the table function input()') : { kind: 'write' };
  }
  const isQuery = isSymbol(first, '(') || QUERIES.has(word);
  return isQuery || OTHER_READS.has(word)
    ? { kind: 'read', format: formatClause(text, placed), inPieces: isQuery }
    : { kind: 'write' };
};
