import { readFile } from 'node:fs/promises';
import type { CommerceConfig } from '../process/config.ts';
import { UserError } from '../process/errors.ts';
import { ClientCredentialTokens } from './client-credentials.ts';
import { staticToken, type TokenSource } from './token-source.ts';

const REQUEST_MILLIS = 30_000;
const AUTHORITY = 'https://login.microsoftonline.com';

/**
 * The tokens that the settings describe: by client credentials if a client is named, else the static one, or none.
 * @throws UserError if the settings of a client are not complete
 */
export const commerceTokens = (
  config: CommerceConfig,
  requestMillis = REQUEST_MILLIS,
  now: () => number = Date.now,
): TokenSource => {
  const { COMMERCE_CLIENT_ID: clientId } = config;
  if (clientId === undefined) return staticToken(config.COMMERCE_TOKEN ?? null);
  return new ClientCredentialTokens(
    {
      clientId,
      tokenUrl: tokenUrlOf(config),
      secret: secretOf(config),
      resource: config.COMMERCE_RESOURCE,
    },
    { requestMillis, now },
  );
};

const missing = (what: string): UserError =>
  new UserError(`The settings cannot be used. COMMERCE_CLIENT_ID is set, so ${what} must be too`);

const tokenUrlOf = ({ COMMERCE_TOKEN_URL: url, COMMERCE_TENANT_ID: tenant }: CommerceConfig) => {
  if (url !== undefined) return url;
  if (tenant === undefined) throw missing('COMMERCE_TENANT_ID or COMMERCE_TOKEN_URL');
  return `${AUTHORITY}/${encodeURIComponent(tenant)}/oauth2/token`;
};

const secretOf = ({
  COMMERCE_CLIENT_SECRET: secret,
  COMMERCE_CLIENT_SECRET_FILE: path,
}: CommerceConfig): (() => Promise<string>) => {
  if (secret !== undefined) return () => Promise.resolve(secret);
  if (path === undefined) throw missing('COMMERCE_CLIENT_SECRET or COMMERCE_CLIENT_SECRET_FILE');
  return async () => {
    const text = (await readFile(path, 'utf8')).trim();
    if (text === '') throw new Error(`${path} is empty`);
    return text;
  };
};
