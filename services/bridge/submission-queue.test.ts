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
  queue.remove(new Map(items.map((item) => [item, 'settled'])));

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

test('what waits to be loaded counts as pending, as what is loaded does', () => {
  const queue = loaded(composition(0, 4));
  expect(queue.size).toBe(4);
  queue.add([composition(1, 20), composition(2, 300)]);
  expect(queue.size).toBe(324);
  queue.next();
  expect(queue.size).toBe(304);
  removed(queue, queue.due(0).slice(1));
  expect(queue.size).toBe(301);
});

test('no more is loaded while 2,000 submissions are', () => {
  const next = composition(2, 1);
  const queue = loaded(composition(0, 1_999), composition(1, 1));
  queue.add([next]);
  expect(queue.next()).toBeNull();
  removed(queue, queue.due(0).slice(0, 1));
  expect(queue.next()).toBe(next);
});

test('a submission is due at its instant, not before, in the order of loading', () => {
  const queue = loaded(composition(0, 3));
  const [first, second] = queue.due(0);
  if (!first || !second) throw new Error('nothing is due');
  expect(first).toMatchObject({ attempts: 0, due: 0 });
  [first.due, second.due] = [701, 700];
  expect(idsOf(queue.due(699))).toEqual(['0-2']);
  expect(idsOf(queue.due(700))).toEqual(['0-1', '0-2']);
  expect(idsOf(queue.due(701))).toEqual(['0-0', '0-1', '0-2']);
});

test('the earliest of several is the next that is due; without any, none ever is', () => {
  const queue = loaded(composition(0, 3));
  for (const [index, item] of queue.due(0).entries()) item.due = [800, 700, 900][index] ?? 0;
  expect(queue.nextDue).toBe(700);
  removed(queue, queue.due(900));
  expect(queue.nextDue).toBe(Infinity);
});

test('a composition is finished when its last submission has its outcome, and only then', () => {
  const [a, b] = [composition(0, 2), composition(1, 2)];
  const queue = loaded(a, b);
  const [a0, a1, b0, b1] = queue.due(0);
  if (!a0 || !a1 || !b0 || !b1) throw new Error('nothing is due');
  expect(removed(queue, [a0, b0])).toEqual([]);
  expect(removed(queue, [b1])).toEqual([b]);
  expect(idsOf(queue.due(0))).toEqual(['0-1']);
  expect(removed(queue, [a1])).toEqual([a]);
  expect(queue.size).toBe(0);
});
