import { checkOwnServers, settingsOfParts, unusedPorts, WHOLE_STACK } from './stack-parts.ts';

const SERVICES_ONLY = { servers: false, commerce: false, providers: false };
const OWN = { KAFKA_BROKERS: 'kafka.example:9093', CLICKHOUSE_URL: 'https://db.example:8443' };

test('services alone start no server: both must be named', () => {
  expect(() => checkOwnServers(SERVICES_ONLY, {})).toThrow(
    'KAFKA_BROKERS and CLICKHOUSE_URL are not set: set both to your own servers',
  );
  expect(() => checkOwnServers(SERVICES_ONLY, { ...OWN, CLICKHOUSE_URL: ' ' })).toThrow(
    'CLICKHOUSE_URL is not set',
  );
  expect(() => checkOwnServers(SERVICES_ONLY, OWN)).not.toThrow();
  expect(() => checkOwnServers(WHOLE_STACK, {})).not.toThrow();
});

test('nobody is told where a service is that was not started, and its port may be in use', () => {
  const urls = {
    COMMERCE_URL: 'http://127.0.0.1:4',
    COMPUTE_PROVIDER_URL: 'http://127.0.0.1:7/compute',
  };
  expect(settingsOfParts(urls, WHOLE_STACK, {})).toEqual(urls);
  expect(settingsOfParts(urls, SERVICES_ONLY, {})).toEqual({});
  expect(unusedPorts(SERVICES_ONLY)).toEqual(['commerce', 'providers']);
});

test('the real Commerce stays where the environment says', () => {
  const COMMERCE_URL = 'https://commerce.example';
  expect(
    settingsOfParts({ COMMERCE_URL: 'http://127.0.0.1:4' }, SERVICES_ONLY, { COMMERCE_URL }),
  ).toEqual({ COMMERCE_URL });
});
