import {
  atLeast,
  atMost,
  isGood,
  median,
  numberText,
  quantile,
  verdictOf,
  type Figure,
} from './figure.ts';

const figure = (value: number | null, target: Figure['target'], problem: string | null = null) =>
  verdictOf({ row: 'x', title: 'x', unit: 's', value, target, problem });

test('a target is met by what reaches it, and missed by what falls short', () => {
  expect(figure(2, atLeast(2))).toBe('met');
  expect(figure(1.9, atLeast(2))).toBe('MISSED');
  expect(figure(2, atMost(2))).toBe('met');
  expect(figure(2.1, atMost(2))).toBe('MISSED');
});

test('what could not be measured, or was found wrong by the audit, counts as nothing', () => {
  expect(figure(null, null)).toBe('DOES NOT COUNT');
  expect(figure(9, atLeast(2), 'the audit found a difference')).toBe('DOES NOT COUNT');
});

test('median and quantiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 20, 30, 40], 0.5)).toBe(20);
  expect(quantile([10, 20, 30, 40], 0.99)).toBe(40);
});

test.each([
  [0.12345, '0.123'],
  [14.26, '14.3'],
  [123_456.7, '123,457'],
])('%d is written %s', (value, text) => {
  expect(numberText(value)).toBe(text);
});

test('a missed target fails only where targets count, and what could not be measured always fails', () => {
  const missed = { row: 'x', title: 'x', unit: 's', value: 1, target: atLeast(2), problem: null };
  expect([isGood(missed, true), isGood(missed, false)]).toEqual([false, true]);
  const failed = { ...missed, value: 3, problem: 'the audit found a difference' };
  expect([isGood(failed, true), isGood(failed, false)]).toEqual([false, false]);
  expect(isGood({ ...missed, value: 3 }, true)).toBe(true);
});
