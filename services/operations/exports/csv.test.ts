import type { Column } from './column.ts';
import { csvForMachines, csvForPeople } from './csv.ts';
import { ndjson } from './ndjson.ts';
import { millis } from '../../shared/model/time.ts';
import type { RowWriter } from './column.ts';

interface Row {
  readonly text: string | null;
  readonly amount: bigint;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'at', type: 'time', of: () => millis(Date.UTC(2019, 11, 10, 18)) },
  { name: 'text', type: 'text', of: ({ text }) => text },
  { name: 'amount', type: 'decimal', scale: 30, of: ({ amount }) => amount },
];

const textOf = async (writer: RowWriter, rows: readonly Row[]): Promise<string> => {
  let text = '';
  for await (const part of writer(COLUMNS, [rows])) text += Buffer.from(part).toString();
  return text;
};

const line = async (writer: RowWriter, row: Row): Promise<string> =>
  (await textOf(writer, [row])).split('\n').slice(1).join('\n');

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@x', "'@x"],
  ['\t=1', "'\t'=1"],
  ['\r=1', "'\r'=1"],
])('the text %j is shown to people, and stays as it is for machines', async (text, shown) => {
  const row = { text, amount: -(10n ** 30n) };
  const quoted = /[\t\r]/.test(text);
  const field = (value: string): string => (quoted ? `"${value}"` : value);
  expect(await line(csvForPeople, row)).toBe(`2019-12-10T18:00:00Z,${field(shown)},-1\n`);
  expect(await line(csvForMachines, row)).toBe(`2019-12-10T18:00:00Z,${field(text)},-1\n`);
  expect(JSON.parse(await textOf(ndjson, [row]))).toMatchObject({ text, amount: -1 });
});

test('an empty field is null, and "" is an empty text', async () => {
  expect(await line(csvForMachines, { text: null, amount: 0n })).toBe('2019-12-10T18:00:00Z,,0\n');
  expect(await line(csvForMachines, { text: '', amount: 0n })).toBe('2019-12-10T18:00:00Z,"",0\n');
});

test('quotes, commas and line breaks stay inside their field', async () => {
  expect(await line(csvForMachines, { text: 'a"b,c\nd', amount: 1n })).toBe(
    '2019-12-10T18:00:00Z,"a""b,c\nd",0.000000000000000000000000000001\n',
  );
});

test('people get a byte order mark, so that spreadsheets read UTF-8; machines get none', async () => {
  expect(await textOf(csvForPeople, [])).toBe('\uFEFFat,text,amount\n');
  expect(await textOf(csvForMachines, [])).toBe('at,text,amount\n');
});

test('a decimal in NDJSON has all its digits', async () => {
  expect(await textOf(ndjson, [{ text: null, amount: 10n ** 45n - 1n }])).toBe(
    `{"at":"2019-12-10T18:00:00Z","text":null,"amount":${'9'.repeat(15)}.${'9'.repeat(30)}}\n`,
  );
});
