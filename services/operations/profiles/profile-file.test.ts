import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkedProfile,
  checkedToken,
  readCaFile,
  readProfiles,
  tokenOf,
  writeProfiles,
  type Profile,
} from './profile-file.ts';
import { tokenExpiry } from './token-expiry.ts';
import { timeOf } from '../../shared/model/time-text.ts';

const PROFILE: Profile = {
  endpoint: 'https://usage.example:8443',
  role: 'operator',
  subscription: '39c82aed-b2b7-4a66-abdb-611de00bf11e',
  token: 'secret-token',
};

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'profiles-'));
  path = join(directory, 'sub', 'profiles.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('profiles come back from a file and a directory that only their owner can read', async () => {
  const profiles = new Map([
    ['a', PROFILE],
    ['b', { ...PROFILE, role: 'tenant' as const, token: undefined, tokenFile: '/t', caFile: '/c' }],
  ]);
  await writeProfiles(profiles, path);
  expect(await readProfiles(path)).toEqual(profiles);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'sub')).mode & 0o777).toBe(0o700);
});

test('without a file there are no profiles', async () => {
  expect(await readProfiles(path)).toEqual(new Map());
});

test('profiles that others can read are not used', async () => {
  await writeProfiles(new Map([['a', PROFILE]]), path);
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode);
    await expect(readProfiles(path)).rejects.toThrow(`run "chmod 600 ${path}"`);
  }
  await writeProfiles(new Map([['a', PROFILE]]), path);
  expect((await readProfiles(path)).size).toBe(1);
});

test.each(['{', 'secret-token', '{"profiles":{"a":{"endpoint":"x"}}}', '{"profiles":[]}', '{}'])(
  'a damaged file is refused, and its text is not repeated: %s',
  async (text) => {
    await writeProfiles(new Map(), path);
    writeFileSync(path, text);
    const refused = readProfiles(path);
    await expect(refused).rejects.toThrow(`The profiles in ${path} cannot be used`);
    await expect(refused).rejects.not.toThrow('secret-token');
  },
);

test.each<[Partial<Record<keyof Profile, string>>, string]>([
  [{ endpoint: 'usage.example' }, 'the endpoint must be'],
  [{ endpoint: 'https://user:password@usage.example' }, 'the endpoint must be'],
  [{ endpoint: 'https://usage.example/?x=1' }, 'the endpoint must be'],
  [{ subscription: '1' }, 'the subscription must be an id'],
  [{ token: 'two words' }, 'the token must be one word'],
  [{ tokenFile: '/t' }, 'both a token and a token file'],
])('%j is refused', (changes, said) => {
  expect(() => checkedProfile({ ...PROFILE, ...changes } as Profile)).toThrow(said);
});

test('a token is read from its file at each call', async () => {
  const tokenFile = join(directory, 'token');
  const profile = { ...PROFILE, token: undefined, tokenFile };
  await expect(tokenOf(profile)).rejects.toThrow(`The token file ${tokenFile} cannot be read`);
  for (const token of ['first', 'second']) {
    writeFileSync(tokenFile, `${token}\n`);
    expect(await tokenOf(profile)).toBe(token);
  }
  writeFileSync(tokenFile, '\n');
  await expect(tokenOf(profile)).rejects.toThrow('it is empty');
  expect(await tokenOf({ ...PROFILE, token: undefined })).toBeNull();
});

test('the error about a token does not repeat it', () => {
  expect(() => checkedToken('Bearer abc', 'Standard input')).toThrow(/^(?!.*abc)/s);
});

test('a CA file has a certificate', async () => {
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, 'no');
  await expect(readCaFile(caFile)).rejects.toThrow('has no certificate in PEM');
  writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\n');
  expect(await readCaFile(caFile)).toBe(readFileSync(caFile, 'utf8'));
});

test('a JWT says when it expires; other tokens say nothing', () => {
  const jwt = (payload: string): string => `h.${Buffer.from(payload).toString('base64url')}.s`;
  expect(tokenExpiry(jwt('{"exp":1767225600}'))).toBe(timeOf('2026-01-01T00:00:00Z'));
  for (const token of [jwt('{}'), jwt('no'), jwt('{"exp":1e300}'), jwt('null'), 'opaque', 'a.b']) {
    expect(tokenExpiry(token)).toBeNull();
  }
});
