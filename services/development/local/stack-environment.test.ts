import { parseEnv } from 'node:util';
import { formatEnvironment, serviceUrls, takenOver } from './stack-environment.ts';

const PORTS = {
  kafka: 1,
  clickHouse: 2,
  usageApi: 3,
  commerce: 4,
  aggregatorHealth: 5,
  bridgeHealth: 6,
  providers: 7,
};

test('every service has an address', () => {
  expect(serviceUrls(PORTS, {}, true)).toEqual({
    AGGREGATOR_HEALTH_URL: 'http://127.0.0.1:5',
    BRIDGE_HEALTH_URL: 'http://127.0.0.1:6',
    COMPUTE_PROVIDER_URL: 'http://127.0.0.1:7/compute',
    STORAGE_PROVIDER_URL: 'http://127.0.0.1:7/storage',
    NETWORK_PROVIDER_URL: 'http://127.0.0.1:7/network',
    PLATFORM_PROVIDER_URL: 'http://127.0.0.1:7/platform',
    USAGE_API_URL: 'https://127.0.0.1:3',
    COMMERCE_URL: 'http://127.0.0.1:4',
  });
});

test.each([
  ['0.0.0.0', 'http://127.0.0.1:4'],
  ['::', 'http://[::1]:4'],
  ['::1', 'http://[::1]:4'],
  ['10.1.2.3', 'http://10.1.2.3:4'],
])('a service that listens on %s is called there', (COMMERCE_HOST, url) => {
  expect(serviceUrls(PORTS, { COMMERCE_HOST }, false).COMMERCE_URL).toBe(url);
});

test('what tells the data of two stacks apart is taken over, where it is set', () => {
  expect(takenOver({ USAGE_TOPIC_PREFIX: 'x', CLICKHOUSE_DATABASE: ' ', HOME: '/' })).toEqual({
    USAGE_TOPIC_PREFIX: 'x',
  });
});

test('whatever a value holds, it is read back', () => {
  const values = {
    URL: 'http://[::1]:8123',
    SPACE: 'a b',
    HASH: 'a#b # c',
    QUOTE: "it's",
    DOUBLE: 'say "x"',
    DOLLAR: '$HOME',
    EMPTY: '',
  };
  expect(parseEnv(formatEnvironment(values))).toEqual(values);
});
