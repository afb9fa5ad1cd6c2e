import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
  type JWK,
} from 'jose';
import { millis } from '../model/time.ts';
import { ensureLocalKey, localToken, publicKeyFile } from './local-sign-in.ts';
import { keysAtUrl, keysInFile, KeysUnavailable } from './signing-keys.ts';
import { verifyToken, type TokenRules } from './verify-token.ts';

const ISSUER = 'https://login.example.com/';
const AUDIENCE = 'https://usage.example.com';
const NOW = Date.UTC(2026, 0, 1, 12);
const SKEW = 60;
const seconds = (offset: number): number => NOW / 1000 + offset;

interface Pair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

const pairOf = async (alg: string, kid: string): Promise<Pair> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
};

let directory: string;
let rsa: Pair;
let ec: Pair;
let stranger: Pair;
let rules: TokenRules;

const file = (): string => join(directory, 'keys.json');

const writeKeys = (...keys: readonly JWK[]): Promise<void> =>
  writeFile(file(), JSON.stringify({ keys }));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-sign-in-'));
  rsa = await pairOf('RS256', 'rsa');
  ec = await pairOf('ES256', 'ec');
  stranger = await pairOf('ES256', 'stranger');
});

beforeEach(async () => {
  await writeKeys(rsa.jwk, ec.jwk);
  rules = {
    issuer: ISSUER,
    audience: AUDIENCE,
    clockSkewSeconds: SKEW,
    keys: keysInFile(file()),
    now: () => millis(NOW),
  };
});

afterAll(() => rm(directory, { recursive: true }));

const claims = (more: object = {}) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'olga',
  exp: seconds(3600),
  nbf: seconds(-10),
  roles: ['/subscriptions/A/Reader'],
  ...more,
});

const sign = (more: object = {}, pair: Pair = ec, header: object = {}): Promise<string> =>
  new SignJWT(claims(more))
    .setProtectedHeader({ alg: pair.jwk.alg ?? '', kid: pair.jwk.kid ?? '', ...header })
    .sign(pair.privateKey);

const verify = async (token: string | null) =>
  verifyToken(token === null ? null : `Bearer ${token}`, rules);

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('tokens with RS256 and ES256 say who calls, and the roles', async () => {
  for (const pair of [rsa, ec]) {
    expect(await verify(await sign({ oid: 'x-1' }, pair))).toEqual({
      ok: true,
      value: { name: 'olga', objectId: 'x-1', roles: new Set(['a']), changes: new Set() },
    });
  }
});

test('the scheme is read in any case', async () => {
  expect(await verifyToken(`bearer  ${await sign()} `, rules)).toMatchObject({ ok: true });
});

test.each([
  ['expired', { exp: seconds(-SKEW) }, 'expired'],
  ['expired within the skew', { exp: seconds(1 - SKEW) }, null],
  ['not yet valid', { nbf: seconds(SKEW + 1) }, 'not-yet-valid'],
  ['not yet valid within the skew', { nbf: seconds(SKEW) }, null],
  ['without an end', { exp: undefined }, 'invalid'],
  ['with an end that is no number', { exp: 'tomorrow' }, 'invalid'],
  ['for another audience', { aud: 'https://other.example.com' }, 'audience'],
  ['without an audience', { aud: undefined }, 'audience'],
  ['for several audiences, one of them ours', { aud: ['x', AUDIENCE] }, null],
  ['of another issuer', { iss: 'https://evil.example.com/' }, 'issuer'],
  ['of an issuer that begins alike', { iss: `${ISSUER}.evil` }, 'issuer'],
  ['without an issuer', { iss: undefined }, 'issuer'],
])('a token %s', async (_, more, kind) => {
  expect(await verify(await sign(more))).toMatchObject(
    kind === null ? { ok: true } : { ok: false, error: { kind } },
  );
});

describe('forged tokens', () => {
  const unsigned = (alg: string): string => `${base64({ alg, kid: 'ec' })}.${base64(claims())}.`;

  test.each(['none', 'None', 'NONE', ''])('alg "%s" is refused', async (alg) => {
    expect(await verify(unsigned(alg))).toEqual({ ok: false, error: { kind: 'invalid' } });
    expect(await verify(`${unsigned(alg)}AAAA`)).toEqual({ ok: false, error: { kind: 'invalid' } });
  });

  test('the public key as the secret of HS256 is refused', async () => {
    const pem = await exportSPKI(rsa.publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(rsa.jwk), rsa.jwk.n ?? '']) {
      for (const alg of ['HS256', 'RS256']) {
        const signed = `${base64({ alg, kid: 'rsa' })}.${base64(claims())}`;
        const mac = createHmac('sha256', secret).update(signed).digest('base64url');
        expect(await verify(`${signed}.${mac}`)).toEqual({ ok: false, error: { kind: 'invalid' } });
      }
    }
  });

  test('a key that the token brings along, or that it names by URL, is not used', async () => {
    for (const header of [
      { jwk: stranger.jwk },
      { jwk: stranger.jwk, kid: 'ec' },
      { jku: 'https://evil.example.com/keys', kid: 'ec' },
      { kid: undefined },
    ]) {
      const token = await sign({}, stranger, header);
      expect(await verify(token)).toEqual({ ok: false, error: { kind: 'invalid' } });
    }
  });

  test('a key of one kind under the name of another is not used', async () => {
    expect(await verify(await sign({}, ec, { kid: 'rsa' }))).toMatchObject({ ok: false });
    expect(await verify(await sign({}, rsa, { kid: 'ec' }))).toMatchObject({ ok: false });
  });

  test('other algorithms of the same key are refused', async () => {
    const { alg: _, ...anyAlgorithm } = rsa.jwk;
    await writeKeys(anyAlgorithm);
    rules = { ...rules, keys: keysInFile(file()) };
    expect(await verify(await sign({}, rsa))).toMatchObject({ ok: true });
    for (const alg of ['RS384', 'RS512', 'PS256']) {
      const { alg: __, ...key } = await exportJWK(rsa.privateKey);
      const privateKey = await importJWK(key, alg);
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg, kid: 'rsa' })
        .sign(privateKey);
      expect(await verify(token)).toEqual({ ok: false, error: { kind: 'invalid' } });
    }
  });

  test('claims that were changed after signing are refused', async () => {
    const [header = '', , signature = ''] = (await sign()).split('.');
    const changed = base64(claims({ roles: ['/subscriptions/B/Owner'] }));
    expect(await verify(`${header}.${changed}.${signature}`)).toMatchObject({
      error: { kind: 'invalid' },
    });
  });

  test('an extension that must be understood is not ignored', async () => {
    const header = { crit: ['x'], x: 1 };
    const signed = `${base64({ alg: 'ES256', kid: 'ec', ...header })}.${base64(claims())}`;
    expect(await verify(`${signed}.AAAA`)).toMatchObject({ error: { kind: 'invalid' } });
  });
});

test.each([
  [null, 'missing'],
  ['', 'missing'],
  ['Bearer', 'invalid'],
  ['Bearer x', 'invalid'],
  ['Basic b2xnYTp4', 'invalid'],
  ['Bearer a.b.c', 'invalid'],
  [`Bearer ${'a'.repeat(9000)}.b.c`, 'invalid'],
])('what is no token is told: %j', async (header, kind) => {
  expect(await verifyToken(header, rules)).toEqual({ ok: false, error: { kind } });
});

test('the name of a caller is cut, and cannot steer a terminal', async () => {
  const { value } = (await verify(await sign({ sub: `\u001b[2J${'x'.repeat(500)}` }))) as {
    value: { name: string };
  };
  expect(value.name).toMatch(/^\?\[2Jx{124}$/);
});

test('keys that replace others in the file are used without a restart', async () => {
  const before = await stat(file());
  expect(await verify(await sign({}, stranger))).toMatchObject({ ok: false });
  await writeKeys(stranger.jwk);
  await utimes(file(), before.atime, before.mtimeMs / 1000 + 2);
  expect(await verify(await sign({}, stranger))).toMatchObject({ ok: true });
  expect(await verify(await sign({}, ec))).toMatchObject({ ok: false });
});

test('a key that was removed from the file was accepted without end', async () => {
  await writeKeys(ec.jwk);
  rules = { ...rules, keys: keysInFile(file()) };
  const token = await sign();
  expect(await verify(token)).toMatchObject({ ok: true });
  const before = await stat(file());
  await writeFile(`${file()}.new`, JSON.stringify({ keys: [stranger.jwk] }));
  await utimes(`${file()}.new`, before.atime, before.mtime);
  await rename(`${file()}.new`, file());
  expect(await verify(token)).toEqual({ ok: false, error: { kind: 'invalid' } });
});

test('while the file cannot be used, no token is accepted or called bad', async () => {
  const token = await sign();
  await rm(file());
  await expect(verify(token)).rejects.toThrow(KeysUnavailable);
  await writeFile(file(), 'half');
  await expect(verify(token)).rejects.toThrow(KeysUnavailable);
  await writeKeys(ec.jwk);
  expect(await verify(token)).toMatchObject({ ok: true });
});

test.each([
  ['no JSON', 'no JSON'],
  ['no keys', '{"keys":[]}'],
  ['a shared secret', '{"keys":[{"kty":"oct","k":"AAAA"}]}'],
  ['a short RSA key', '{"keys":[{"kty":"RSA","n":"AAAA","e":"AQAB"}]}'],
  ['a private key', '{"keys":[{"kty":"EC","crv":"P-256","x":"A","y":"A","d":"A"}]}'],
])('a file with %s is refused', async (_, text) => {
  await writeFile(file(), text);
  expect(() => keysInFile(file())).toThrow(/keys\.json cannot be used: .*USAGE_API_JWKS must be/);
});

describe('keys at a URL', () => {
  let answer: { status: number; body: string };
  const server = createServer((_, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  const url = (): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;

  test('are fetched and used', async () => {
    answer = { status: 200, body: JSON.stringify({ keys: [rsa.jwk] }) };
    rules = { ...rules, keys: keysAtUrl(url()) };
    expect(await verify(await sign({}, rsa))).toMatchObject({ ok: true });
    expect(await verify(await sign({}, ec))).toEqual({ ok: false, error: { kind: 'invalid' } });
  });

  test.each([
    [500, '{}'],
    [200, 'no JSON'],
    [200, '{}'],
  ])('that cannot be had make no token bad: %i %s', async (status, body) => {
    answer = { status, body };
    rules = { ...rules, keys: keysAtUrl(url()) };
    await expect(sign().then(verify)).rejects.toThrow(KeysUnavailable);
  });
});

describe('the key of this machine', () => {
  const at = (): string => join(directory, 'local');
  const options = {
    subscriptions: ['A', 'B'],
    role: 'Owner',
    lifetimeSeconds: 60,
    audience: AUDIENCE,
    subject: 'olga',
    now: NOW,
  } as const;

  test('is made once, for its owner alone, and its tokens are accepted', async () => {
    await expect(localToken(at(), options)).rejects.toThrow('"npm start" makes one');
    await ensureLocalKey(at());
    const token = await localToken(at(), options);
    await ensureLocalKey(at());
    expect((await stat(join(at(), 'private-key.json'))).mode & 0o777).toBe(0o600);
    rules = { ...rules, issuer: 'urn:usage-pipeline:local', keys: keysInFile(publicKeyFile(at())) };
    expect(await verify(token)).toEqual({
      ok: true,
      value: {
        name: 'olga',
        objectId: 'olga',
        roles: new Set(['a', 'b']),
        changes: new Set(['a', 'b']),
      },
    });
    rules = { ...rules, now: () => millis(NOW + (60 + SKEW) * 1000) };
    expect(await verify(token)).toMatchObject({ error: { kind: 'expired' } });
  });

  test('is not replaced if it cannot be read', async () => {
    await writeFile(join(at(), 'private-key.json'), 'half');
    await chmod(join(at(), 'private-key.json'), 0o600);
    await expect(ensureLocalKey(at())).rejects.toThrow(/private-key\.json cannot be read/);
  });
});
