import { fail, succeed } from '../../shared/model/result.ts';
import type { Listening } from '../../shared/http/listen.ts';
import type { SignIn } from '../../shared/sign-in/sign-in-settings.ts';
import type { ChangeAnswer, ShownResource } from '../simulated-cloud/resource-requests.ts';
import { openDoor, type DoorPart } from './door.ts';

const OPERATOR = '39C82AED-b2b7-4a66-abdb-611de00bf11e';
const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

const SHOWN: ShownResource = {
  resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-1`,
  subscriptionId: SUBSCRIPTION,
  provider: 'compute',
  kind: 'vm',
  location: 'local',
  state: 'running',
  size: 'Standard_F2s',
  os: 'linux',
};
const ANSWER: ChangeAnswer = {
  value: [SHOWN],
  from: 9_000,
  reportedAt: 18_000,
  hourEnds: 3_600_000,
};

const asked: unknown[] = [];
const failures: unknown[] = [];
let problems: readonly string[] = [];

const part = (name: string): DoorPart => ({
  name,
  health: () => ({ problems, details: { reported: 3 } }),
  list: (subscription) => {
    asked.push({ list: subscription });
    return [SHOWN];
  },
  create: (request, by) => {
    asked.push({ create: request, by });
    return Promise.resolve(succeed(ANSWER));
  },
  change: (request, by) => {
    asked.push({ change: request, by });
    if (request.resource === 'defect') return Promise.reject(new Error('a secret of the inside'));
    return Promise.resolve(fail({ code: 'not-found', message: 'there is none' }));
  },
});

/** A token is the name of a role on the operator's subscription. */
const signIn: SignIn = (authorization) => {
  if (authorization === null) return Promise.resolve(fail({ kind: 'missing' }));
  const role = authorization.replace('Bearer ', '');
  const own = new Set([OPERATOR.toLowerCase()]);
  return Promise.resolve(
    succeed({
      name: 'olga',
      objectId: 'o',
      roles: role === 'Stranger' ? new Set<string>() : own,
      changes: role === 'Owner' ? own : new Set<string>(),
    }),
  );
};

let door: Listening;

beforeAll(async () => {
  door = await openDoor(0, {
    parts: [part('compute'), part('storage')],
    signIn,
    operator: OPERATOR,
    allowedHosts: [],
    onFailure: (error) => failures.push(error),
  });
});

afterAll(() => door.close());

beforeEach(() => {
  asked.length = 0;
  problems = [];
});

const ask = async (path: string, role: string | null, body?: object) => {
  const answer = await fetch(`${door.url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      ...(role && { authorization: `Bearer ${role}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
};

test('a Reader sees the resources of a subscription, and may change nothing', async () => {
  expect(
    await ask(`/compute/resources?subscription=${SUBSCRIPTION.toUpperCase()}`, 'Reader'),
  ).toEqual({
    status: 200,
    body: { value: [SHOWN] },
  });
  expect(asked).toEqual([{ list: SUBSCRIPTION }]);
  const change = { resource: 'vm-1', change: 'stop' };
  expect(await ask('/compute/resources/change', 'Reader', change)).toMatchObject({
    status: 403,
    body: { error: { message: expect.stringContaining('Owner or Contributor') as string } },
  });
  expect(asked).toHaveLength(1);
});

test.each([
  [null, 401, 'No token was sent: send one of "usagectl token --role Contributor".'],
  ['Stranger', 403, `'olga' has no role in the operator's subscription ${OPERATOR}.`],
])('%s sees nothing', async (role, status, message) => {
  expect(await ask('/compute/resources', role)).toMatchObject({
    status,
    body: { error: { message } },
  });
  expect(asked).toEqual([]);
});

test('an Owner creates, and it is known who asked for it', async () => {
  const request = { kind: 'vm', subscriptionId: SUBSCRIPTION, resourceGroup: 'g', os: 'windows' };
  expect(await ask('/storage/resources', 'Owner', request)).toEqual({ status: 200, body: ANSWER });
  expect(asked).toEqual([{ create: request, by: 'olga' }]);
});

test('every problem of a request is named', async () => {
  const request = { kind: 'boat', subscriptionId: 'x', resourceGroup: '/', colour: 'red' };
  const { status, body } = await ask('/compute/resources', 'Owner', request);
  expect(status).toBe(400);
  const { message } = (body as { error: { message: string } }).error;
  for (const text of [
    'kind:',
    'subscriptionId: must be a GUID',
    'resourceGroup: must have',
    'colour',
  ]) {
    expect(message).toContain(text);
  }
});

test('a refusal has its status, and a defect tells nothing of the inside', async () => {
  const change = { resource: 'vm-7', change: 'stop' };
  expect(await ask('/compute/resources/change', 'Owner', change)).toEqual({
    status: 404,
    body: { error: { code: 'not-found', message: 'there is none' } },
  });
  const defect = { resource: 'defect', change: 'stop' };
  expect(await ask('/compute/resources/change', 'Owner', defect)).toEqual({
    status: 500,
    body: { error: { code: 'failed', message: 'An error has occurred.' } },
  });
  expect(failures).toEqual([new Error('a secret of the inside')]);
});

test('a page of another site cannot change the cloud', async () => {
  const answer = await fetch(`${door.url}/compute/resources`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer Owner',
      'content-type': 'application/json',
      origin: 'http://elsewhere.example',
    },
    body: '{}',
  });
  expect(answer.status).toBe(403);
  expect(asked).toEqual([]);
});

test('each provider has a health of its own, and the process has that of all', async () => {
  expect(await ask('/compute/health/ready', null)).toEqual({
    status: 200,
    body: { status: 'ready', problems: [], reported: 3 },
  });
  problems = ['no report got through for 31 s: its log says why'];
  expect((await ask('/storage/health/ready', null)).status).toBe(503);
  expect(await ask('/health/ready', null)).toMatchObject({
    status: 503,
    body: { problems: [`compute: ${problems[0] ?? ''}`, `storage: ${problems[0] ?? ''}`] },
  });
  expect((await ask('/health/live', null)).status).toBe(200);
});
