import { EventTable } from './event-table.ts';

const idOf = (n: number): Buffer => {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(n >>> 0, 12);
  return id;
};

test.each([10_000, 24_375, 100_000])(
  'each of %i ids takes at most 48 bytes, those of the index included',
  (count) => {
    const table = new EventTable();
    for (let n = 0; n < count; n++) table.add(idOf(n), n, 0n);
    expect(table.bytes / count).toBeLessThanOrEqual(48);
  },
);

test('a table of a hundred thousand ids loses none and stays within 32 bytes and a half-empty slot each', () => {
  const table = new EventTable();
  const count = 100_000;
  for (let n = 0; n < count; n++) table.add(idOf(n * 2_654_435_761), n, BigInt(n));
  let lost = 0;
  for (let n = 0; n < count; n++) {
    const seen = table.find(idOf(n * 2_654_435_761));
    if (seen?.offset !== n || seen.digest !== BigInt(n)) lost++;
  }
  expect(lost).toBe(0);
  expect(table.size).toBe(count);
  expect(table.bytes).toBeLessThanOrEqual(count * 32 * 3);
});
