import { readCommerceConfig } from './config.ts';

test('without settings it listens on loopback, for usage of the last 24 hours, without faults', () => {
  expect(readCommerceConfig({})).toEqual({
    host: '127.0.0.1',
    port: 8081,
    allowedHosts: [],
    dataDirectory: '.local/data/commerce',
    maxAgeMillis: 24 * 3_600_000,
    token: null,
    knownDimensionsOnly: true,
    faults: false,
    hourMillis: 3_600_000,
  });
});

test('an age limit of 0 hours is none', () => {
  expect(readCommerceConfig({ COMMERCE_MAX_AGE_HOURS: '0' }).maxAgeMillis).toBeNull();
});

test('beyond loopback a token is needed', () => {
  expect(() => readCommerceConfig({ COMMERCE_HOST: '0.0.0.0' })).toThrow('COMMERCE_TOKEN');
  expect(readCommerceConfig({ COMMERCE_HOST: '0.0.0.0', COMMERCE_TOKEN: 't' }).token).toBe('t');
  expect(readCommerceConfig({ COMMERCE_HOST: '::1' }).token).toBeNull();
});

test('every setting that is wrong is named', () => {
  const wrong = { COMMERCE_PORT: 'http', COMMERCE_FAULTS: 'yes', COMMERCE_DIMENSIONS: 'none' };
  expect(() => readCommerceConfig(wrong)).toThrow(
    /COMMERCE_PORT.*COMMERCE_DIMENSIONS.*COMMERCE_FAULTS/,
  );
});
