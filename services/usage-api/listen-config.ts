import { z } from 'zod';
import { isLoopback } from '../shared/http/host-name.ts';
import { readTls, type Tls } from '../shared/http/tls.ts';

const path = z
  .string()
  .optional()
  .transform((text) => text ?? null);

/** The server's certificate and its key, as paths of PEM files; plain HTTP without them. */
export const tlsSettings = {
  USAGE_API_TLS_CERT: path,
  USAGE_API_TLS_KEY: path,
};

export interface ListenConfig {
  /** Beyond loopback, sign-in and TLS are needed. */
  readonly USAGE_API_HOST: string;
  readonly USAGE_API_SIGN_IN: boolean;
  readonly USAGE_API_TLS_CERT: string | null;
  readonly USAGE_API_TLS_KEY: string | null;
}

/**
 * The certificate that the settings name; null for plain HTTP.
 * @throws UserError if it cannot be used
 */
export const readTlsOf = (config: ListenConfig): Tls | null => {
  const { USAGE_API_TLS_CERT: certificate, USAGE_API_TLS_KEY: key } = config;
  return certificate === null || key === null ? null : readTls(certificate, key, 'USAGE_API_TLS');
};

/**
 * Why the API may not listen as the settings say; null if it may. Without sign-in whoever reaches it reads
 * all usage, and a token that travels over plain HTTP can be read and used by others.
 */
export const listenProblem = (config: ListenConfig): string | null => {
  const { USAGE_API_HOST: host, USAGE_API_TLS_CERT: certificate, USAGE_API_TLS_KEY: key } = config;
  if ((certificate === null) !== (key === null)) {
    return 'USAGE_API_TLS_CERT and USAGE_API_TLS_KEY: set both, or neither for plain HTTP';
  }
  if (isLoopback(host.toLowerCase())) return null;
  if (!config.USAGE_API_SIGN_IN) {
    return 'USAGE_API_HOST: must be 127.0.0.1, ::1 or localhost, because USAGE_API_SIGN_IN is off';
  }
  return certificate === null
    ? 'USAGE_API_HOST: must be 127.0.0.1, ::1 or localhost, because tokens must not travel over plain HTTP: set USAGE_API_TLS_CERT and USAGE_API_TLS_KEY'
    : null;
};
