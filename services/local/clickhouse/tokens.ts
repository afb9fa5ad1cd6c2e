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

const SKIPPED = /(?:\s|\0|\uFEFF|--[^\n]*|#[! ][^\n]*|\/\*[^]*?(?:\*\/|$))+/y;
const WORD = /[A-Za-z_0-9\x80-\uFFFF][\w$\x80-\uFFFF]*/y;
const STRING = /'(?:[^'\\]|\\[^]|'')*(?:'|$)/y;
const QUOTED = /`(?:[^`\\]|\\[^]|``)*(?:`|$)|"(?:[^"\\]|\\[^]|"")*(?:"|$)/y;
const HEREDOC = /\$(\w*)\$[^]*?\$\1\$/y;

const endOfMatch = (pattern: RegExp, text: string, at: number): number | null => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
};

const PATTERNS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['word', WORD],
  ['string', STRING],
  ['quoted', QUOTED],
  ['string', HEREDOC],
];

const tokenAt = (text: string, start: number): Token => {
  for (const [kind, pattern] of PATTERNS) {
    const end = endOfMatch(pattern, text, start);
    if (end !== null && end > start) {
      const raw = text.slice(start, end);
      return { kind, text: kind === 'word' ? raw.toUpperCase() : raw, start, end };
    }
  }
  return { kind: 'symbol', text: text.charAt(start), start, end: start + 1 };
};

/** The tokens of a text, without white space and comments. Never fails. */
export function* tokens(text: string, from = 0): Generator<Token, void> {
  let at = from;
  for (;;) {
    at = endOfMatch(SKIPPED, text, at) ?? at;
    if (at >= text.length) return;
    const token = tokenAt(text, at);
    yield token;
    at = token.end;
  }
}
