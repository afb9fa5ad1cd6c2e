import { Ownership } from './ownership.ts';

interface Halt {
  readonly message: string;
}

const HALT: Halt = { message: 'records are gone' };

let told: Halt[];
let signals: AbortSignal[];
let owned: Ownership<Halt>;
let now: number;

beforeEach(() => {
  told = [];
  signals = [];
  now = 1_000;
  owned = new Ownership<Halt>(
    { topic: 't', partition: 0 },
    {
      log: { bounds: () => Promise.resolve({ low: 0, high: 7 }) },
      now: () => now,
      persist: (_, step, signal) => {
        signals.push(signal);
        return step();
      },
    },
    (halt) => told.push(halt),
  );
});

const yes = (): Promise<string> => Promise.resolve('done');

test('tasks are done one after the other', async () => {
  const order: number[] = [];
  const task = (n: number) => async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push(n);
    return n;
  };
  expect(await Promise.all([1, 2, 3].map((n) => owned.run(0, task(n))))).toEqual([1, 2, 3]);
  expect(order).toEqual([1, 2, 3]);
});

test('after a halt nothing is done, and what it waits for is told once', async () => {
  expect(owned.stop(HALT)).toBeNull();
  expect(await owned.run('nothing', yes)).toBe('nothing');
  expect([owned.halt, told]).toEqual([HALT, [HALT]]);
});

test('a task that has begun before a halt of another one in its turn is not done', async () => {
  const first = owned.run(null, () => Promise.resolve(owned.stop(HALT)));
  const second = owned.run('nothing', yes);
  expect([await first, await second]).toEqual([null, 'nothing']);
});

test('in front of what cannot be read tasks go on, and each reason is told once', async () => {
  owned.wait(HALT);
  owned.wait({ message: HALT.message });
  expect([await owned.run('nothing', yes), owned.halt, told]).toEqual(['done', HALT, [HALT]]);
  owned.wait({ message: 'another batch' });
  expect(told.map(({ message }) => message)).toEqual([HALT.message, 'another batch']);
  owned.clearWait();
  expect(owned.halt).toBeNull();
});

test('a retry goes on only where what it stands still for is mended', async () => {
  expect(await owned.retry(() => Promise.resolve(true))).toBe(false); // it does not stand still
  owned.stop(HALT);
  expect(await owned.retry(() => Promise.resolve(false))).toBe(false);
  expect(await owned.run('nothing', yes)).toBe('nothing');
  const asked: Halt[] = [];
  expect(await owned.retry((halt) => Promise.resolve(asked.push(halt) > 0))).toBe(true);
  expect([asked, owned.halt, await owned.run('nothing', yes)]).toEqual([[HALT], null, 'done']);
});

test('a partition that was dropped does nothing, retries nothing, and hides what fails then', async () => {
  const failing = owned.run('nothing', async () => {
    await Promise.resolve();
    owned.drop();
    throw new Error('the store does not answer any more');
  });
  expect(await failing).toBe('nothing');
  owned.stop(HALT);
  expect(await owned.run('nothing', yes)).toBe('nothing');
  expect(await owned.retry(() => Promise.resolve(true))).toBe(false);
});

test('what fails while the partition is owned is an error, and the next task is done', async () => {
  await expect(owned.run(0, () => Promise.reject(new Error('a defect')))).rejects.toThrow(
    'a defect',
  );
  expect(await owned.run('nothing', yes)).toBe('done');
});

test('a step that is tried again ends when the partition is dropped', async () => {
  expect(await owned.bounds()).toEqual({ low: 0, high: 7 });
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  owned.drop();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('it tells for how long a task has been tried', async () => {
  let end: (value: string) => void = () => undefined;
  const hanging = owned.run('nothing', () => new Promise<string>((resolve) => (end = resolve)));
  await new Promise((resolve) => setImmediate(resolve));
  now += 700;
  expect(owned.atStepFor).toBe(700);
  end('done');
  expect([await hanging, owned.atStepFor]).toEqual(['done', 0]);
});
