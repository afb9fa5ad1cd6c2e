import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, UserError } from '../process/errors.ts';

/** A server's certificate, with those between it and its authority, and its key; both in PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads a certificate and its key.
 * @param setting the beginning of the names of the two settings
 * @throws UserError if they cannot be read, or do not belong together
 */
export const readTls = (certificate: string, key: string, setting: string): Tls => {
  try {
    const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
    createSecureContext(tls);
    return tls;
  } catch (cause) {
    throw new UserError(
      `The certificate ${certificate} and the key ${key} cannot be used (${messageOf(cause)}): correct ${setting}_CERT and ${setting}_KEY, the paths of a certificate and its unencrypted key in PEM`,
      { cause },
    );
  }
};
