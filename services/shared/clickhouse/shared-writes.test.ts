import { waitFor } from '../../../test/support/wait-for.ts';
import { SharedWrites } from './shared-writes.ts';

interface Item {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
}

const item = (name: string, rows = 1, bytes = 1): Item => ({ name, rows, bytes });

/** Writes that end when they are told to. */
const store = () => {
  const begun: { readonly names: string; readonly end: (error?: Error) => void }[] = [];
  const writes = new SharedWrites<Item>(
    (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => {
          if (error) reject(error);
          else resolve();
        };
        begun.push({ names: items.map(({ name }) => name).join(''), end });
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

test('a write that fails fails for each of its writers, who are then written one by one, and together after that', async () => {
  const { writes, nth, begunSoFar } = store();
  const add = (name: string): Promise<string> =>
    writes.add('ledger', item(name)).then(
      () => 'stored',
      (error: unknown) => (error as Error).message,
    );
  const first = Promise.all([add('a'), add('b')]);
  (await nth(0)).end(new Error('b is bad'));
  expect(await first).toEqual(['b is bad', 'b is bad']);
  // They try again after a while, when nothing is being written.
  const again = Promise.all([add('a'), add('b')]);
  (await nth(1)).end();
  (await nth(2)).end(new Error('b is bad'));
  expect(await again).toEqual(['stored', 'b is bad']);
  const last = Promise.all([add('a'), add('c')]);
  (await nth(3)).end();
  expect(await last).toEqual(['stored', 'stored']);
  expect(begunSoFar()).toEqual(['ab', 'a', 'b', 'ac']);
});
