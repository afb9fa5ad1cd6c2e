import { UserError } from '../shared/process/errors.ts';
import { readUsageApiConfig } from './config.ts';

test("without settings it is the recording's provider, on loopback, port 8080", () => {
  expect(readUsageApiConfig({})).toMatchObject({
    USAGE_API_PORT: 8080,
    USAGE_API_HOST: '127.0.0.1',
    PROVIDER_SUBSCRIPTION_ID: '39c82aed-b2b7-4a66-abdb-611de00bf11e',
  });
});

test('the public URL is taken without its last slash, and not with a query in it', () => {
  const read = (text?: string): string | null =>
    readUsageApiConfig({ USAGE_API_PUBLIC_URL: text }).USAGE_API_PUBLIC_URL;
  expect(read()).toBeNull();
  expect(read('https://usage.example.com/')).toBe('https://usage.example.com');
  expect(() => read('usage.example.com')).toThrow(/USAGE_API_PUBLIC_URL: must be an http/);
  expect(() => read('https://usage.example.com?a=b')).toThrow(/USAGE_API_PUBLIC_URL/);
});

test('every problem is told at once', () => {
  const read = (): unknown =>
    readUsageApiConfig({ PROVIDER_SUBSCRIPTION_ID: 'me', USAGE_API_PORT: 'x' });
  expect(read).toThrow(UserError);
  expect(read).toThrow(/PROVIDER_SUBSCRIPTION_ID: .*GUID/);
  expect(read).toThrow(/USAGE_API_PORT/);
});

const TLS = { USAGE_API_TLS_CERT: '/c', USAGE_API_TLS_KEY: '/k' };

test.each([
  ['127.0.0.1', {}],
  ['::1', {}],
  ['LOCALHOST', { USAGE_API_SIGN_IN: 'off' }],
  ['127.0.0.1', { ...TLS, USAGE_API_SIGN_IN: 'off' }],
  ['0.0.0.0', TLS],
  ['usage.example.com', TLS],
])('it may listen on %s with %j', (USAGE_API_HOST, more) => {
  expect(readUsageApiConfig({ USAGE_API_HOST, ...more })).toMatchObject({ USAGE_API_HOST });
});

test.each([
  ['0.0.0.0', {}, /USAGE_API_HOST: must be 127.*plain HTTP: set USAGE_API_TLS_CERT and/],
  ['::', {}, /plain HTTP/],
  ['10.1.2.3', { ...TLS, USAGE_API_SIGN_IN: 'off' }, /because USAGE_API_SIGN_IN is off/],
  ['localhost.example.com', {}, /plain HTTP/],
  ['127.0.0.1', { USAGE_API_TLS_CERT: '/c' }, /USAGE_API_TLS_KEY: set both, or neither/],
  ['0.0.0.0', { USAGE_API_TLS_KEY: '/k' }, /set both, or neither/],
])('it may not listen on %s with %j', (USAGE_API_HOST, more, problem) => {
  expect(() => readUsageApiConfig({ USAGE_API_HOST, ...more })).toThrow(problem);
});

test.each([
  ['http://keys.example.com/', /USAGE_API_JWKS: must be the path of a file, an https URL/],
  ['http://127.0.0.1.example.com/', /USAGE_API_JWKS/],
  ['https://', /USAGE_API_JWKS/],
])('keys that could be replaced on their way are refused: %s', (USAGE_API_JWKS, problem) => {
  expect(() => readUsageApiConfig({ USAGE_API_JWKS })).toThrow(problem);
});

test.each(['/keys.json', 'https://keys.example.com/', 'http://127.0.0.1:1/', 'http://[::1]:1/'])(
  'keys may be at %s',
  (USAGE_API_JWKS) => {
    expect(readUsageApiConfig({ USAGE_API_JWKS })).toMatchObject({ USAGE_API_JWKS });
  },
);
