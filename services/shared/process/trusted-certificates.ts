import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, UserError } from './errors.ts';

/**
 * The certificates of a file in PEM.
 * @param setting the setting that names the file, for messages
 * @throws UserError if the file cannot be read or has no certificate
 */
export const readCertificates = (path: string, setting: string): Buffer => {
  try {
    const pem = readFileSync(path);
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it has no certificate');
    createSecureContext({ ca: pem });
    return pem;
  } catch (cause) {
    throw new UserError(
      `The certificates in ${path} cannot be used (${messageOf(cause)}): set ${setting} to a file of certificates in PEM`,
      { cause },
    );
  }
};

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/**
 * What to do about a certificate that was not accepted; null if the code says something else.
 * @param code of the error that Node gave
 * @param setting the setting that names trusted certificates
 */
export const certificateAdvice = (code: string, setting: string): string | null => {
  if (UNKNOWN_AUTHORITY.has(code)) {
    return `its certificate is of an authority that is not trusted here: set ${setting} to the file of that authority's certificate`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'its certificate is for other host names: use one of them, or give it a certificate for this one';
  }
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired: renew it';
  if (code === 'CERT_NOT_YET_VALID') {
    return 'its certificate is not valid yet: check the clocks of both machines';
  }
  return null;
};

/** The codes of an error and of what caused it, the outermost first. */
export const codesOf = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return [];
  const { code } = error as NodeJS.ErrnoException;
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(error.cause)];
};
