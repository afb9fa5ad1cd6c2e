import { waitFor } from '../../../test/support/wait-for.ts';
import { SharedWrites, type Shared } from './shared-writes.ts';

const item = (writer: string, rows = 1, bytes = 1): Shared => ({ writer, rows, bytes });

/** Writes that end when they are told to. */
const store = () => {
  const begun: { readonly names: string; readonly end: (error?: Error) => void }[] = [];
  const writes = new SharedWrites(
    (items: readonly Shared[]) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => {
          if (error) reject(error);
          else resolve();
        };
        begun.push({ names: items.map(({ writer }) => writer).join(''), end });
      }),
  );
  const nth = (n: number) => waitFor(`write ${String(n)} begins`, () => Promise.resolve(begun[n]));
  const begunSoFar = (): readonly string[] => begun.map(({ names }) => names);
  return { writes, nth, begunSoFar };
};

test('who becomes ready at the same moment, or while a write runs, is written together', async () => {
  const { writes, nth, begunSoFar } = store();
  const stored: string[] = [];
  const add = (name: string): Promise<unknown> =>
    writes.add('ledger', item(name)).then(() => stored.push(name));
  const first = [add('a'), add('b')];
  const { end } = await nth(0);
  const second = [add('c'), add('d')];
  expect(stored).toEqual([]);
  end();
  await Promise.all(first);
  (await nth(1)).end();
  await Promise.all(second);
  expect(begunSoFar()).toEqual(['ab', 'cd']);
  expect(stored).toEqual(['a', 'b', 'c', 'd']);
});

test('each place has writes of its own, which do not wait for another one', async () => {
  const { writes, nth, begunSoFar } = store();
  const ledger = writes.add('ledger', item('a'));
  const windows = writes.add('windows', item('b'));
  await nth(1);
  expect(begunSoFar()).toEqual(['a', 'b']);
  for (const n of [0, 1]) (await nth(n)).end();
  await Promise.all([ledger, windows]);
});

test.each([
  ['rows', item('a', 300_000), item('b', 300_000)],
  ['bytes', item('a', 1, 100 * 1024 * 1024), item('b', 1, 100 * 1024 * 1024)],
])('a write has a limit of %s', async (_, one, other) => {
  const { writes, nth, begunSoFar } = store();
  const all = [one, other, item('c')].map((each) => writes.add('ledger', each));
  for (const n of [0, 1]) (await nth(n)).end();
  await Promise.all(all);
  expect(begunSoFar()).toEqual(['a', 'bc']);
});

test('what is larger than the limit is written all the same', async () => {
  const { writes, nth } = store();
  const added = writes.add('ledger', item('a', 1_000_000));
  (await nth(0)).end();
  await added;
});

test('a write that fails fails for each of its writers, who write alone until that has succeeded', async () => {
  const { writes, nth, begunSoFar } = store();
  const add = (name: string): Promise<string> =>
    writes.add('ledger', item(name)).then(
      () => 'stored',
      (error: unknown) => (error as Error).message,
    );
  const bad = new Error('b is bad');
  const first = Promise.all([add('a'), add('b')]);
  (await nth(0)).end(bad);
  expect(await first).toEqual(['b is bad', 'b is bad']);
  // Other writers come before them, and they come again at the same moment, when one of the others is still being written.
  const others = Promise.all([add('c'), add('d')]);
  await nth(1);
  const again = Promise.all([add('a'), add('b')]);
  expect(begunSoFar()).toEqual(['ab', 'cd', 'a', 'b']);
  (await nth(2)).end();
  (await nth(3)).end(bad);
  expect(await again).toEqual(['stored', 'b is bad']);
  (await nth(1)).end();
  expect(await others).toEqual(['stored', 'stored']);
  const last = Promise.all([add('a'), add('c'), add('b')]);
  (await nth(4)).end(bad);
  (await nth(5)).end();
  expect(await last).toEqual(['stored', 'stored', 'b is bad']);
  expect(begunSoFar().slice(4)).toEqual(['b', 'ac']);
});
