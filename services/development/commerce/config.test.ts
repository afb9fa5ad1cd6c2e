import { inRepository } from '../../shared/process/repository.ts';
import { readCommerceConfig } from './config.ts';

test('without settings it listens on loopback, for usage of the last 24 hours, without faults', () => {
  expect(readCommerceConfig({})).toEqual({
    host: '127.0.0.1',
    port: 8081,
    allowedHosts: [],
    dataDirectory: '.local/data/commerce',
    maxAgeMillis: 24 * 3_600_000,
    token: null,
    client: null,
    tokenSeconds: 3600,
    registrationsFile: inRepository('samples/commerce-registrations.json'),
    ratesFile: inRepository('samples/commerce-rates.json'),
    knownDimensionsOnly: true,
    faults: false,
    faultSeed: null,
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

test('a client is set as a whole, and lets others than loopback in', () => {
  const client = {
    COMMERCE_CLIENT_ID: 'c',
    COMMERCE_CLIENT_SECRET: 'hidden',
    COMMERCE_TENANT_ID: 't',
  };
  expect(readCommerceConfig({ ...client, COMMERCE_HOST: '0.0.0.0' }).client).toEqual({
    clientId: 'c',
    secret: 'hidden',
    tenantId: 't',
  });
  const half = { COMMERCE_CLIENT_SECRET: 'hidden' };
  expect(() => readCommerceConfig(half)).toThrow(/set all three, or none/);
  expect(() => readCommerceConfig(half)).not.toThrow(/hidden/);
});

test('a seed of faults without faults is refused', () => {
  expect(() => readCommerceConfig({ COMMERCE_FAULT_SEED: '7' })).toThrow('COMMERCE_FAULT_SEED');
  expect(readCommerceConfig({ COMMERCE_FAULT_SEED: '7', COMMERCE_FAULTS: 'on' }).faultSeed) //
    .toBe('7');
});
