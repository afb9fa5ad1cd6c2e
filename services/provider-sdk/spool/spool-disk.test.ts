import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  drain,
  drainAll,
  MAX_BYTES,
  open,
  plain,
  records,
  segmentFiles,
  temporarySpool,
} from '../../../test/support/provider-sdk/spools.ts';
import { UserError } from '../../shared/process/errors.ts';
import { encodeFrames } from './frame.ts';
import { readFrom } from './read-range.ts';
import { scanFrames } from './scan.ts';
import { openSpool, realDisk, SpoolFull, type Spool } from './spool.ts';

let directory: string;
beforeEach(async () => (directory = await temporarySpool()));
afterEach(() => rm(directory, { recursive: true }));

type Step = 'create' | 'write' | 'sync' | 'truncate' | 'close' | 'position';

/** A disk that fails where it is told to. */
class FailingDisk {
  readonly failing = new Map<Step, string>();

  async open(maxBytes = MAX_BYTES): Promise<Spool> {
    const { files, openPosition } = realDisk;
    const logger = pino({ level: 'silent' });
    return openSpool(
      { directory, maxBytes, logger },
      {
        files: {
          create: async (path) => this.wrapped(await this.step('create', () => files.create(path))),
          open: async (path) => this.wrapped(await files.open(path)),
        },
        openPosition: async (path) => {
          const position = await openPosition(path);
          return {
            atStart: position.atStart,
            isDoubtful: position.isDoubtful,
            write: (sent) => this.step('position', () => position.write(sent)),
            close: () => position.close(),
          };
        },
      },
    );
  }

  private wrapped(file: Awaited<ReturnType<typeof realDisk.files.open>>): typeof file {
    return {
      write: async (bytes, at) => {
        // A part of it arrives, as on a disk that becomes full.
        if (this.failing.has('write')) await file.write(bytes.subarray(0, bytes.length / 2), at);
        await this.step('write', () => file.write(bytes, at));
      },
      sync: () => this.step('sync', () => file.sync()),
      truncate: (bytes) => this.step('truncate', () => file.truncate(bytes)),
      close: async () => {
        await file.close();
        await this.step('close', () => Promise.resolve());
      },
    };
  }

  private step<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const code = this.failing.get(step);
    if (code === undefined) return work();
    return Promise.reject(Object.assign(new Error(`${code}: ${step}`), { code }));
  }
}

const failing = (...steps: readonly Step[]): readonly Step[] => steps;

describe.each([
  {
    code: 'ENOSPC',
    says: /^The disk of the spool in .* is full. Nothing .* make room/,
    isFull: true,
  },
  {
    code: 'EDQUOT',
    says: /^The disk of the spool in .* is full. Nothing .* make room/,
    isFull: true,
  },
  {
    code: 'EIO',
    says: /^The spool cannot use .* its disk reports an error \(EIO\): check/,
    isFull: false,
  },
])('where the disk says $code', ({ code, says, isFull }) => {
  test.each([
    failing('write'),
    failing('sync'),
    failing('write', 'truncate'),
    failing('sync', 'close'),
  ])(
    'at %s %s, usage is refused, what is stored stays and is given, and with a disk that works it goes on',
    async (...steps) => {
      const disk = new FailingDisk();
      const spool = await disk.open();
      await spool.append(records(0, 5));
      for (const step of steps) disk.failing.set(step, code);
      for (const n of [5, 6]) {
        const error: unknown = await spool
          .append(records(n, n + 2))
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(isFull ? SpoolFull : UserError);
        expect((error as Error).message).toMatch(says);
      }
      expect(spool.status().problem).toContain(code);
      expect(plain(await spool.next(1_000_000))).toEqual(plain(records(0, 5)));
      disk.failing.clear();
      await spool.append(records(8, 10));
      // A file of which a write or a flush has failed is never written again.
      expect(await segmentFiles(directory)).toHaveLength(2);
      expect(spool.status()).toMatchObject({ problem: null, waitingRecords: 7, damaged: [] });
      await spool.close();
      const later = await open(directory);
      expect(later.status()).toMatchObject({ waitingRecords: 7, damaged: [] });
      expect(await drain(later)).toEqual(plain([...records(0, 5), ...records(8, 10)]));
      await later.close();
    },
  );

  test('when a segment is begun, usage is refused until one can be', async () => {
    const disk = new FailingDisk();
    const spool = await disk.open();
    disk.failing.set('create', code);
    await expect(spool.append(records(0, 1))).rejects.toThrow(says);
    disk.failing.clear();
    await spool.append(records(1, 2));
    await spool.close();
    expect(await drainAll(directory)).toEqual(plain(records(1, 2)));
  });
});

test('a position that cannot be stored is said, nothing is given twice, and the next one is stored', async () => {
  const disk = new FailingDisk();
  const spool = await disk.open();
  await spool.append(records(0, 5));
  await spool.next(1_000);
  disk.failing.set('position', 'EIO');
  await expect(spool.done(2)).rejects.toThrow('its disk reports an error');
  expect(spool.status().problem).toContain('EIO');
  expect(plain(await spool.next(1_000))).toEqual(plain(records(2, 5)));
  disk.failing.clear();
  await spool.done(1);
  expect(spool.status().problem).toBeNull();
  await spool.close();
  expect(await drainAll(directory)).toEqual(plain(records(3, 5)));
});

test('full-disk: where not even the position can be stored, what was sent makes room all the same', async () => {
  const disk = new FailingDisk();
  const spool = await disk.open(64 * 1024);
  await spool.append(records(0, 200));
  await spool.append(records(200, 201));
  disk.failing.set('position', 'ENOSPC');
  expect(await spool.next(1_000_000)).toHaveLength(200);
  await expect(spool.done(200)).rejects.toThrow('the disk is full');
  expect(await segmentFiles(directory)).toEqual(['0000000000000201.segment']);
  await spool.close();
});

test('one bad sector costs the records in it, not the segment', async () => {
  const given = records(0, 1_000);
  const bytes = encodeFrames(given, 1);
  const badFrom = 8 * 4096;
  const read = (target: Buffer, at: number, length: number, position: number): unknown => {
    if (position < badFrom + 4096 && position + length > badFrom) {
      // As the kernel does it: what comes before the bad block is given, and only then it fails.
      if (position >= badFrom)
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
      return { bytesRead: bytes.copy(target, at, position, badFrom) };
    }
    return { bytesRead: bytes.copy(target, at, position, position + length) };
  };
  const handle = {
    read: (...args: Parameters<typeof read>) => Promise.resolve().then(() => read(...args)),
  };
  const got = await readFrom(handle as unknown as Parameters<typeof readFrom>[0], 0, bytes.length);
  expect(got.length).toBe(bytes.length);
  const scanned = scanFrames(got, 0, 1);
  const size = bytes.length / given.length;
  const hit = Math.ceil(4096 / size) + 1;
  expect(scanned.records.length).toBeGreaterThanOrEqual(given.length - hit);
  expect(plain(scanned.records)).toEqual(
    plain(given.filter((_, n) => scanned.records.some(({ number }) => number === n + 1))),
  );
});

/** Only root can mount, and only where it is allowed to: elsewhere there is nothing to see. */
const mounts = (...args: readonly string[]): boolean =>
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', args).status === 0;

test('on a real disk that becomes full, usage is refused, all that was stored is sent, and its room is used again', async () => {
  if (!mounts('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory)) return;
  try {
    const spool = await open(directory, { maxBytes: 8 * 1024 * 1024 });
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await spool.append(records(stored, stored + 50, 200));
        stored += 50;
      }
    };
    await expect(fill()).rejects.toThrow(SpoolFull);
    await expect(fill()).rejects.toThrow(/The disk of the spool/);
    expect(stored).toBeGreaterThan(1_000);
    await spool.close();
    const again = await open(directory, { maxBytes: 8 * 1024 * 1024 });
    expect(await drain(again, 100_000)).toEqual(plain(records(0, stored, 200)));
    await again.append(records(0, 50, 200));
    expect(await drain(again)).toEqual(plain(records(0, 50, 200)));
    await again.close();
  } finally {
    spawnSync('umount', [directory]);
  }
});

test('a directory on a read-only file system, and one whose place is taken by a file, are explained', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(open(file)).rejects.toThrow(
    /^The spool cannot use the directory .*it is a file: choose/,
  );
  if (!mounts('--bind', directory, directory)) return;
  try {
    if (!mounts('-o', 'remount,bind,ro', directory)) return;
    await expect(open(directory)).rejects.toThrow(
      /^The spool cannot use .* read-only file system: choose/,
    );
  } finally {
    spawnSync('umount', [directory]);
  }
});
