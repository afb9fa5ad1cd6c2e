import { Attempt } from './attempt.ts';

let now: number;
let attempt: Attempt;

beforeEach(() => {
  now = 1_000;
  attempt = new Attempt(() => now);
});

const fails = (): Promise<never> => Promise.reject(new Error('no'));

test('what has failed counts from its first try on, until it succeeds', async () => {
  await expect(attempt.run(fails)).rejects.toThrow('no');
  now += 700;
  await expect(attempt.run(fails)).rejects.toThrow('no');
  expect(attempt.pendingFor).toBe(700);
  expect(await attempt.run(() => Promise.resolve(3))).toBe(3);
  now += 5_000;
  expect(attempt.pendingFor).toBe(0);
});

test('what hangs counts too', async () => {
  let end: () => void = () => undefined;
  const hanging = attempt.run(() => new Promise<void>((resolve) => (end = resolve)));
  now += 40_000;
  expect(attempt.pendingFor).toBe(40_000);
  end();
  await hanging;
  expect(attempt.pendingFor).toBe(0);
});
