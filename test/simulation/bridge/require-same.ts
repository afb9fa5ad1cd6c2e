import { violated } from '../violation.ts';

const textOf = (value: unknown): string =>
  JSON.stringify(
    value instanceof Map
      ? [...(value as Map<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1))
      : value,
    (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each),
  );

export const requireSame = (what: string, found: unknown, expected: unknown): void => {
  const [is, should] = [textOf(found), textOf(expected)];
  if (is !== should) violated(`${what}: ${is} instead of ${should}`);
};
