import { providerRingProblem } from './provider-rings.ts';

const entry = (id: string, provider: string, state: 'active' | 'deleted' = 'active') => ({
  id,
  provider,
  state,
});

const problem = (...directory: readonly ReturnType<typeof entry>[]) =>
  providerRingProblem(directory, directory.slice(0, 1), 'D');

test('ring-of-providers: subscriptions that belong to one another were hidden from the operator', () => {
  expect(problem(entry('x', 'y'), entry('y', 'x'))).toContain(
    'in a ring: x belongs to y, y belongs to x.',
  );
  expect(problem(entry('x', 'y'), entry('y', 'z'), entry('z', 'x'))).toContain('z belongs to x.');
  expect(problem(entry('x', 'd'), entry('d', 'x'))).toContain('x belongs to d, d belongs to x.');
  expect(problem(entry('x', 'x'))).toContain('x cannot be its own provider');
});

test('chains of providers, and the default provider as its own, are no rings', () => {
  expect(problem(entry('x', 'y'), entry('y', 'z'))).toBeNull();
  expect(problem(entry('x', 'y'), entry('y', 'd'), entry('d', 'd'))).toBeNull();
  expect(problem(entry('d', 'd'))).toBeNull();
});

test('a deleted provider ends the way, because its tenants fall to the default provider', () => {
  expect(problem(entry('x', 'y'), entry('y', 'x', 'deleted'))).toBeNull();
  expect(problem(entry('x', 'y', 'deleted'), entry('y', 'x'))).toBeNull();
  expect(problem(entry('x', 'x', 'deleted'))).toBeNull();
});

test('a ring that others made before refuses nobody else, also not a tenant of it', () => {
  expect(problem(entry('a', 'x'), entry('x', 'y'), entry('y', 'x'))).toBeNull();
});

test('a long ring is named by its first members and its length', () => {
  const ring = Array.from({ length: 40 }, (_, n) =>
    entry(`s${String(n)}`, `s${String((n + 1) % 40)}`),
  );
  expect(problem(...ring)).toMatch(/s9 belongs to s10, and so on, over 40 subscriptions/);
});
