import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastLines, readTail } from './log-tail.ts';

test('of a long file the last 64 KiB are read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'log-tail-'));
  const path = join(directory, 'a.log');
  await writeFile(path, `${'x'.repeat(100_000)}end`);
  const tail = await readTail(path);
  expect(tail).toHaveLength(64 * 1024);
  expect(tail.endsWith('xend')).toBe(true);
  await writeFile(path, 'short');
  expect(await readTail(path)).toBe('short');
  await rm(directory, { recursive: true });
});

test('a file that is not there has an empty tail', async () => {
  expect(await readTail('/nowhere/a.log')).toBe('');
});

test('the last lines leave out blank lines and stack frames', () => {
  const text = 'one\ntwo\n\n   at f (x.js:1)\n\tat a.B\n\t... 12 more\nthree\n';
  expect(lastLines(text, 2)).toBe('two\nthree');
  expect(lastLines('', 2)).toBe('');
});
