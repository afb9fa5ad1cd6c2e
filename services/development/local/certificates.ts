import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../shared/process/directory.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { ANYBODY_READS, OWNER_ONLY, replaceFile } from '../../shared/process/replace-file.ts';
import { DAY_MILLIS, HOUR_MILLIS } from '../../shared/model/time.ts';

/** The files of a server's certificate, in PEM. */
export interface CertificateFiles {
  /** Whoever trusts this certificate trusts the server's. */
  readonly ca: string;
  readonly certificate: string;
  /** Only its owner can read it. */
  readonly key: string;
}

const WHAT = 'The local certificates';
const SETTING = 'USAGE_LOCAL_DIR';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const CA_DAYS = 3650;
/** Some clients accept no certificate that is valid for longer. */
const SERVER_DAYS = 397;
/** A certificate that ends sooner is replaced. */
const LEAST_DAYS = 30;

const DNS_NAMES = ['localhost'];
const ADDRESSES = ['127.0.0.1', '::1'];

/**
 * A certificate for this machine's names and addresses of loopback, and for other `names`, by a certificate authority (CA) of this
 * machine. Both are made once; what is about to expire is replaced.
 * @throws UserError if they cannot be read or made
 */
export const localCertificates = async (
  directory: string,
  now: number = Date.now(),
  names: readonly string[] = [],
): Promise<CertificateFiles> => {
  await makeDirectory(WHAT, directory, SETTING);
  const files = {
    ca: join(directory, 'ca.pem'),
    certificate: join(directory, 'server.pem'),
    key: join(directory, 'server-key.pem'),
  };
  const caKeyFile = join(directory, 'ca-key.pem');
  let authority = await readPair(files.ca, caKeyFile);
  if (authority === null || !isLasting(authority.certificate, now)) {
    authority = await makeAuthority(now);
    await writePair(authority, files.ca, caKeyFile);
  }
  const server = await readPair(files.certificate, files.key);
  const isGood =
    server !== null &&
    isLasting(server.certificate, now) &&
    names.every((name) => server.certificate.checkHost(name) !== undefined) &&
    server.certificate.checkIssued(authority.certificate) &&
    server.certificate.verify(authority.certificate.publicKey);
  if (!isGood)
    await writePair(await makeServer(authority, names, now), files.certificate, files.key);
  return files;
};

interface Pair {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** Null if one of the two is missing. They must belong together. */
const readPair = async (certificateFile: string, keyFile: string): Promise<Pair | null> => {
  try {
    const [certificate, key] = await Promise.all([
      readFile(certificateFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    const pair = { certificate: new X509Certificate(certificate), key: createPrivateKey(key) };
    return pair.certificate.checkPrivateKey(pair.key) ? pair : null;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new UserError(
      `${WHAT} ${certificateFile} and ${keyFile} cannot be read (${messageOf(cause)}): correct their permissions, or remove them, and new ones are made`,
      { cause },
    );
  }
};

const isLasting = ({ validTo }: X509Certificate, now: number): boolean =>
  // eslint-disable-next-line no-restricted-properties -- OpenSSL's text, such as "Jan  2 03:04:05 2030 GMT"
  Date.parse(validTo) > now + LEAST_DAYS * DAY_MILLIS;

/** The key first: a certificate without its key would be no use. */
const writePair = async (
  { certificate, key }: Pair,
  certificateFile: string,
  keyFile: string,
): Promise<void> => {
  await replaceFile(keyFile, key.export({ type: 'pkcs8', format: 'pem' }).toString(), OWNER_ONLY);
  await replaceFile(certificateFile, certificate.toString(), ANYBODY_READS);
};

/** Loaded when it is needed, which is rare: it takes longer than all the rest of the start. */
const x509 = async () => {
  await import('reflect-metadata'); // the library needs it
  return import('@peculiar/x509');
};

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const signingKey = (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    key.export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  );

/** A positive number of 127 bits, as text in hexadecimal digits. */
const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
};

/** An hour in the past, for clocks that are behind. */
const validity = (days: number, now: number) => ({
  // eslint-disable-next-line no-restricted-syntax -- the library takes no instant
  notBefore: new Date(now - HOUR_MILLIS),
  // eslint-disable-next-line no-restricted-syntax
  notAfter: new Date(now + days * DAY_MILLIS),
});

const makeAuthority = async (now: number): Promise<Pair> => {
  const { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags } =
    await x509();
  const keys = await newKeys();
  const made = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=usage-pipeline local CA',
    ...validity(CA_DAYS, now),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return pairOf(made.toString('pem'), keys);
};

const makeServer = async (
  authority: Pair,
  names: readonly string[],
  now: number,
): Promise<Pair> => {
  const lib = await x509();
  const keys = await newKeys();
  const issuer = new lib.X509Certificate(authority.certificate.raw);
  const made = await lib.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=localhost',
    issuer: issuer.subject,
    ...validity(SERVER_DAYS, now),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    extensions: [
      new lib.BasicConstraintsExtension(false, undefined, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
      new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage.serverAuth]),
      new lib.SubjectAlternativeNameExtension([
        ...[...DNS_NAMES, ...names].map((value) => ({ type: 'dns' as const, value })),
        ...ADDRESSES.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await lib.AuthorityKeyIdentifierExtension.create(issuer),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(made.toString('pem'), keys);
};

const pairOf = (pem: string, { privateKey }: webcrypto.CryptoKeyPair): Pair => ({
  certificate: new X509Certificate(pem),
  key: KeyObject.from(privateKey),
});
