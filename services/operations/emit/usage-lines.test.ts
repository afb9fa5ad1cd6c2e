import { readUsageLines } from './usage-lines.ts';

const read = (text: string) => readUsageLines(Buffer.from(text, 'utf8'));

test('each line is one usage, and empty lines count', () => {
  const { given, problems } = read('{"quantity":"1"}\n\n  {"quantity":"2"}\r\n{"quantity":"3"}');
  expect(problems).toEqual([]);
  expect(given).toEqual([
    { line: 1, usage: { quantity: '1' } },
    { line: 3, usage: { quantity: '2' } },
    { line: 4, usage: { quantity: '3' } },
  ]);
});

test('a quantity keeps every digit that is written', () => {
  const { given } = read('{"quantity":0.1234567890123456789012345678}');
  expect(given[0]?.usage.quantity).toBe('0.1234567890123456789012345678');
});

test('other numbers are numbers, at any depth', () => {
  const { given } = read('{"from":1770091200000,"additionalInfo":{"cores":[4,{"a":0.5}]}}');
  expect(given[0]?.usage).toEqual({
    from: 1770091200000,
    additionalInfo: { cores: [4, { a: 0.5 }] },
  });
});

test('a number that JavaScript would round is a problem, not another number', () => {
  expect(read('{"additionalInfo":{"bytes":12345678901234567890}}').problems).toEqual([
    {
      line: 1,
      field: 'additionalInfo',
      problem:
        'has the number 12345678901234567890, which would be rounded: write it as a text, in quotes',
    },
  ]);
});

test('the mark that Windows writes at the start of a file is not part of the first line', () => {
  expect(read('\ufeff{"quantity":"1"}\n')).toEqual({
    given: [{ line: 1, usage: { quantity: '1' } }],
    problems: [],
  });
});

test('every wrong line is named, and the others are read', () => {
  const bytes = Buffer.concat([
    Buffer.from('{"quantity":"1"}\n{"quantity":\n[1]\n5\n{"a":1,"a":2}\n'),
    Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
    Buffer.from('{"quantity":"7"}'),
  ]);
  const { given, problems } = readUsageLines(bytes);
  expect(given.map(({ line }) => line)).toEqual([1, 7]);
  expect(problems.map(({ line, field }) => [line, field])).toEqual([
    [2, null],
    [3, null],
    [4, null],
    [5, null],
    [6, null],
  ]);
  expect(problems[0]?.problem).toMatch(/^is no JSON: /);
  expect(problems[1]?.problem).toMatch(/^must be one JSON object/);
  expect(problems[3]?.problem).toMatch(/Duplicate key/);
  expect(problems[4]?.problem).toBe('is not UTF-8');
});

test('an empty file has no usage and no problem', () => {
  expect(read('\n \n')).toEqual({ given: [], problems: [] });
});
