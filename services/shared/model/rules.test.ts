import fc from 'fast-check';
import { parseRules, serializeRules, type Rules } from './rules.ts';

const named = { fingerprint: fc.string() };
const rules: fc.Arbitrary<Rules> = fc.record({
  version: fc.integer({ min: 1 }),
  foldVersion: fc.integer({ min: 1 }),
  hourMillis: fc.integer({ min: 1, max: 3_600 }).map((seconds) => seconds * 1000),
  maxUsageAgeMillis: fc.integer({ min: 1 }),
  namespaces: fc.array(fc.string(), { minLength: 1 }),
  schemas: fc.array(fc.record({ id: fc.integer(), ...named }), { minLength: 1 }),
  controlKeys: fc.array(fc.record({ id: fc.string(), ...named }), { minLength: 1 }),
});

test('rules are read as they were written', () => {
  fc.assert(
    fc.property(rules, (given) => {
      expect(parseRules(serializeRules(given))).toEqual(given);
    }),
  );
});

const valid: Rules = {
  version: 1,
  foldVersion: 1,
  hourMillis: 3_600_000,
  maxUsageAgeMillis: 1,
  namespaces: ['*'],
  schemas: [{ id: 1, fingerprint: 'f' }],
  controlKeys: [{ id: 'k', fingerprint: 'f' }],
};

test.each<[string, unknown]>([
  ['null', null],
  ['a list', []],
  ['version 0', { ...valid, version: 0 }],
  ['a version between two', { ...valid, version: 1.5 }],
  ['a version in text', { ...valid, version: '1' }],
  ['an hour of half a second', { ...valid, hourMillis: 500 }],
  ['an hour that is not whole seconds', { ...valid, hourMillis: 1500 }],
  ['no age', { ...valid, maxUsageAgeMillis: 0 }],
  ['no namespace', { ...valid, namespaces: [] }],
  ['no schema', { ...valid, schemas: [] }],
  ['no control key', { ...valid, controlKeys: [] }],
  ['a field that a later fold may know', { ...valid, mode: 'x' }],
  ['a schema with such a field', { ...valid, schemas: [{ id: 1, fingerprint: 'f', x: 1 }] }],
  ['a field missing', { ...valid, namespaces: undefined }],
])('%s is not rules', (_, value) => {
  expect(parseRules(JSON.stringify(value))).toBeNull();
});

test.each(['', '{', 'rules'])('text that is no JSON ("%s") is not rules', (text) => {
  expect(parseRules(text)).toBeNull();
});
