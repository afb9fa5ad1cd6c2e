import { healthAddress } from './health-pages.ts';

const addressOf = (name: string, environment: Record<string, string> = {}): string =>
  healthAddress(name, environment).href;

test.each([
  ['aggregator', {}, 'http://127.0.0.1:9400/health/ready'],
  ['bridge', { HEALTH_HOST: '0.0.0.0', HEALTH_PORT: '1234' }, 'http://127.0.0.1:1234/health/ready'],
  ['providers', { HEALTH_HOST: '10.0.0.5' }, 'http://10.0.0.5:9402/health/ready'],
  ['providers', { HEALTH_HOST: '::' }, 'http://[::1]:9402/health/ready'],
  [
    'usage-api',
    { USAGE_API_HOST: '10.0.0.5', USAGE_API_TLS_CERT: '/c' },
    'https://10.0.0.5:8080/health/ready',
  ],
  [
    'commerce',
    { COMMERCE_HOST: 'fd00::1', HEALTH_HOST: '10.0.0.5' },
    'http://[fd00::1]:8081/health/ready',
  ],
])('%s with %o is asked where it listens', (name, environment, address) => {
  expect(addressOf(name, environment)).toBe(address);
});

test('what is no service, or has no such page, is named', () => {
  expect(() => addressOf('toString')).toThrow('"toString" is no service');
  expect(() => addressOf('')).toThrow('"" is no service');
});
