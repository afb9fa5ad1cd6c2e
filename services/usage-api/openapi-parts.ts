import { ERROR_CODES, type ErrorCode } from './api-error.ts';

/** A part of the OpenAPI document. */
export type Part = Readonly<Record<string, unknown>>;

export const ref = (kind: 'parameters' | 'schemas', name: string): Part => ({
  $ref: `#/components/${kind}/${name}`,
});

export const header = (description: string, schema: Part = { type: 'string' }): Part => ({
  description,
  schema,
});

/** A header that every answer of its kind has. */
export const sureHeader = (description: string, schema?: Part): Part => ({
  ...header(description, schema),
  required: true,
});

export const REQUEST_ID_HEADERS: Part = {
  'x-ms-request-id': sureHeader('The id of this request.', { type: 'string', format: 'uuid' }),
  'x-ms-correlation-request-id': sureHeader('The id that the caller sent, or the same.'),
  'x-ms-routing-request-id': sureHeader('Where and when the request came in.'),
};

const WHOLE_NUMBER: Part = { type: 'string', pattern: '^\\d+$' };

export const RETRY_AFTER: Part = {
  'retry-after': sureHeader('Seconds to wait.', WHOLE_NUMBER),
};

/** The error codes of a status. */
export const codesOf = (status: number): readonly ErrorCode[] =>
  (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) =>
    (ERROR_CODES[code] as readonly number[]).includes(status),
  );

/** An answer in Azure's envelope, with one of these codes. */
export const errorResponse = (codes: readonly ErrorCode[], headers: Part = {}): Part => ({
  description: codes.join(', '),
  headers: { ...REQUEST_ID_HEADERS, ...headers },
  content: {
    'application/json': {
      schema: {
        allOf: [
          ref('schemas', 'Error'),
          { properties: { error: { properties: { code: { enum: codes } } } } },
        ],
      },
    },
  },
});

const object = (properties: Part, required = Object.keys(properties)): Part => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const TEXT: Part = { type: 'string' };
const TIME: Part = { type: 'string', format: 'date-time' };

export const SCHEMAS: Part = {
  UsageAggregatePage: object(
    {
      value: { type: 'array', maxItems: 1000, items: ref('schemas', 'UsageAggregate') },
      nextLink: {
        type: 'string',
        format: 'uri',
        description: 'The next page; absent on the last one.',
      },
    },
    ['value'],
  ),
  UsageAggregate: object({
    id: TEXT,
    name: { type: 'string', description: '{subscriptionId}-{meterId}; not unique.' },
    type: { const: 'Microsoft.Commerce/UsageAggregate' },
    properties: object({
      subscriptionId: TEXT,
      usageStartTime: TIME,
      usageEndTime: TIME,
      instanceData: {
        type: 'string',
        description:
          'JSON as text: {"Microsoft.Resources": {resourceUri, location, tags, additionalInfo}}.',
      },
      quantity: { type: 'number', description: 'The double nearest to the exact sum.' },
      meterId: TEXT,
      name: TEXT,
    }),
  }),
  Error: object({ error: object({ code: TEXT, message: TEXT }) }),
};
