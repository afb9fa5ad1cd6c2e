import { Recent } from './recent.ts';

const scene = (maxAge: number) => {
  const clock = { now: 0 };
  let reads = 0;
  const recent = new Recent<number>(maxAge, () => clock.now);
  const of = (mayBeRecent: boolean, name = 'a') =>
    recent.of(name, mayBeRecent, () => Promise.resolve(++reads));
  return { clock, recent, of };
};

test('a value that was read a moment ago is told again, until it is as old as it may be', async () => {
  const { clock, of } = scene(1_000);
  expect(await of(true)).toBe(1);
  clock.now = 999;
  expect(await of(true)).toBe(1);
  expect(await of(true, 'b')).toBe(2);
  clock.now = 1_000;
  expect(await of(true)).toBe(3);
});

test('whoever must know what is true now reads it, and so for those after it', async () => {
  const { of } = scene(1_000);
  await of(true);
  expect(await of(false)).toBe(2);
  expect(await of(true)).toBe(2);
});

test('without an age nothing is told twice', async () => {
  const { of } = scene(0);
  expect([await of(true), await of(true)]).toEqual([1, 2]);
});

test('a failure is not kept', async () => {
  const { recent, of } = scene(1_000);
  await expect(recent.of('a', true, () => Promise.reject(new Error('away')))).rejects.toThrow(
    'away',
  );
  expect(await of(true)).toBe(1);
});

test('a failure that comes late does not take away what was read after it', async () => {
  const { recent, of } = scene(1_000);
  let fail: (error: Error) => void = () => undefined;
  const late = recent.of('a', false, () => new Promise<number>((_, reject) => (fail = reject)));
  expect(await of(false)).toBe(1);
  fail(new Error('away'));
  await expect(late).rejects.toThrow('away');
  expect(await of(true)).toBe(1);
});
