import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CommerceServer,
  event,
  SUBSCRIPTION,
  type Answered,
} from '../../../../test/support/commerce-server.ts';
import { FaultQueue } from '../faults/fault-queue.ts';
import { CustomerMap } from './customer-map.ts';
import { readAzureDirectory, type AzureDirectory } from './registrations-file.ts';
import { Store } from '../store.ts';

const REG = 'azurestack-5b2f8a6e-3c1d-4e7f-9a04-6d1c2b3e4f50';
const PAYER = '7f3c2b9a-61d4-4a8e-9b57-0c1d2e3f4a5b';
const FABRIKAM = 'c0a1e5d2-8b34-4f6a-9d70-1e2f3a4b5c6d';
const NORTHWIND = 'd1b2f6e3-9c45-4a7b-8e81-2f3a4b5c6d7e';
const ROOT = `/subscriptions/${PAYER}/resourceGroups/azurestack/providers/Microsoft.AzureStack/registrations/${REG}/customerSubscriptions`;
const VERSION = 'api-version=2017-06-01';

const queue = new FaultQueue();
let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start({ faultQueue: queue });
});

afterEach(() => server.stop());

const put = (customer: string, properties?: unknown, root = ROOT): Promise<Answered> =>
  server.ask({
    method: 'PUT',
    url: `${root}/${customer}?${VERSION}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(properties === undefined ? {} : { properties }),
  });

const remove = (customer: string): Promise<Answered> =>
  server.ask({ method: 'DELETE', url: `${ROOT}/${customer}?${VERSION}` });

const names = async (): Promise<readonly string[]> =>
  ((await server.get(`${ROOT}?${VERSION}`)).body as { value: { name: string }[] }).value.map(
    ({ name }) => name,
  );

const error = (code: string): unknown => ({
  error: { code, message: expect.any(String) as string },
});

test('a customer is added, listed, looked at and removed', async () => {
  const added = await put(FABRIKAM, { tenantId: 't1', localSubscriptionIds: [SUBSCRIPTION] });
  expect([added.status, added.text]).toEqual([201, '']);
  const resource = {
    id: `${ROOT}/${FABRIKAM}`,
    name: FABRIKAM,
    type: 'Microsoft.AzureStack\\customerSubscriptions',
    properties: { tenantId: 't1', localSubscriptionIds: [SUBSCRIPTION] },
  };
  expect((await server.get(`${ROOT}?${VERSION}`)).body).toEqual({ value: [resource] });
  expect((await server.get(`${ROOT}/${FABRIKAM}?${VERSION}`)).body).toEqual(resource);
  const lower = ROOT.replace('resourceGroups', 'RESOURCEGROUPS').replace(REG, REG.toUpperCase());
  expect((await server.get(`${lower}?${VERSION}`)).status).toBe(200);
  expect(await remove(FABRIKAM)).toMatchObject({ status: 204, text: '' });
  expect(await names()).toEqual([]);
});

test('a tenant has one subscription: a second one takes its place', async () => {
  await put(FABRIKAM, { tenantId: 'T1' });
  await put(NORTHWIND, { tenantId: 't1' });
  expect(await names()).toEqual([NORTHWIND]);
});

test('a local subscription never has two payers', async () => {
  await put(FABRIKAM, { tenantId: 't1', localSubscriptionIds: [SUBSCRIPTION, PAYER] });
  await put(NORTHWIND, { tenantId: 't2', localSubscriptionIds: [SUBSCRIPTION] });
  expect(server.customers.of(REG).map((each) => [each.subscriptionId, each.localSubscriptions])) //
    .toEqual([
      [FABRIKAM, [PAYER]],
      [NORTHWIND, [SUBSCRIPTION]],
    ]);
});

test('without a tenant in the body it is the one of the subscription', async () => {
  expect((await put(FABRIKAM)).status).toBe(201);
  expect(server.customers.of(REG)[0]?.tenantId).toBe('3d5c7a10-2f4e-4b6d-8a91-c2e4f6a8b0d1');
});

test.each([
  ['an id in upper case', FABRIKAM.toUpperCase(), 400, 'InvalidCustomerSubscriptionId'],
  ['no id', 'fabrikam', 400, 'InvalidCustomerSubscriptionId'],
  ['a cancelled one', '04e5c9b6-cf78-4dae-9bb4-5c6d7e8f9011', 400, 'InvalidCustomerSubscriptionId'],
  ['one of no partner', 'f3d4b8a5-be67-4c9d-8aa3-4b5c6d7e8f90', 400, 'InvalidCSPSubscription'],
  ['another partner’s', 'e2c3a7f4-ad56-4b8c-9f92-3a4b5c6d7e8f', 400, 'BadCustomerSubscriptionId'],
])('%s is refused', async (_name, customer, status, code) => {
  expect(await put(customer, { tenantId: 't' })).toMatchObject({ status, body: error(code) });
  expect(await names()).toEqual([]);
});

test('a customer that is not there cannot be removed or looked at', async () => {
  const missing = { status: 404, body: error('CustomerSubscriptionNotFound') };
  expect(await remove(FABRIKAM)).toMatchObject(missing);
  expect(await server.get(`${ROOT}/${FABRIKAM}?${VERSION}`)).toMatchObject(missing);
});

test.each([
  ['subscription', ROOT.replace(PAYER, FABRIKAM)],
  ['resource group', ROOT.replace('/azurestack/', '/other/')],
  ['name', ROOT.replace(REG, 'other')],
])('a registration with another %s is not found', async (_name, root) => {
  const missing = { status: 404, body: error('RegistrationNotFound') };
  expect(await put(FABRIKAM, { tenantId: 't' }, root)).toMatchObject(missing);
  expect(await server.get(`${root}?${VERSION}`)).toMatchObject(missing);
});

test.each([
  ['Capacity', { billingModel: 'Capacity' }, 409, 'CustomerSubscriptionsNotAllowed'],
  ['one without multi-tenancy', { multiTenancy: false }, 403, 'UnauthorizedCspRegistration'],
] as const)('%s has no customers', async (_name, changes, status, code) => {
  const directory: AzureDirectory = {
    ...server.directory,
    registrations: server.directory.registrations.map((each) => ({ ...each, ...changes })),
  };
  const other = await CommerceServer.start({ directory });
  const answer = await other.ask({
    method: 'PUT',
    url: `${ROOT}/${FABRIKAM}?${VERSION}`,
    headers: { 'content-type': 'application/json' },
    payload: '{"properties":{"tenantId":"t"}}',
  });
  expect(answer).toMatchObject({ status, body: error(code) });
  await other.stop();
});

test('an error upstream is a fault that a test asks for', async () => {
  queue.add({ kind: 'status', status: 502, count: 1, on: 'customers', stored: false });
  expect(await put(FABRIKAM, { tenantId: 't' })).toMatchObject({
    status: 502,
    body: error('MetadataResolverBadGatewayError'),
  });
  expect((await put(FABRIKAM, { tenantId: 't' })).status).toBe(201);
});

test.each([
  ['', 'MissingApiVersionParameter'],
  ['?api-version=1.0', 'InvalidApiVersionParameter'],
  [`?${VERSION}&top=5`, 'InvalidQueryParameter'],
])('the query "%s" is refused', async (query, code) => {
  expect(await server.get(ROOT + query)).toMatchObject({ status: 400, body: error(code) });
});

test('a token is needed', async () => {
  const headers = { authorization: '' };
  expect(await server.ask({ method: 'GET', url: `${ROOT}?${VERSION}`, headers })).toMatchObject({
    status: 401,
    body: error('AuthenticationFailed'),
  });
});

test('a long list has pages', async () => {
  const ids = Array.from(
    { length: 250 },
    (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
  );
  for (const id of ids) {
    await server.customers.put(REG, { subscriptionId: id, tenantId: id, localSubscriptions: [id] });
  }
  const found: string[] = [];
  let next: string | undefined = `${ROOT}?${VERSION}`;
  while (next !== undefined) {
    const { body }: Answered = await server.get(next);
    const page = body as { value: { name: string }[]; nextLink?: string };
    found.push(...page.value.map(({ name }) => name));
    next = page.nextLink;
  }
  expect(found).toEqual(ids);
});

describe('who pays', () => {
  const payerOf = async (sent: unknown): Promise<string | undefined> => {
    await server.batch(sent);
    let last: string | undefined;
    for await (const { billedTo } of server.events.scan({ order: 'newest first' }))
      last ??= billedTo;
    return last;
  };
  const at = (hour: string, more: object = {}): unknown => ({
    ...event,
    effectiveStartTime: `2026-03-10T${hour}:00:00Z`,
    ...more,
  });

  test('is the registration for a tenant without a customer, and the customer from then on', async () => {
    expect(await payerOf(at('08'))).toBe(PAYER);
    await put(FABRIKAM, { tenantId: 't', localSubscriptionIds: [SUBSCRIPTION.toUpperCase()] });
    expect(await payerOf(at('09'))).toBe(FABRIKAM);
    await remove(FABRIKAM);
    expect(await payerOf(at('10'))).toBe(PAYER);
  });

  test('does not change for what was accepted before', async () => {
    await payerOf(at('08'));
    await put(FABRIKAM, { tenantId: SUBSCRIPTION });
    await payerOf(at('09'));
    const billed: string[] = [];
    for await (const { billedTo } of server.events.scan({ order: 'oldest first' })) {
      billed.push(billedTo);
    }
    expect(billed).toEqual([PAYER, FABRIKAM]);
  });

  test('follows the subscription that the event names, before that in its URI', async () => {
    await put(FABRIKAM, { tenantId: NORTHWIND });
    const additionalInfo = { 'azureStack.SubscriptionId': NORTHWIND.toUpperCase() };
    expect(await payerOf(at('08', { additionalInfo }))).toBe(FABRIKAM);
  });
});

test('customers are there again after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commerce-'));
  const customer = { subscriptionId: FABRIKAM, tenantId: 't', localSubscriptions: ['a'] };
  const first = await Store.open(folder);
  await (await CustomerMap.load(first)).put(REG, customer);
  await first.close();
  const second = await Store.open(folder);
  expect((await CustomerMap.load(second)).of(REG)).toEqual([customer]);
  await second.close();
  await rm(folder, { recursive: true });
});

test('a file of registrations that cannot be used is explained', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commerce-'));
  const path = join(folder, 'registrations.json');
  const registration = server.directory.registrations[0];
  const cases = [
    ['{', /JSON/],
    ['{"registrations": [], "subscriptions": []}', /at least one registration/],
    [
      JSON.stringify({ registrations: [{ ...registration, clientId: 'c' }], subscriptions: [] }),
      /exactly one must have no clientId/,
    ],
  ] as const;
  for (const [text, message] of cases) {
    await writeFile(path, text);
    expect(() => readAzureDirectory(path)).toThrow(message);
    expect(() => readAzureDirectory(path)).toThrow(/COMMERCE_REGISTRATIONS_FILE/);
  }
  await rm(folder, { recursive: true });
});
