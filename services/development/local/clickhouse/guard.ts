import type { Forbidden } from './access.ts';
import { nameOf, tokens, type Token } from './tokens.ts';

/**
 * Finds what would leave the data directory and for which the engine, made as a tool for its user's own
 * files, requires no grant. It checks tokens at any position, also in a subquery or after EXPLAIN, and
 * rather refuses too much: `file` must not be the name of a column. It relies on `tokens` seeing what the
 * engine's own lexer sees (a test compares them).
 */
export interface Refusal {
  readonly error: 'ACCESS_DENIED' | 'SYNTAX_ERROR';
  readonly message: string;
}

const access = (what: string): Refusal => ({
  error: 'ACCESS_DENIED',
  message: `The local ClickHouse works on its own tables only: ${what} is not allowed.`,
});

const NAMES_FILE = access('the function or the name "file"');

const isSymbol = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'symbol' && token.text === text;

const isWord = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.kind === 'word' && texts.includes(token.text);

const ATTACHED = [
  'TABLE',
  'DATABASE',
  'DICTIONARY',
  'VIEW',
  'MATERIALIZED',
  'TEMPORARY',
  'LIVE',
  'WINDOW',
];

/** What the token at a place means together with those that follow it. */
const refuseAt = (
  text: string,
  at: (offset: number) => Token | undefined,
  isFirst: boolean,
  forbidden: Forbidden,
): Refusal | null => {
  const token = at(0);
  if (token?.kind === 'foreign') {
    return {
      error: 'SYNTAX_ERROR',
      message:
        'Syntax error: a character outside of ASCII must be in quotes (perhaps a no-break space or a curly quote was copied)',
    };
  }
  const name = token && nameOf(text, token);
  if (token === undefined || name === null || name === undefined) return null;
  // Functions are values: arrayMap(file, …) calls it without brackets.
  if (name === 'file') return NAMES_FILE;
  const lower = name.toLowerCase();
  if (isSymbol(at(1), '(')) {
    if (lower === 'disk') return access('a disk of its own');
    if (forbidden.tableFunctions.has(lower)) return access(`the table function "${name}"`);
  }
  if (isWord(token, 'ENGINE')) {
    const engine = at(isSymbol(at(1), '=') ? 2 : 1);
    const engineName = engine && nameOf(text, engine);
    if (engineName != null && forbidden.engines.has(engineName.toLowerCase())) {
      return access(`the engine "${engineName}"`);
    }
  }
  if (isWord(token, 'INTO') && isWord(at(1), 'OUTFILE')) return access('INTO OUTFILE');
  if (isWord(token, 'FROM') && isWord(at(1), 'INFILE')) return access('FROM INFILE');
  if (isWord(token, 'ATTACH') && (isFirst || isWord(at(1), ...ATTACHED))) return access('ATTACH');
  return null;
};

/** A function can be named by a parameter, too: arrayMap({f:Identifier}, …). */
const parameterNamesFile = (
  list: readonly Token[],
  params: Readonly<Record<string, string>>,
): boolean =>
  list.some((token) => isWord(token, 'IDENTIFIER')) &&
  Object.values(params).some((value) => /^[\s`"]*file[\s`"]*$/.test(value));

/** Why a statement may not run; null if it may. `text` is without the data of an INSERT. */
export const guard = (
  text: string,
  params: Readonly<Record<string, string>>,
  forbidden: Forbidden,
): Refusal | null => {
  const list = [...tokens(text)];
  for (const index of list.keys()) {
    const refusal = refuseAt(text, (offset) => list[index + offset], index === 0, forbidden);
    if (refusal !== null) return refusal;
  }
  return parameterNamesFile(list, params) ? access('the function "file"') : null;
};

/** Why the data of an INSERT … VALUES may not be read: they may hold expressions. */
export const guardValues = (data: string): Refusal | null => {
  // One at a time: data may have millions of them.
  for (const token of tokens(data)) if (nameOf(data, token) === 'file') return NAMES_FILE;
  return null;
};
