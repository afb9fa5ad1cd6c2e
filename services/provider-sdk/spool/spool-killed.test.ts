import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import {
  drain,
  open,
  plain,
  record,
  temporarySpool,
} from '../../../test/support/provider-sdk/spools.ts';
import { seededRandom } from '../../../test/support/workload/random.ts';
import { nodeArguments } from '../../shared/process/repository.ts';

let directory: string;
beforeEach(async () => (directory = await temporarySpool()));
afterEach(() => rm(directory, { recursive: true }));

const WRITER = 'test/support/provider-sdk/spool-writer-main.ts';
const MAX_BYTES = 1024 * 1024;

interface Life {
  readonly stored: readonly number[];
  readonly sent: readonly number[];
}

const numbersOf = (printed: string, what: string): readonly number[] =>
  [...printed.matchAll(new RegExp(`^${what} (\\d+)$`, 'gm'))].map(([, n]) => Number(n));

/** Starts a writer, and kills it as soon as it has printed so much. */
const live = async (first: number, bytes: number): Promise<Life> => {
  const args = [...nodeArguments(WRITER), directory, String(first), String(MAX_BYTES)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let failed = '';
  child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    if (printed.length > bytes) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${failed}`);
  expect(printed).toMatch(/^open 0\n/);
  return { stored: numbersOf(printed, 'stored'), sent: numbersOf(printed, 'sent') };
};

test('what a process was told to be stored before SIGKILL is there afterwards, in order, exactly, and none of it is forgotten', async () => {
  const random = seededRandom(20);
  const stored = new Set<number>();
  const sent: number[] = [];
  for (let life = 0; life < 15; life++) {
    const result = await live(life * 100_000, 1 + random.below(20_000));
    for (const n of result.stored) stored.add(n);
    sent.push(...result.sent);
  }
  const spool = await open(directory, { maxBytes: MAX_BYTES });
  expect(spool.status().damaged).toEqual([]);
  const rest = await drain(spool);
  await spool.close();
  const numbers = rest.map((text) => Number(/^key-(\d+) /.exec(text)?.[1]));
  expect(rest).toEqual(numbers.map((n) => plain([record(n, (n * 37) % 300)])[0]));
  const all = [...sent, ...numbers];
  expect([...stored].filter((n) => !new Set(all).has(n))).toEqual([]);
  // One order: what comes again after a kill begins where its life's sending was not stored, and goes on in order.
  const once = [...new Set(all)];
  expect(once).toEqual([...once].sort((a, b) => a - b));
  expect(stored.size).toBeGreaterThan(100);
});

test('the lock of a process that was killed is free at once; that of one that lives is not', async () => {
  const args = [...nodeArguments(WRITER), directory, '0', String(MAX_BYTES)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await expect(open(directory)).rejects.toThrow('Another process uses the spool');
  child.stdout.resume();
  child.kill('SIGKILL');
  await once(child, 'close');
  const spool = await open(directory);
  await spool.close();
});
