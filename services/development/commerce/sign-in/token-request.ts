import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import { isSameSecret } from '../secret.ts';

/** The application that may sign in. */
export interface Client {
  readonly tenantId: string;
  readonly clientId: string;
  readonly secret: string;
}

/** The metering service, and Azure Resource Manager: the resources that tokens are for. */
const METERING_RESOURCE = '20e940b3-4c77-4b0b-9a53-9e16a1b010a7';
const RESOURCES = [
  METERING_RESOURCE,
  'https://management.azure.com/',
  'https://management.core.windows.net/',
];

export interface TokenRefusal {
  readonly status: 400 | 401;
  readonly error: string;
  /** The number of Azure AD's error, as in `AADSTS7000215`. */
  readonly number: number;
  readonly message: string;
}

export interface TokenRequest {
  readonly resource: string;
}

const refuse = (
  status: 400 | 401,
  error: string,
  number: number,
  message: string,
): Result<TokenRequest, TokenRefusal> => fail({ status, error, number, message });

/**
 * Checks a request for a token as Azure AD's v1 endpoint does.
 *
 * | what is wrong                    | answer                              |
 * |----------------------------------|-------------------------------------|
 * | the tenant                       | 400 `invalid_request` 90002         |
 * | a field is missing               | 400 `invalid_request` 900144        |
 * | another grant than a client's    | 400 `unsupported_grant_type` 70003  |
 * | the client                       | 400 `unauthorized_client` 700016    |
 * | its secret                       | 401 `invalid_client` 7000215        |
 * | the resource                     | 400 `invalid_resource` 500011       |
 */
export const checkTokenRequest = (
  client: Client,
  tenant: string,
  form: URLSearchParams,
): Result<TokenRequest, TokenRefusal> => {
  if (tenant.toLowerCase() !== client.tenantId.toLowerCase()) {
    return refuse(400, 'invalid_request', 90002, `Tenant '${tenant.slice(0, 100)}' not found.`);
  }
  const missing = ['grant_type', 'client_id', 'client_secret', 'resource'].find(
    (name) => (form.get(name) ?? '') === '',
  );
  if (missing !== undefined) {
    const message = `The request body must contain the following parameter: '${missing}'.`;
    return refuse(400, 'invalid_request', 900144, message);
  }
  if (form.get('grant_type') !== 'client_credentials') {
    const message = 'Only the grant type client_credentials is supported here.';
    return refuse(400, 'unsupported_grant_type', 70003, message);
  }
  if (form.get('client_id')?.toLowerCase() !== client.clientId.toLowerCase()) {
    const message = 'The application of this client_id was not found in the directory.';
    return refuse(400, 'unauthorized_client', 700016, message);
  }
  if (!isSameSecret(client.secret, form.get('client_secret') ?? '')) {
    return refuse(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
  }
  const resource = form.get('resource') ?? '';
  return RESOURCES.includes(resource)
    ? succeed({ resource })
    : refuse(400, 'invalid_resource', 500011, 'The resource principal was not found.');
};
