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

test('a host that others can reach is refused, with every other problem', () => {
  const read = (): unknown =>
    readUsageApiConfig({
      USAGE_API_HOST: '0.0.0.0',
      PROVIDER_SUBSCRIPTION_ID: 'me',
      USAGE_API_PORT: 'x',
    });
  expect(read).toThrow(UserError);
  expect(read).toThrow(/USAGE_API_HOST: must be 127\.0\.0\.1/);
  expect(read).toThrow(/PROVIDER_SUBSCRIPTION_ID: .*GUID/);
  expect(read).toThrow(/USAGE_API_PORT/);
});
