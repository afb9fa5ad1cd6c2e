import fc from 'fast-check';
import { tokens } from '../../services/development/local/clickhouse/tokens.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

/**
 * What keeps statements from files and other servers looks at tokens. It sees through every trick
 * only if it splits a text as the engine does, so the engine's own lexer is asked.
 */
let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});
afterAll(async () => {
  await stack.close();
});

const KINDS: Readonly<Record<string, string>> = {
  BareWord: 'word',
  Number: 'number',
  StringLiteral: 'string',
  HereDoc: 'string',
  QuotedIdentifier: 'quoted',
};

type Span = readonly [start: number, end: number, type: string];

/** Names that begin with a digit are words to the engine, and numbers to us. */
const kindOf = (text: string, [start, , type]: Span): string =>
  type === 'BareWord' && /\d/.test(text.charAt(start)) ? 'number' : (KINDS[type] ?? '');

/** The engine's tokens but for symbols, up to what it would refuse the whole text for. */
const theirs = (text: string, spans: readonly Span[], until: number): readonly string[] =>
  spans
    .filter(([start, , type]) => start < until && KINDS[type] !== undefined)
    .map((span) => `${kindOf(text, span)} ${String(span[0])}-${String(span[1])}`);

const ours = (text: string, until: number): readonly string[] =>
  [...tokens(text)]
    .filter(({ kind, start }) => start < until && kind !== 'symbol' && kind !== 'foreign')
    .map(({ kind, start, end }) => `${kind} ${String(start)}-${String(end)}`);

const compare = async (texts: readonly string[]): Promise<void> => {
  const rows = await queryRows<{ spans: readonly Span[] }>(
    stack.clickHouse,
    `SELECT arrayMap(x -> (x.1, x.2, x.3), tokenizeQuery(unhex(arrayJoin([${texts
      .map((text) => `'${Buffer.from(text).toString('hex')}'`)
      .join()}])))) AS spans`,
  );
  expect(rows).toHaveLength(texts.length);
  rows.forEach(({ spans }, index) => {
    const latin1 = Buffer.from(texts[index] ?? '').toString('latin1');
    // Both refuse what is an error to the engine, and what is outside of ASCII and of quotes.
    const error = spans.find(([, , type]) => type.startsWith('Error'))?.[0] ?? Infinity;
    const foreign = [...tokens(latin1)].find(({ kind }) => kind === 'foreign')?.start ?? Infinity;
    const until = Math.min(error, foreign);
    expect([texts[index], ours(latin1, until)]).toEqual([
      texts[index],
      theirs(latin1, spans, until),
    ]);
  });
};

/** Pieces that mean something to a lexer, put together at random. */
const PIECES = [
  ...["'", '"', '`', '\\', '\\\\', "''", '$', '$$', '$a$', '$1$', '_', '.', '..', 'e', 'E', 'p'],
  ...['--', '//', '#', '# ', '#!', '/*', '*/', '/', '*', '\n', ' ', '\t', '\r', '\f', '\v'],
  ...['0', '1', '42', '0x', '0xF', '0b1', '1e', '1e-', '1.5', '1_0', '5.', '.5', "x'", "b'", 'X'],
  ...['a', 'file', 'FROM', '(', ')', '[', ']', '{', '}', ';', ',', '+', '-', '->', '::', '@@', ':'],
  ...['=', '!=', '<', '>', '|', '?', '%', '\u00a0', '\u2018', '\u201d', 'ä', '\u2212', '\ufeff'],
];

test('any text is split into the tokens that the engine sees', async () => {
  const text = fc
    .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 14 })
    .map((pieces) => pieces.join(''));
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 200, size: 'max' }), (texts) =>
      compare(texts),
    ),
    { numRuns: 60 },
  );
});
