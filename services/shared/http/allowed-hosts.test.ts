import { parseEnvironment } from '../process/config.ts';
import { allowedHostSettings } from './allowed-hosts.ts';

const read = (text?: string): readonly string[] =>
  parseEnvironment(allowedHostSettings, { HTTP_ALLOWED_HOSTS: text }).HTTP_ALLOWED_HOSTS;

test('no host is allowed beside loopback where none is set', () => {
  expect(read()).toEqual([]);
});

test('names are read in any case, with spaces and empty places between', () => {
  expect(read('Usage.Example.com, commerce,,[FE80::1]')).toEqual([
    'usage.example.com',
    'commerce',
    'fe80::1',
  ]);
});

test.each(['https://usage.example.com', 'usage.example.com:8080', '*', '*.example.com', 'a b'])(
  '%s is refused, with an example',
  (text) => {
    expect(() => read(text)).toThrow(/HTTP_ALLOWED_HOSTS: .* such as usage\.example\.com/);
  },
);
