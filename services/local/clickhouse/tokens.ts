/**
 * ClickHouse SQL as tokens, just enough to find out what a statement is. Positions are those of the
 * given text; a text decoded as Latin-1 gives byte positions.
 * Source: https://clickhouse.com/docs/sql-reference/syntax
 */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'symbol';
  /** A word in upper case; other tokens as they are. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/*
 * Patterns of single characters only. A pattern with alternatives inside a repetition would need
 * stack for every character, and a literal may have millions of them.
 */
const SPACE = /[ \t\n\r\f\v\0]*/y;
const WORD = /[A-Za-z_0-9\x80-\uFFFF][\w$\x80-\uFFFF]*/y;
const HEREDOC_MARK = /\$\w*\$/y;
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

/** Behind the next `mark`; the text's end if there is none. */
const behind = (mark: string, text: string, from: number): number => {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at + mark.length;
};

/** Skips white space, and `-- …`, `# …`, `#! …` and `/* … *\/` comments. */
const skip = (text: string, from: number): number => {
  let at = from;
  for (;;) {
    at = endOf(SPACE, text, at);
    const two = text.slice(at, at + 2);
    if (two === '--' || two === '# ' || two === '#!') at = behind('\n', text, at);
    else if (two === '/*') at = behind('*/', text, at + 2);
    else return at;
  }
};

/** Quotes inside are doubled or stand behind a backslash. */
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

const tokenAt = (text: string, start: number): Token => {
  const first = text.charAt(start);
  const wordEnd = endOf(WORD, text, start);
  if (wordEnd > start) {
    return { kind: 'word', text: text.slice(start, wordEnd).toUpperCase(), start, end: wordEnd };
  }
  const plain = PLAIN[first];
  if (plain !== undefined) {
    const end = endOfQuoted(text, start, plain);
    const kind = first === "'" ? 'string' : 'quoted';
    return { kind, text: text.slice(start, end), start, end };
  }
  const markEnd = endOf(HEREDOC_MARK, text, start);
  if (markEnd > start) {
    const end = behind(text.slice(start, markEnd), text, markEnd);
    return { kind: 'string', text: text.slice(start, end), start, end };
  }
  return { kind: 'symbol', text: first, start, end: start + 1 };
};

/** The tokens of a text, without white space and comments. Never fails. */
export function* tokens(text: string): Generator<Token, void> {
  let at = skip(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    yield token;
    at = skip(text, token.end);
  }
}
