import type { FastifyInstance, FastifyReply } from 'fastify';
import { withoutParameters } from '../../../shared/http/guarded-server.ts';
import { isoText, type Millis } from '../../../shared/model/time.ts';
import type { FaultDesk } from '../faults/perform-fault.ts';
import type { AccessTokens } from './access-tokens.ts';
import { checkTokenRequest, type Client, type TokenRefusal } from './token-request.ts';

export interface TokenPorts {
  readonly client: Client;
  readonly tokens: AccessTokens;
  readonly now: () => Millis;
  readonly newId: () => string;
  readonly faults: FaultDesk;
}

export const TOKEN_PATH = /^\/[^/]+\/oauth2\/token$/;

/** The token endpoint of Azure AD, version 1, for the grant `client_credentials`. */
export const tokenRoutes = (app: FastifyInstance, ports: TokenPorts): void => {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  );
  app.post<{ Params: { tenant: string } }>(
    '/:tenant/oauth2/token',
    withoutParameters,
    ports.faults.answered('token', async ({ params, body }) => {
      const { tenant } = params as { readonly tenant: string };
      const form = body instanceof URLSearchParams ? body : new URLSearchParams();
      const checked = checkTokenRequest(ports.client, tenant, form);
      if (!checked.ok)
        return { status: checked.error.status, body: errorBody(checked.error, ports) };
      const { resource } = checked.value;
      const token = await ports.tokens.issue(ports.client, resource, ports.now());
      const seconds = String(token.expiresOn - token.notBefore);
      return {
        status: 200,
        body: {
          token_type: 'Bearer',
          expires_in: seconds,
          ext_expires_in: seconds,
          expires_on: String(token.expiresOn),
          not_before: String(token.notBefore),
          resource,
          access_token: token.text,
        },
      };
    }),
  );
  app.addHook('onSend', (_request, reply: FastifyReply, _payload, done) => {
    void reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
    done();
  });
};

const errorBody = (
  { error, number, message }: TokenRefusal,
  { now, newId }: TokenPorts,
): Readonly<Record<string, unknown>> => {
  const [trace, correlation] = [newId(), newId()];
  const timestamp = isoText(now())
    .replace('T', ' ')
    .replace(/(\.\d+)?Z$/, 'Z');
  return {
    error,
    error_description: `AADSTS${String(number)}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
  };
};
