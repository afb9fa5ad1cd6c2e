import { crc32c } from '@node-rs/crc32';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  drain,
  drainAll,
  edit,
  open,
  plain,
  records,
  segmentFiles,
  temporarySpool,
} from '../../../test/support/provider-sdk/spools.ts';
import { encodeFrames, FORMAT_VERSION, SEGMENT_HEADER_BYTES, segmentHeader } from './frame.ts';
import { Position } from './position.ts';

let directory: string;
let copy: string;
beforeEach(async () => {
  directory = await temporarySpool();
  copy = await temporarySpool();
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await rm(copy, { recursive: true, force: true });
});

/** Segments of 4 KiB, with some 80 records each. */
const SMALL = { maxBytes: 64 * 1024 };

const fill = async (to: number): Promise<void> => {
  const spool = await open(directory, SMALL);
  for (let n = 0; n < to; n++) await spool.append(records(n, n + 1));
  await spool.close();
};

const again = async (): Promise<string> => {
  await rm(copy, { recursive: true, force: true });
  await cp(directory, copy, { recursive: true });
  return copy;
};

/** Where the frames of the first `count` records end in a segment. */
const endOf = (count: number): number =>
  SEGMENT_HEADER_BYTES + encodeFrames(records(0, count), 1).length;

test('torn-tail: cut at any byte, the last segment gives what is whole, says so, and is gone on with', async () => {
  await fill(4);
  for (let length = endOf(4); length >= 0; length--) {
    const at = await again();
    await edit(at, 0, (bytes) => bytes.subarray(0, length));
    const logged: string[] = [];
    const spool = await open(at, { logged });
    const whole = [0, 1, 2, 3].filter((n) => endOf(n + 1) <= length).length;
    const isTorn = length !== endOf(whole);
    expect(logged).toEqual(isTorn ? [expect.stringMatching(/was torn|just been begun/)] : []);
    expect(spool.status()).toMatchObject({ waitingRecords: whole, damaged: [] });
    await spool.append(records(10, 11));
    await spool.close();
    expect(await drainAll(at)).toEqual(plain([...records(0, whole), ...records(10, 11)]));
  }
});

test('torn-tail: what is cut is gone, also where less is appended than was cut', async () => {
  const spool = await open(directory);
  await spool.append(records(0, 1));
  await spool.append(records(1, 2, 5_000));
  await spool.close();
  await edit(directory, 0, (bytes) => bytes.subarray(0, -1));
  const second = await open(directory);
  await second.append(records(2, 3));
  await second.close();
  const third = await open(directory);
  expect(third.status().damaged).toEqual([]);
  expect(await drain(third)).toEqual(plain([...records(0, 1), ...records(2, 3)]));
  await third.close();
});

test.each(['first', 'last'])(
  'flipped-byte: any byte changed in the %s segment costs one record at most, and is always reported',
  async (which) => {
    await fill(which === 'first' ? 100 : 4);
    const all = plain(records(0, which === 'first' ? 100 : 4));
    for (let at = 0; at < endOf(4); at++) {
      const spoilt = await again();
      const name = await edit(spoilt, 0, (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        return bytes;
      });
      const logged: string[] = [];
      const spool = await open(spoilt, { logged });
      const hit = [0, 1, 2, 3].find((n) => at >= endOf(n) && at < endOf(n + 1)) ?? null;
      const lostRecords = hit === null ? 0 : 1;
      const file = name.replace('segment', `lost-${String(lostRecords)}.damaged`);
      expect(spool.status().damaged).toMatchObject([{ file, lostRecords }]);
      expect(logged.join()).toMatch(/damaged and was set aside/);
      expect(spool.status().waitingRecords).toBe(all.length - lostRecords);
      await spool.append(records(200, 201));
      const expected = [...all.filter((_, n) => n !== hit), ...plain(records(200, 201))];
      expect(await drain(spool)).toEqual(expected);
      expect(spool.status()).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
      await spool.close();
      expect(await segmentFiles(spoilt)).toContain(file);
    }
  },
);

test('a segment that was set aside stays reported, is sent after a restart, and is never deleted', async () => {
  await fill(100);
  await edit(directory, 0, (bytes) => bytes.fill(0x55, endOf(10), endOf(12)));
  const expected = plain(records(0, 100).filter((_, n) => n !== 10 && n !== 11));
  const first = await open(directory);
  const given = await first.next(1);
  expect(plain(given)).toEqual(expected.slice(0, 1));
  await first.done(1);
  await first.close();
  expect(await drainAll(directory)).toEqual(expected.slice(1));
  const last = await open(directory);
  expect(last.status()).toMatchObject({ waitingRecords: 0, damaged: [{ lostRecords: 2 }] });
  expect(last.status().usedBytes).toBeGreaterThan(4_000);
  await last.close();
  expect(await segmentFiles(directory)).toContain('0000000000000001.lost-2.damaged');
});

test('damage that comes while the spool is open is noticed when it is read', async () => {
  const spool = await open(directory);
  await spool.append(records(0, 10));
  await edit(directory, 0, (bytes) => bytes.fill(0x55, endOf(3), endOf(4)));
  await spool.append(records(10, 12));
  expect(plain(await spool.next(1_000_000))).toEqual(
    plain(records(0, 12).filter((_, n) => n !== 3)),
  );
  expect(spool.status()).toMatchObject({ waitingRecords: 11, damaged: [{ lostRecords: 1 }] });
  await spool.append(records(12, 14));
  // Nothing more goes into the one that was set aside.
  expect(await segmentFiles(directory)).toEqual([
    '0000000000000001.lost-1.damaged',
    '0000000000000013.segment',
  ]);
  await spool.done(11);
  expect(await drain(spool)).toEqual(plain(records(12, 14)));
  expect(spool.status()).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
  await spool.close();
  expect(await drainAll(directory)).toEqual([]);
});

test.each(['while it was closed', 'while it was open'])(
  'a segment that somebody removed %s is reported, and the others are sent',
  async (when) => {
    await fill(250);
    const names = await segmentFiles(directory);
    const second = Number(/^\d+/.exec(names[1] ?? '')?.[0]) - 1;
    const third = Number(/^\d+/.exec(names[2] ?? '')?.[0]) - 1;
    const remove = (): Promise<void> => rm(join(directory, names[1] ?? ''));
    if (when === 'while it was closed') await remove();
    const spool = await open(directory);
    if (when === 'while it was open') await remove();
    const expected = plain([...records(0, second), ...records(third, 250)]);
    expect(await drain(spool)).toEqual(expected);
    expect(spool.status()).toMatchObject({
      waitingRecords: 0,
      waitingBytes: 0,
      damaged: [{ file: names[1], lostRecords: third - second }],
    });
    await spool.close();
    expect(await drainAll(directory)).toEqual([]);
  },
);

test('the oldest segment that somebody removed is reported, where it had not been sent', async () => {
  await fill(100);
  const spool = await open(directory);
  await spool.next(1);
  await spool.done(1);
  await spool.close();
  await rm(join(directory, (await segmentFiles(directory))[0] ?? ''));
  const later = await open(directory);
  const { damaged, waitingRecords } = later.status();
  expect(waitingRecords + (damaged[0]?.lostRecords ?? 0)).toBe(99);
  await later.close();
});

test('empty-files: an empty last segment is begun again, an empty one before it is reported', async () => {
  await fill(100);
  await edit(directory, 0, () => Buffer.alloc(0));
  const names = await segmentFiles(directory);
  const lost = Number(/^\d+/.exec(names[1] ?? '')?.[0]) - 1;
  await writeFile(join(directory, '0000000000000101.segment'), '');
  const spool = await open(directory);
  expect(spool.status().damaged).toMatchObject([{ lostRecords: lost }]);
  await spool.append(records(100, 101));
  expect(await drain(spool)).toEqual(plain(records(lost, 101)));
  await spool.close();
});

test('a position that cannot be read makes everything be sent again, and nothing be lost', async () => {
  await fill(10);
  const spool = await open(directory);
  await spool.next(1);
  await spool.done(1);
  await spool.close();
  await writeFile(join(directory, 'position'), Buffer.alloc(1024, 0x55));
  const logged: string[] = [];
  expect(await drainAll(directory, logged)).toEqual(plain(records(0, 10)));
  expect(logged).toEqual([expect.stringContaining('cannot be read exactly')]);
  await writeFile(join(directory, 'position'), '');
  expect(await drainAll(directory)).toEqual(plain(records(0, 10)));
});

test('a position that was torn while it was written is the one before', async () => {
  const path = join(directory, 'position');
  const position = await Position.open(path);
  for (const sent of [3, 5, 8]) await position.write(sent);
  await position.close();
  const bytes = await readFile(path);
  const whole = await Position.open(path);
  expect(whole).toMatchObject({ atStart: 8, isDoubtful: false });
  await whole.close();
  const newest = [0, 512].find((slot) => bytes.readUIntBE(slot + 12, 6) === 8) ?? 0;
  for (let torn = 0; torn < 22; torn++) {
    const spoilt = Buffer.from(bytes);
    spoilt[newest + torn] = (spoilt[newest + torn] ?? 0) ^ 1;
    await writeFile(path, spoilt);
    const read = await Position.open(path);
    expect(read).toMatchObject({ atStart: 5, isDoubtful: true });
    await read.write(9);
    await read.close();
    const repaired = await Position.open(path);
    expect(repaired).toMatchObject({ atStart: 9, isDoubtful: false });
    await repaired.close();
  }
});

test('another-format: a directory of another version is left as it is, and the person is told what to do', async () => {
  await fill(100);
  const before = await readdir(directory);
  await edit(directory, 1, (bytes) => {
    const header = segmentHeader();
    header.writeUInt32BE(FORMAT_VERSION + 1, 8);
    header.writeUInt32BE(crc32c(header.subarray(0, 12)), 12);
    return Buffer.concat([header, bytes.subarray(16)]);
  });
  await edit(directory, 0, (bytes) => bytes.fill(0x55, 100, 120));
  await expect(open(directory)).rejects.toThrow(/file of format 2 .*choose another directory/);
  expect(await readdir(directory)).toEqual(before);
});

test('files of others in the directory are left alone', async () => {
  await fill(3);
  await writeFile(join(directory, 'notes.txt'), 'x');
  await writeFile(join(directory, '12.segment'), 'x');
  expect(await drainAll(directory)).toEqual(plain(records(0, 3)));
  expect(await readdir(directory)).toEqual(expect.arrayContaining(['notes.txt', '12.segment']));
});
