import { brokerProperties, formatProperties } from './server-properties.ts';

const place = { port: 9092, controllerPort: 9093, logDir: '/data/log' };

test('the broker listens on loopback only, and tells clients so', () => {
  const properties = brokerProperties(place, {});
  expect(properties['listeners']).toBe('PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093');
  expect(properties['advertised.listeners']).toBe('PLAINTEXT://127.0.0.1:9092');
  expect(properties['log.dirs']).toBe('/data/log');
});

test('overrides replace and add', () => {
  const properties = brokerProperties(place, {
    'group.initial.rebalance.delay.ms': '3000',
    'group.min.session.timeout.ms': '1000',
  });
  expect(properties['group.initial.rebalance.delay.ms']).toBe('3000');
  expect(properties['group.min.session.timeout.ms']).toBe('1000');
});

test.each([
  ['/a b', 'k=/a\\ b\n'],
  ['a\\b', 'k=a\\\\b\n'],
  ['/dütö', 'k=/d\\u00fct\\u00f6\n'],
  ['/😀', 'k=/\\ud83d\\ude00\n'],
  ['line\nbreak', 'k=line\\u000abreak\n'],
  ['a=b:c#d!', 'k=a=b:c#d!\n'],
])('the value %p is written so that Java reads it back', (value, text) => {
  expect(formatProperties({ k: value })).toBe(text);
});
