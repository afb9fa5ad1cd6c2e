import { seededRandom, weightedChoice } from './random.ts';

const draws = (seed: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: 20 }, () => random.below(1_000_000));
};

test('the same seed draws the same numbers, another one others', () => {
  expect(draws(42)).toEqual(draws(42));
  expect(draws(42)).not.toEqual(draws(43));
  expect(draws(42)).not.toEqual(draws(42 + 2 ** 32));
});

test('numbers cover their range evenly', () => {
  const random = seededRandom(1);
  const counts = new Map<number, number>();
  for (let i = 0; i < 50_000; i++) {
    const drawn = random.below(5);
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4]);
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test('weights are kept to, and a weight of zero is never drawn', () => {
  const random = seededRandom(2);
  const choose = weightedChoice({ often: 3, seldom: 1, never: 0 });
  const counts = { often: 0, seldom: 0, never: 0 };
  for (let i = 0; i < 40_000; i++) counts[choose(random)]++;
  expect(counts.never).toBe(0);
  expect(Math.abs(counts.often - 30_000)).toBeLessThan(600);
});
