import { hour, submissionOf, uriOf } from '../../test/support/bridge/examples.ts';
import type { Pending, Unfinished } from './ports.ts';
import { SubmissionQueue, type Item } from './submission-queue.ts';

const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

const composition = (h: number, count: number): Unfinished => ({
  at: AT,
  hour: hour(h),
  firstOffset: 0,
  count,
});

const pendingOf = (h: number, count: number): readonly Pending[] =>
  Array.from({ length: count }, (_, n) => ({
    at: AT,
    hour: hour(h),
    submission: submissionOf(`${String(h)}-${String(n)}`, uriOf('vm'), h),
  }));

const idsOf = (items: readonly Item[]): readonly string[] =>
  items.map(({ pending }) => pending.submission.submissionId);

const loaded = (...compositions: readonly Unfinished[]): SubmissionQueue => {
  const queue = new SubmissionQueue();
  for (const each of compositions) {
    queue.load(each, pendingOf((each.hour - hour(0)) / 3_600_000, each.count));
  }
  return queue;
};

const removed = (queue: SubmissionQueue, items: readonly Item[]): readonly Unfinished[] =>
  queue.settle(items);

/** All that may be sent at an instant, batch by batch. */
const takeAll = (queue: SubmissionQueue, now: number): readonly (readonly Item[])[] => {
  const batches: (readonly Item[])[] = [];
  for (let batch = queue.take(now); batch.length > 0; batch = queue.take(now)) batches.push(batch);
  return batches;
};

test('an hour that is added late is loaded in its turn, and one of the same hour after the first', () => {
  const [a, b, c, d] = [2, 1, 3, 1].map((h) => composition(h, h));
  const queue = new SubmissionQueue();
  queue.add([a, b].filter((each) => each !== undefined));
  queue.add([c, d].filter((each) => each !== undefined));
  const taken = Array.from({ length: 5 }, () => queue.next());
  expect(taken).toEqual([b, d, a, c, null]);
  expect(taken[0]).toBe(b);
  expect(taken[1]).toBe(d);
});

test('what waits to be loaded, or is being loaded, counts as pending, as what is loaded or taken does', () => {
  const queue = loaded(composition(0, 4));
  expect(queue.size).toBe(4);
  queue.add([composition(1, 20), composition(2, 300)]);
  expect(queue.size).toBe(324);
  const next = queue.next();
  expect(queue.size).toBe(324);
  if (next) queue.load(next, pendingOf(1, 18)); // two have their outcome meanwhile
  expect(queue.size).toBe(322);
  const [batch = []] = takeAll(queue, 0);
  expect(queue.size).toBe(322);
  removed(queue, batch.slice(1));
  expect(queue.size).toBe(301);
});

test('no more is loaded while 2,000 submissions are', () => {
  const next = composition(2, 1);
  const queue = loaded(composition(0, 1_999), composition(1, 1));
  queue.add([next]);
  expect(queue.next()).toBeNull();
  removed(queue, queue.take(0).slice(0, 1));
  expect(queue.next()).toBe(next);
});

test('25 are taken at a time, the oldest hours first, whenever they were loaded', () => {
  const queue = loaded(composition(1, 30), composition(0, 3));
  expect(queue.firstHour()).toBe(hour(0));
  const batches = takeAll(queue, 0);
  expect(batches.map(({ length }) => length)).toEqual([25, 8]);
  expect(idsOf(batches[0] ?? []).slice(0, 4)).toEqual(['0-0', '0-1', '0-2', '1-0']);
  expect(queue.firstHour()).toBeNull();
});

test('a submission that is put off is due at its instant, not before, and the others go first', () => {
  const queue = loaded(composition(0, 3));
  const [first, second, third] = queue.take(0);
  if (!first || !second || !third) throw new Error('nothing is due');
  expect(first).toMatchObject({ attempts: 0, due: 0 });
  [first.due, second.due] = [701, 700];
  queue.defer(first);
  queue.defer(second);
  queue.putBack([third]);
  expect(queue.due(699)).toBe(1);
  expect(queue.nextDue).toBe(700);
  expect(queue.due(700)).toBe(2);
  expect(queue.nextDue).toBe(701);
  expect(queue.due(701)).toBe(3);
  expect(queue.nextDue).toBe(Infinity);
});

test('what is put back goes before what is newer', () => {
  const queue = loaded(composition(0, 30), composition(1, 1));
  const batch = queue.take(0);
  expect(batch).toHaveLength(25);
  queue.putBack(batch);
  expect(queue.take(0)).toEqual(batch);
});

test('what is to be sent in smaller company is, and what is not goes on as before', () => {
  const queue = loaded(composition(0, 25), composition(1, 30));
  const batch = queue.take(0);
  for (const item of batch) item.company = 13;
  queue.putBack(batch);
  expect(takeAll(queue, 0).map(({ length }) => length)).toEqual([13, 13, 25, 4]);
});

test('no batch grows too large when what must have smaller company is behind what need not', () => {
  const queue = loaded(composition(0, 30));
  const batch = queue.take(0);
  for (const item of batch.slice(13)) item.company = 7;
  queue.putBack(batch);
  expect(takeAll(queue, 0).map(({ length }) => length)).toEqual([13, 7, 7, 3]);
});

test('a submission that must be sent alone is', () => {
  const queue = loaded(composition(0, 3));
  const batch = queue.take(0);
  const [, second] = batch;
  if (!second) throw new Error('nothing is due');
  second.company = 1;
  queue.putBack(batch);
  expect(takeAll(queue, 0).map(idsOf)).toEqual([['0-0'], ['0-1'], ['0-2']]);
});

test('a composition is finished when its last submission has its outcome, and only then', () => {
  const [a, b] = [composition(0, 2), composition(1, 2)];
  const queue = loaded(a, b);
  const [a0, a1, b0, b1] = queue.take(0);
  if (!a0 || !a1 || !b0 || !b1) throw new Error('nothing is due');
  expect(removed(queue, [a0, b0])).toEqual([]);
  expect(removed(queue, [b1])).toEqual([b]);
  expect(removed(queue, [a1])).toEqual([a]);
  expect(queue.size).toBe(0);
});
