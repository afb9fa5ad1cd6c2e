import fc from 'fast-check';
import { csvLine, withoutFormula } from './csv.ts';

test('a text that a spreadsheet would run as a formula is shown instead', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\ta', '\ra', '\na', '＝1']) {
    expect(withoutFormula(text)).toBe(`'${text}`);
  }
  expect(csvLine(['=HYPERLINK("http://x","y")'])).toBe(`"'=HYPERLINK(""http://x"",""y"")"\n`);
});

test('a formula inside a text does not start a cell where semicolons or tabs separate', () => {
  expect(csvLine(["x;=cmd|' /C calc'!A0;y"])).toBe(`"x;'=cmd|' /C calc'!A0;y"\n`);
  expect(csvLine(['x;"=1"'])).toBe(`"x;'""=1"""\n`);
  for (const separator of [';', '\t', '\r', '\n', '\r\n', ';;']) {
    for (const formula of ['=1', '+1', '-1', '@SUM(A1)', '＝1']) {
      expect(withoutFormula(`x${separator}${formula}`)).toBe(`x${separator}'${formula}`);
    }
  }
  expect(withoutFormula('\t=1')).toBe("'\t'=1");
});

test('other texts stay as they are', () => {
  for (const text of [
    '',
    'a=b',
    'vm-1',
    '/subscriptions/x',
    "'",
    '0.5',
    ' =1',
    'a;b=c',
    'a,=1',
    'a; -1',
  ]) {
    expect(withoutFormula(text)).toBe(text);
  }
});

test('numbers stay numbers, negative ones too', () => {
  expect(csvLine([-1.5, { decimal: '-0.000000000000000000000000000001' }, 0, null, ''])).toBe(
    '-1.5,-0.000000000000000000000000000001,0,,\n',
  );
});

/** A reader of its own: fields of one line, as RFC 4180 has them. */
const read = (line: string): readonly string[] => {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|\n$)/gy;
  for (let match = field.exec(line); match !== null; match = field.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  }
  return fields;
};

test('any texts come back, behind an apostrophe where they were neutralised', () => {
  const texts = fc.array(
    fc.string({ unit: fc.constantFrom('=', 'a', ',', ';', '"', '\n', '\r', '\t', ' ', "'", '-') }),
    {
      minLength: 1,
    },
  );
  fc.assert(
    fc.property(texts, (values) => {
      expect(read(csvLine(values))).toEqual(values.map(withoutFormula));
    }),
  );
});
