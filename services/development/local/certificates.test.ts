import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localCertificates } from './certificates.ts';

const NOW = Date.now();
const DAY = 86_400_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-certificates-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** What a client that trusts the CA gets from a server with the certificate, called by a name. */
const call = async (name: string, ca: string): Promise<string> => {
  const files = await localCertificates(directory);
  const server = createServer(
    { cert: await readFile(files.certificate), key: await readFile(files.key) },
    (_, response) => response.end('hello'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const options = { servername: name === '127.0.0.1' ? '' : name, ca, agent: false };
      get(`https://127.0.0.1:${String(port)}/`, { ...options }, (response) => {
        response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
      }).on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code)));
    });
  } finally {
    server.close();
  }
};

test('whoever trusts the CA reaches the server, and nobody else does', async () => {
  const { ca } = await localCertificates(directory);
  expect(await call('127.0.0.1', await readFile(ca, 'utf8'))).toBe('hello');
  const other = await mkdtemp(join(directory, 'other-'));
  const stranger = await localCertificates(other);
  await expect(call('127.0.0.1', await readFile(stranger.ca, 'utf8'))).rejects.toThrow(
    /UNABLE_TO_VERIFY|SIGNATURE/,
  );
});

test('the certificate is for this machine alone, and no authority itself', async () => {
  const { certificate, ca } = await localCertificates(directory);
  const server = new X509Certificate(await readFile(certificate));
  expect(server.subjectAltName).toBe(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(server.ca).toBe(false);
  expect(server.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(new X509Certificate(await readFile(ca)).ca).toBe(true);
});

test('the keys are for their owner alone, and nothing is made twice', async () => {
  const files = await localCertificates(directory);
  const texts = () =>
    Promise.all(Object.values(files).map((path: string) => readFile(path, 'utf8')));
  const before = await texts();
  await localCertificates(directory);
  expect(await texts()).toEqual(before);
  for (const key of ['ca-key.pem', 'server-key.pem']) {
    expect((await stat(join(directory, key))).mode & 0o777).toBe(0o600);
  }
});

test("a server's certificate that is about to expire is replaced, and the CA stays trusted", async () => {
  const files = await localCertificates(directory, NOW);
  const [ca, certificate] = [await readFile(files.ca, 'utf8'), await readFile(files.certificate)];
  await localCertificates(directory, NOW + 366 * DAY);
  expect(await readFile(files.certificate)).toEqual(certificate);
  await localCertificates(directory, NOW + 368 * DAY);
  expect(await readFile(files.certificate)).not.toEqual(certificate);
  expect(await readFile(files.ca, 'utf8')).toBe(ca);
  await localCertificates(directory, NOW + 3630 * DAY);
  expect(await readFile(files.ca, 'utf8')).not.toBe(ca);
});

test('a certificate of another key, as after a crash between two files, is replaced', async () => {
  const files = await localCertificates(directory);
  await writeFile(files.key, await readFile(join(directory, 'ca-key.pem')));
  await localCertificates(directory);
  expect(await call('127.0.0.1', await readFile(files.ca, 'utf8'))).toBe('hello');
});

test('files that cannot be read are named', async () => {
  const files = await localCertificates(directory);
  await writeFile(files.certificate, 'half');
  await expect(localCertificates(directory)).rejects.toThrow(
    /server\.pem and .*server-key\.pem cannot be read .*remove them, and new ones are made/,
  );
});
