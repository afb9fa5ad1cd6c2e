import { join } from 'node:path';
import type { Environment } from '../../shared/process/config.ts';
import { providerSettings, parseEnvironment } from '../../shared/process/config.ts';
import { UserError } from '../../shared/process/errors.ts';
import {
  ensureLocalKey,
  LOCAL_AUDIENCE,
  LOCAL_ISSUER,
  localToken,
  signInDirectory,
} from '../../shared/sign-in/local-sign-in.ts';
import { localCertificates } from './certificates.ts';

/** The token in `stack.env` is made again with each start. */
const TOKEN_SECONDS = 30 * 86_400;

/**
 * How callers reach the usage API of the local stack: the certificate, the CA that they must trust, and a
 * token for `usagectl`. What the environment says already is taken from there.
 * @param names by which it is called besides those of loopback
 * @throws UserError if keys or certificates cannot be read or made
 */
export const usageApiAccess = async (
  local: string,
  environment: Environment,
  names: readonly string[] = [],
): Promise<Readonly<Record<string, string>>> => {
  await ensureLocalKey(signInDirectory(local));
  return {
    ...(await certificateOf(local, environment, names)),
    ...(await tokenOf(local, environment)),
  };
};

const certificateOf = async (
  local: string,
  environment: Environment,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> => {
  const isOn = environment['USAGE_API_TLS']?.trim() || 'on';
  if (isOn !== 'on' && isOn !== 'off') {
    throw new UserError('The settings cannot be used. USAGE_API_TLS: must be on or off');
  }
  if (isOn === 'off') return {};
  const own = environment['USAGE_API_TLS_CERT'];
  if (own) {
    const authority = environment['USAGE_API_CA_FILE'];
    return { USAGE_API_TLS_CERT: own, ...(authority && { USAGE_API_CA_FILE: authority }) };
  }
  const { ca, certificate, key } = await localCertificates(join(local, 'tls'), Date.now(), names);
  return { USAGE_API_TLS_CERT: certificate, USAGE_API_TLS_KEY: key, USAGE_API_CA_FILE: ca };
};

/** Only this machine's key can be used here; tokens of another issuer come from there. */
const tokenOf = async (
  local: string,
  environment: Environment,
): Promise<Readonly<Record<string, string>>> => {
  const isLocal = (environment['USAGE_API_ISSUER']?.trim() || LOCAL_ISSUER) === LOCAL_ISSUER;
  if (!isLocal || environment['USAGE_API_JWKS']) return {};
  const { PROVIDER_SUBSCRIPTION_ID } = parseEnvironment(providerSettings, environment);
  const token = await localToken(signInDirectory(local), {
    subscriptions: [PROVIDER_SUBSCRIPTION_ID],
    role: 'Reader',
    lifetimeSeconds: TOKEN_SECONDS,
    audience: environment['USAGE_API_AUDIENCE']?.trim() || LOCAL_AUDIENCE,
    subject: 'usagectl',
    now: Date.now(),
  });
  return { USAGE_API_TOKEN: token };
};
