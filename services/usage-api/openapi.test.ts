import { ERROR_CODES } from './api-error.ts';
import { openApiDocument } from './openapi.ts';
import { PARAMETERS } from './usage-query.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly $ref?: string; readonly name?: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, { readonly name: string }>>;
    readonly schemas: Readonly<Record<string, unknown>>;
  };
}

const DOCUMENT = openApiDocument('http://127.0.0.1:8080') as unknown as Document;

const operations = Object.entries(DOCUMENT.paths).map(([path, { get }]) => ({ path, ...get }));

test('each operation has a name of its own', () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
});

test('each reference leads somewhere', () => {
  const references = JSON.stringify(DOCUMENT).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g);
  const { components } = DOCUMENT;
  const places: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { ...components };
  let count = 0;
  for (const [, kind = '', name = ''] of references) {
    count++;
    expect(places[kind]?.[name]).toBeDefined();
  }
  expect(count).toBeGreaterThan(20);
});

test('each API has the parameters that it reads, and each parameter is described', () => {
  const named = (path: RegExp): readonly string[] =>
    operations
      .find((operation) => path.test(operation.path))
      ?.parameters?.flatMap(({ $ref }) => $ref?.split('/').at(-1) ?? []) ?? [];
  expect(named(/Admin\/subscriberUsageAggregates$/)).toEqual(PARAMETERS.provider);
  expect(named(/Commerce\/usageAggregates$/)).toEqual(PARAMETERS.tenant);
  expect(Object.keys(DOCUMENT.components.parameters).sort()).toEqual(
    [...new Set(Object.values(PARAMETERS).flat())].sort(),
  );
});

test('each error code stands with its statuses', () => {
  const usage = operations.filter(({ path }) => path.includes('sageAggregates'));
  expect(usage).toHaveLength(4);
  for (const { responses } of usage) {
    for (const [code, statuses] of Object.entries(ERROR_CODES)) {
      for (const status of statuses) {
        expect(responses[String(status)]?.description).toContain(code);
      }
    }
  }
});
