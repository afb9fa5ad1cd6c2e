import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  drain,
  drainAll,
  open,
  plain,
  record,
  records,
  segmentFiles,
  temporarySpool,
} from '../../../test/support/provider-sdk/spools.ts';
import { UserError } from '../../shared/process/errors.ts';
import { SpoolFull } from './spool.ts';

let directory: string;
beforeEach(async () => (directory = await temporarySpool()));
afterEach(() => rm(directory, { recursive: true }));

/** Segments of 4 KiB. */
const SMALL = { maxBytes: 64 * 1024 };

test('records come out in their order, exactly, over several segments and starts', async () => {
  const first = await open(directory, SMALL);
  await first.append(records(0, 150));
  await first.append(records(150, 300));
  expect(first.status()).toMatchObject({ waitingRecords: 300, damaged: [], problem: null });
  await first.close();
  const second = await open(directory, SMALL);
  await second.append(records(300, 400));
  expect((await segmentFiles(directory)).length).toBeGreaterThan(1);
  expect(await drain(second)).toEqual(plain(records(0, 400)));
  expect(second.status()).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
  await second.close();
});

test('calls that overlap keep their order, and each is whole', async () => {
  const spool = await open(directory);
  await Promise.all(Array.from({ length: 200 }, (_, n) => spool.append(records(3 * n, 3 * n + 3))));
  expect(await drain(spool)).toEqual(plain(records(0, 600)));
  await spool.close();
});

test('what is not done is given again, and what is done is not, also after a restart', async () => {
  const spool = await open(directory);
  await spool.append(records(0, 10));
  expect(await spool.next(1_000_000)).toHaveLength(10);
  await spool.done(4);
  expect(plain(await spool.next(1_000_000))).toEqual(plain(records(4, 10)));
  await spool.close();
  expect(await drainAll(directory)).toEqual(plain(records(4, 10)));
  expect(await drainAll(directory)).toEqual([]);
});

test('no more can be done than was given', async () => {
  const spool = await open(directory);
  await spool.append(records(0, 2));
  await spool.next(1_000);
  await expect(spool.done(3)).rejects.toThrow('2 were given');
  await spool.done(2);
  await expect(spool.done(1)).rejects.toThrow('0 were given');
  await spool.close();
});

test('as many records are given as fit, but always one', async () => {
  const spool = await open(directory);
  await spool.append([record(0, 5_000), record(1, 10), record(2, 10)]);
  expect(plain(await spool.next(1))).toEqual(plain([record(0, 5_000)]));
  await spool.done(1);
  expect(await spool.next(100)).toHaveLength(2);
  await spool.close();
});

test('segments that were sent are deleted, and make room', async () => {
  const spool = await open(directory, SMALL);
  for (let round = 0; round < 10; round++) {
    await spool.append(records(0, 600));
    expect(await drain(spool)).toEqual(plain(records(0, 600)));
  }
  expect((await segmentFiles(directory)).length).toBeLessThanOrEqual(1);
  expect(spool.status().usedBytes).toBeLessThan(8 * 1024);
  await spool.close();
});

test('a full spool refuses what does not fit, whole, and keeps what it has', async () => {
  const spool = await open(directory, SMALL);
  let stored = 0;
  const fill = async (): Promise<void> => {
    for (;;) {
      await spool.append(records(stored, stored + 7));
      stored += 7;
    }
  };
  const error: unknown = await fill().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpoolFull);
  expect((error as Error).message).toMatch(
    /^The spool in .* is full: .*Report it again .*raise its bound\.$/,
  );
  expect(spool.status().usedBytes).toBeLessThanOrEqual(SMALL.maxBytes);
  expect(spool.status().waitingRecords).toBe(stored);
  expect(await drain(spool)).toEqual(plain(records(0, stored)));
  await spool.append(records(0, 3));
  expect(await drain(spool)).toEqual(plain(records(0, 3)));
  await spool.close();
});

test('many calls at once never take more than the bound', async () => {
  const spool = await open(directory, SMALL);
  const calls = Array.from({ length: 2_000 }, (_, n) => spool.append([record(n, 50)]));
  const results = await Promise.allSettled(calls);
  const stored = results.flatMap(({ status }, n) =>
    status === 'fulfilled' ? [record(n, 50)] : [],
  );
  expect(stored.length).toBeGreaterThan(500);
  expect(stored.length).toBeLessThan(2_000);
  expect(spool.status().usedBytes).toBeLessThanOrEqual(SMALL.maxBytes);
  expect(await drain(spool)).toEqual(plain(stored));
  await spool.close();
});

test('a record that can never fit is refused with another reason', async () => {
  const spool = await open(directory, SMALL);
  await expect(spool.append([record(1, SMALL.maxBytes)])).rejects.toThrow(
    /never fits .*smaller parts/,
  );
  expect(await drain(spool)).toEqual([]);
  await spool.close();
});

test('huge-record: one that takes nearly all of the bound goes through, and its room comes back', async () => {
  const spool = await open(directory, SMALL);
  for (const n of [1, 2, 3]) {
    await spool.append([record(n, 60_000)]);
    await expect(spool.append([record(9, 10_000)])).rejects.toThrow(SpoolFull);
    expect(await drain(spool)).toEqual(plain([record(n, 60_000)]));
  }
  await spool.close();
});

test('a bound that is too small is refused', async () => {
  await expect(open(directory, { maxBytes: 1_000 })).rejects.toThrow('at least 65536');
});

test('a closed spool takes and gives nothing, and what was being appended is stored', async () => {
  const spool = await open(directory);
  const appending = spool.append(records(0, 5));
  await spool.close();
  await appending;
  await spool.close();
  await expect(spool.append(records(5, 6))).rejects.toThrow('closed');
  await expect(spool.next(1_000)).rejects.toThrow('closed');
  expect(await drainAll(directory)).toEqual(plain(records(0, 5)));
});

test('a directory in use stays so when somebody removes the file of its lock', async () => {
  const spool = await open(directory);
  await rm(join(directory, 'lock'));
  await expect(open(directory)).rejects.toThrow('Another process uses the spool');
  await spool.append(records(0, 3));
  expect(await drain(spool)).toEqual(plain(records(0, 3)));
  await spool.close();
  expect(await drainAll(directory)).toEqual([]);
});

test('nothing appended leaves nothing but the lock and the position', async () => {
  const spool = await open(directory);
  await spool.append([]);
  await spool.close();
  expect((await readdir(directory)).sort()).toEqual(['lock', 'position']);
});

test('a second spool on the same directory is refused, and the first goes on', async () => {
  const spool = await open(directory);
  const error: unknown = await open(directory).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(/Another process uses the spool .*directory of its own/);
  await spool.append(records(0, 2));
  await spool.close();
  expect(await drainAll(directory)).toEqual(plain(records(0, 2)));
});

test('a value may be anything, and a key any text', async () => {
  const given = [
    { key: '', value: new Uint8Array() },
    { key: '/subscriptions/ü/☂', value: Uint8Array.from({ length: 256 }, (_, n) => n) },
    { key: 'zeros', value: new Uint8Array(3_000) },
  ];
  const spool = await open(directory);
  await spool.append(given);
  await spool.close();
  expect(await drainAll(directory)).toEqual(plain(given));
});
