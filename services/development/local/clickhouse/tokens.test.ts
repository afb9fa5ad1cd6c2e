import { nameOf, tokens } from './tokens.ts';

const textsOf = (sql: string): readonly string[] =>
  [...tokens(sql)].map(({ kind, text }) => `${kind} ${text}`);

test('words come in upper case, symbols one by one', () => {
  expect(textsOf('select a.b, (1)')).toEqual([
    'word SELECT',
    'word A',
    'symbol .',
    'word B',
    'symbol ,',
    'symbol (',
    'number 1',
    'symbol )',
  ]);
});

test.each([
  ['a line comment', '-- x ; y\nSELECT'],
  ['a shebang', '#! x\nSELECT'],
  ['a hash comment', '# it\u0027s\nSELECT'],
  ['a block comment', '/* ; \u0027 */SELECT'],
  ['a block comment over lines', '/*\n\n*/ SELECT'],
  ['a comment in another one', '/* /* ; */ ; */ SELECT'],
  ['a comment behind two slashes', '// ;\nSELECT'],
  ['white space of all kinds', ' \t\r\n\f\vSELECT'],
])('%s is skipped', (_, sql) => {
  expect(textsOf(sql)).toEqual(['word SELECT']);
});

test.each([
  ['a string', "'a;b'", 'string'],
  ['a doubled quote in a string', "'it''s'", 'string'],
  ['a quote behind a backslash', "'it\\'s'", 'string'],
  ['a backslash at the end of a string', "'a\\\\'", 'string'],
  ['a comment mark in a string', "'-- /*'", 'string'],
  ['an identifier in backticks', '`a``b;`', 'quoted'],
  ['an identifier in double quotes', '"a\'b"', 'quoted'],
  ['a heredoc', "$x$it's; $y$ $x$", 'string'],
  ['a heredoc without a name', '$$;$$', 'string'],
])('%s is one token', (_, text, kind) => {
  expect([...tokens(`${text};`)]).toEqual([
    { kind, text, start: 0, end: text.length },
    { kind: 'symbol', text: ';', start: text.length, end: text.length + 1 },
  ]);
});

test.each(["'a", "'a\\", '`a', '"a', "x'1g", '/* a', '/* /* */', '-- a', "'a''"])(
  'what is not closed, %p, ends with the text',
  (text) => {
    expect([...tokens(text)].at(-1)?.end ?? text.length).toBe(text.length);
  },
);

test('positions are those of the text', () => {
  const sql = ' INSERT /* a */ `t`';
  expect([...tokens(sql)].map(({ start, end }) => sql.slice(start, end))).toEqual([
    'INSERT',
    '`t`',
  ]);
});

test('what is outside of ASCII, where the engine may see white space or quotes, stands alone', () => {
  const sql = Buffer.from('INTO\u00a0OUTFILE').toString('latin1');
  expect([...tokens(sql)].map(({ kind }) => kind)).toEqual(['word', 'foreign', 'word']);
});

test('a heredoc that is not closed is none', () => {
  expect(textsOf('$a$ file')).toEqual(['word $A$', 'word FILE']);
});

test.each([
  ['"a""b"', 'a"b'],
  ['`f\\x69le`', 'file'],
  ['`a\\`b`', 'a`b'],
  ['File', 'File'],
  ["'file'", null],
])('%s names %p', (sql, name) => {
  const [token] = [...tokens(sql)];
  expect(token && nameOf(sql, token)).toBe(name);
});

test('a literal of millions of characters and escapes is one token', () => {
  const text = `'${"x\\'''".repeat(3_000_000)}'`;
  expect([...tokens(text)].map(({ end }) => end)).toEqual([text.length]);
});

test('millions of blanks and comments are skipped', () => {
  expect(textsOf(`${' -- x\n'.repeat(1_000_000)}SELECT`)).toEqual(['word SELECT']);
});
