import { isProviderName, liveTopicName } from './topic-names.ts';

test.each(['compute', 'key-vault', '1', 'a'.repeat(63)])('%s may be a provider', (name) => {
  expect(isProviderName(name)).toBe(true);
  expect(liveTopicName('usage', name)).toBe(`usage.events.${name}`);
});

test.each(['', 'dlq', 'Compute', '-a', 'a.b', 'a_b', 'a'.repeat(64), 'a\n'])(
  '"%s" may not',
  (name) => {
    expect(isProviderName(name)).toBe(false);
  },
);
