import { numberEnd } from './number-token.ts';

/**
 * ClickHouse SQL as tokens, split as the engine's own lexer splits it. `guard.ts` relies on that, and a
 * test compares the two. Positions are those of the given text; a text decoded as Latin-1 gives byte
 * positions. Source: https://github.com/ClickHouse/ClickHouse/blob/master/src/Parsers/Lexer.cpp
 */
export interface Token {
  /**
   * `number`: what begins with a digit, a name too. `foreign`: outside of ASCII and of quotes, where the engine has white space,
   * quotes or errors.
   */
  readonly kind: 'word' | 'number' | 'quoted' | 'string' | 'symbol' | 'foreign';
  /** A word in upper case; other tokens as they are. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/*
 * Patterns of single characters only. A pattern with alternatives inside a repetition would need
 * stack for every character, and a literal may have millions of them.
 */
const SPACE = /[ \t\n\r\f\v]*/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const FOREIGN = /[\x80-\uFFFF]+/y;
const HEREDOC_MARK = /\$\w*\$/y;
const COMMENT_MARK = /\/\*|\*\//g;
/** The quotes of a string of bytes in digits: x'41', b'01'. */
const DIGITS_QUOTE = /[xXbB]'(?=[^])/y;
const DIGITS: Readonly<Record<string, RegExp>> = { x: /[\da-fA-F]*/y, b: /[01]*/y };
const PLAIN: Readonly<Record<string, RegExp>> = {
  "'": /[^'\\]*/y,
  '"': /[^"\\]*/y,
  '`': /[^`\\]*/y,
};

/** Where the match of a sticky pattern ends; `at` if there is none. */
const endOf = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
};

/** Behind a comment in `/*`, which may hold others; the text's end if it is not closed. */
const endOfComment = (text: string, from: number): number => {
  let depth = 1;
  COMMENT_MARK.lastIndex = from;
  for (let mark = COMMENT_MARK.exec(text); mark !== null; mark = COMMENT_MARK.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return COMMENT_MARK.lastIndex;
  }
  return text.length;
};

const LINE_COMMENTS = new Set(['--', '//', '# ', '#!']);

/** Skips white space and comments: those to the end of the line, and those in `/*`. */
const skip = (text: string, from: number): number => {
  let at = from;
  for (;;) {
    at = endOf(SPACE, text, at);
    const two = text.slice(at, at + 2);
    if (LINE_COMMENTS.has(two)) {
      const lineEnd = text.indexOf('\n', at);
      at = lineEnd === -1 ? text.length : lineEnd + 1;
    } else if (two === '/*') at = endOfComment(text, at + 2);
    else return at;
  }
};

/** Quotes inside are doubled or follow a backslash. */
const endOfQuoted = (text: string, start: number, plain: RegExp): number => {
  const quote = text.charAt(start);
  let at = start + 1;
  for (;;) {
    at = endOf(plain, text, at);
    if (at >= text.length) return text.length;
    if (text[at] === quote && text[at + 1] !== quote) return at + 1;
    at += 2;
  }
};

/** An unclosed string of digits extends to the end of the text, as in the engine. */
const endOfDigits = (text: string, start: number): number => {
  const end = endOf(DIGITS[text.charAt(start).toLowerCase()] ?? SPACE, text, start + 2);
  return text[end] === "'" ? end + 1 : text.length;
};

/**
 * The end of `$x$ … $x$`; `start` if it is not a heredoc, or not closed. Then the dollar belongs to a word.
 */
const endOfHeredoc = (text: string, start: number): number => {
  const markEnd = endOf(HEREDOC_MARK, text, start);
  if (markEnd === start) return start;
  const mark = text.slice(start, markEnd);
  const close = text.indexOf(mark, markEnd);
  return close === -1 ? start : close + mark.length;
};

const token = (kind: Token['kind'], text: string, start: number, end: number): Token => ({
  kind,
  text: kind === 'word' ? text.slice(start, end).toUpperCase() : text.slice(start, end),
  start,
  end,
});

const tokenAt = (text: string, start: number, previous: Token | null): Token => {
  const number = numberEnd(text, start, previous);
  if (number > start) return token('number', text, start, number);
  const plain = PLAIN[text.charAt(start)];
  if (plain !== undefined) {
    const kind = text.startsWith("'", start) ? 'string' : 'quoted';
    return token(kind, text, start, endOfQuoted(text, start, plain));
  }
  if (endOf(DIGITS_QUOTE, text, start) > start) {
    return token('string', text, start, endOfDigits(text, start));
  }
  const heredoc = endOfHeredoc(text, start);
  if (heredoc > start) return token('string', text, start, heredoc);
  const word = endOf(WORD, text, start);
  // A single dollar is not a word, not even before another dollar.
  const isDollar = text.startsWith('$', start) && !/\w/.test(text.charAt(start + 1));
  if (word > start && !isDollar) return token('word', text, start, word);
  const foreign = endOf(FOREIGN, text, start);
  if (foreign > start) return token('foreign', text, start, foreign);
  return token('symbol', text, start, start + 1);
};

/** The tokens of a text, without white space and comments. Never fails. */
export function* tokens(text: string): Generator<Token, void> {
  let previous: Token | null = null;
  let at = skip(text, 0);
  while (at < text.length) {
    previous = tokenAt(text, at, previous);
    yield previous;
    at = skip(text, previous.end);
  }
}

const HEX_ESCAPE = /\\x([\da-fA-F]{2})|\\([^])/g;

/** What an identifier names, without quotes and escapes; null if the token is not an identifier. */
export const nameOf = (text: string, { kind, start, end }: Token): string | null => {
  if (kind === 'word') return text.slice(start, end);
  if (kind !== 'quoted') return null;
  const quote = text.charAt(start);
  return text
    .slice(start + 1, end - 1)
    .replaceAll(quote + quote, quote)
    .replace(HEX_ESCAPE, (_, hex: string | undefined, other: string | undefined) =>
      hex === undefined ? (other ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
    );
};
