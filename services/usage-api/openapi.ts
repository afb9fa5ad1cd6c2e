import type { UsageApi } from './caller.ts';
import { errorResponse, codesOf, ref, RETRY_AFTER, SCHEMAS, type Part } from './openapi-parts.ts';
import { USAGE_PARAMETERS, usageResponses } from './openapi-usage.ts';
import { locationsPath, usagePath } from './usage-path.ts';
import { API_VERSION, PARAMETERS } from './usage-query.ts';

const SUBSCRIPTION: Part = {
  name: 'subscriptionId',
  in: 'path',
  required: true,
  description: 'The subscription that calls.',
  schema: { type: 'string', format: 'uuid' },
};

const ABOUT: Readonly<Record<UsageApi, { readonly name: string; readonly summary: string }>> = {
  provider: {
    name: 'SubscriberUsageAggregates',
    summary: 'The usage of the direct tenants of a provider subscription',
  },
  tenant: { name: 'UsageAggregates', summary: 'The usage of one subscription' },
};

const usageOperation = (api: UsageApi, suffix = ''): Part => ({
  get: {
    operationId: `${ABOUT[api].name}_List${suffix}`,
    summary: ABOUT[api].summary,
    description:
      'By reported time, added up by usage hour or day. The same usage hour can come back in a later reported hour: add, never overwrite.',
    parameters: [SUBSCRIPTION, ...PARAMETERS[api].map((name) => ref('parameters', name))],
    responses: usageResponses(),
    security: [{ bearer: [] }],
  },
});

const plainOperation = (operationId: string, summary: string, more: Part = {}): Part => ({
  get: {
    operationId,
    summary,
    responses: {
      200: {
        description: 'An object.',
        content: { 'application/json': { schema: { type: 'object' } } },
      },
      400: errorResponse(['BadRequest']),
      ...more,
    },
    security: [{}],
  },
});

/**
 * The OpenAPI document of this service. Paths, parameters and error codes come from the code that handles
 * them.
 * @param origin the beginning of its URLs
 */
export const openApiDocument = (origin: string): Part => ({
  openapi: '3.1.0',
  info: {
    title: 'Usage API',
    version: API_VERSION,
    description: 'The usage APIs of Azure Stack Hub, for operators and for tenants.',
    license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: origin }],
  paths: {
    ...Object.fromEntries(
      (['provider', 'tenant'] as const).flatMap((api) => [
        [usagePath(api, '{subscriptionId}'), usageOperation(api)],
        [locationsPath(api, '{subscriptionId}'), usageOperation(api, 'WithLocations')],
      ]),
    ),
    '/': plainOperation('Introduction', 'What this service is, and a call to try'),
    '/openapi.json': plainOperation('OpenApi', 'This document'),
    '/health/live': plainOperation('Live', 'Whether the service runs'),
    '/health/ready': plainOperation('Ready', 'Whether the service can read usage', {
      503: errorResponse(codesOf(503), RETRY_AFTER),
    }),
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    parameters: USAGE_PARAMETERS,
    schemas: SCHEMAS,
  },
});
