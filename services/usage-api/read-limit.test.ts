import { ReadLimit } from './read-limit.ts';

const NOW = Date.UTC(2025, 11, 1);

test('a caller may make the reads of an hour at once, and no more', () => {
  const limit = new ReadLimit(3);
  expect([1, 2, 3].map(() => limit.take('a', NOW))).toEqual([
    { remaining: 2, retryAfterSeconds: null },
    { remaining: 1, retryAfterSeconds: null },
    { remaining: 0, retryAfterSeconds: null },
  ]);
  expect(limit.take('a', NOW)).toEqual({ remaining: 0, retryAfterSeconds: 1200 });
  expect(limit.take('b', NOW)).toEqual({ remaining: 2, retryAfterSeconds: null });
});

test('who waits as long as told may read again, and not a moment earlier', () => {
  const limit = new ReadLimit(3600);
  for (let n = 0; n < 3600; n++) limit.take('a', NOW);
  expect(limit.take('a', NOW).retryAfterSeconds).toBe(1);
  expect(limit.take('a', NOW + 999).retryAfterSeconds).toBe(1);
  expect(limit.take('a', NOW + 1000).retryAfterSeconds).toBeNull();
});

test('reads come back up to those of an hour, and a clock that goes back takes none', () => {
  const limit = new ReadLimit(2);
  limit.take('a', NOW);
  limit.take('a', NOW);
  expect(limit.take('a', NOW - 5000).retryAfterSeconds).toBe(1800);
  expect(limit.take('a', NOW + 100 * 3_600_000).remaining).toBe(1);
});

test('the caller who has not read for longest is forgotten first', () => {
  const limit = new ReadLimit(2, 2);
  for (const caller of ['a', 'b', 'a', 'c']) limit.take(caller, NOW);
  expect(limit.take('a', NOW).retryAfterSeconds).not.toBeNull();
});
