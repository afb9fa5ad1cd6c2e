import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { millis } from '../../shared/model/time.ts';
import type { Column } from './column.ts';
import { parquet, type Decimals } from './parquet.ts';

interface Row {
  readonly name: string | null;
  readonly at: number;
  readonly amount: bigint | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'name', type: 'text', of: ({ name }) => name },
  { name: 'at', type: 'time', of: ({ at }) => millis(at) },
  { name: 'amount', type: 'decimal', scale: 30, of: ({ amount }) => amount },
];

const bytesOf = async (
  blocks: readonly (readonly Row[])[],
  decimals: Decimals = '76',
  columns = COLUMNS,
): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const part of parquet(decimals)(columns, blocks)) parts.push(part);
  return Buffer.concat(parts);
};

const arrayBuffer = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

/** The decimals as they stand in the file: the reader's own numbers are doubles. */
const ROW: Row = { name: '=1+1', at: Date.UTC(2019, 11, 10, 18), amount: 10n ** 45n - 1n };

test('a row comes back with its texts, times and nulls', async () => {
  const file = arrayBuffer(await bytesOf([[ROW, { name: null, at: 0, amount: null }]]));
  const rows = await parquetReadObjects({ file });
  expect(rows[0]).toMatchObject({ name: '=1+1', at: new Date(ROW.at) }); // eslint-disable-line no-restricted-syntax -- what the reader gives
  expect(rows[1]).toMatchObject({ name: null, amount: null });
});

test('a decimal has 76 digits, 30 of them behind the point, in 32 bytes', async () => {
  const { schema } = parquetMetadata(arrayBuffer(await bytesOf([[ROW]])));
  expect(schema.find(({ name }) => name === 'amount')).toMatchObject({
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: 32,
    converted_type: 'DECIMAL',
    precision: 76,
    scale: 30,
  });
});

describe('reader-stops-at-38-digits: Polars, DuckDB and Spark read a decimal of 38 digits', () => {
  const columns = (scale: number): readonly Column<Row>[] => [
    { name: 'cost', type: 'decimal', scale, of: ({ amount }) => amount },
  ];
  const elementOf = async (amount: bigint, scale = 40) => {
    const bytes = await bytesOf([[{ ...ROW, amount }]], '38', columns(scale));
    return parquetMetadata(arrayBuffer(bytes)).schema.find(({ name }) => name === 'cost');
  };
  const ONE = 10n ** 40n;

  test.each([
    [10, 10],
    [30, 30],
    [40, 30],
  ])(
    'of %d decimal places, %d stand in the file, whatever the values are',
    async (scale, inFile) => {
      expect(await elementOf(0n, scale)).toMatchObject({
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: 16,
        precision: 38,
        scale: inFile,
      });
    },
  );

  test('a value fits with all its digits, or is refused with what to do', async () => {
    for (const most of [10n ** 48n - 10n ** 10n, 10n ** 10n, 10n ** 10n - 10n ** 48n]) {
      await expect(elementOf(most)).resolves.toBeDefined();
    }
    for (const amount of [10n ** 8n * ONE, -(10n ** 8n) * ONE, 10n ** 9n]) {
      await expect(elementOf(amount)).rejects.toThrow(
        /has the cost .*, which does not fit decimal\(38, 30\): .* --decimals 76, .* --decimals text/,
      );
    }
  });

  test('as text it has all digits', async () => {
    const bytes = await bytesOf([[{ ...ROW, amount: ONE + 1n }]], 'text', columns(40));
    const [row] = await parquetReadObjects({ file: arrayBuffer(bytes) });
    expect(row).toEqual({ cost: `1.${'0'.repeat(39)}1` });
  });
});

test.each<[Decimals, bigint]>([
  ['76', -125n * 10n ** 29n],
  ['38', -125n * 10n ** 29n],
  ['76', -1n * 10n ** 30n],
  ['38', -1n * 10n ** 30n],
])('in %s digits, usage that was taken back is %s below zero', async (decimals, amount) => {
  const bytes = await bytesOf([[{ ...ROW, amount }]], decimals);
  const [row] = await parquetReadObjects({ file: arrayBuffer(bytes) });
  expect(row?.['amount']).toBeCloseTo(Number(amount) / 1e30, 9);
});

test('the bytes do not depend on the blocks in which rows arrive', async () => {
  const rows = Array.from({ length: 20_005 }, (_, n) => ({ ...ROW, name: String(n % 7), at: n }));
  const whole = await bytesOf([rows]);
  const inParts = await bytesOf([rows.slice(0, 1), rows.slice(1, 20_001), [], rows.slice(20_001)]);
  expect(inParts.equals(whole)).toBe(true);
  expect(await parquetReadObjects({ file: arrayBuffer(whole) })).toHaveLength(rows.length);
});

test('a file without rows has its columns', async () => {
  const metadata = parquetMetadata(arrayBuffer(await bytesOf([])));
  expect(metadata.num_rows).toBe(0n);
  expect(metadata.schema.map(({ name }) => name)).toEqual(['root', 'name', 'at', 'amount']);
});
