import { CommerceServer, event, NOW, TOKEN } from '../../../test/support/commerce-server.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { FaultQueue } from './faults/fault-queue.ts';

/**
 * The answers of the real service, from test data of `microsoft/metered-billing-accelerator`: which fields
 * they have, and their words. Values of ours stand where the service makes them up.
 */
const queue = new FaultQueue();
let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start({ faultQueue: queue });
});

afterEach(() => server.stop());

const ID = 'fdc778a6-1281-40e4-cade-4a5fc11f5440';
const byId = { ...event, resourceUri: undefined, resourceId: ID };
const time = expect.stringMatching(/^2026-03-10T12:34:56\.\d{7}Z$/) as string;

const refusal = (target: string, message: string) => ({
  code: 'BadArgument',
  message: 'One or more errors have occurred.',
  target: 'usageEventRequest',
  details: [{ code: 'BadArgument', target, message }],
});

const items = async (...request: readonly unknown[]): Promise<readonly unknown[]> =>
  ((await server.batch(...request)).body as { readonly result: readonly unknown[] }).result;

test('an accepted event', async () => {
  expect((await server.post('usageEvent', { ...byId, quantity: 9 })).body).toEqual({
    resourceId: ID,
    effectiveStartTime: event.effectiveStartTime,
    planId: 'plan1',
    dimension: event.dimension,
    quantity: 9,
    status: 'Accepted',
    usageEventId: 'id-1',
    messageTime: time,
  });
});

test('an event of a managed application is answered under both of its names', async () => {
  const [item] = await items(event);
  expect(item).toMatchObject({ resourceUri: event.resourceUri });
  const { resourceId } = item as { readonly resourceId: string };
  expect(resourceId).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  const [again] = await items({ ...event, resourceUri: event.resourceUri.toUpperCase() });
  expect(again).toMatchObject({ error: { additionalInfo: { acceptedMessage: { resourceId } } } });
});

test('a duplicate, in a batch and alone', async () => {
  await items({ ...byId, quantity: 5 });
  const accepted = {
    resourceId: ID,
    effectiveStartTime: event.effectiveStartTime,
    planId: 'plan1',
    dimension: event.dimension,
    quantity: 5,
    status: 'Duplicate',
    messageTime: time,
    usageEventId: 'id-1',
  };
  const conflict = {
    code: 'Conflict',
    message: 'This usage event already exist.',
    additionalInfo: { acceptedMessage: accepted },
  };
  expect(await items({ ...byId, quantity: 9 })).toEqual([
    {
      resourceId: ID,
      effectiveStartTime: event.effectiveStartTime,
      planId: 'plan1',
      dimension: event.dimension,
      quantity: 9,
      status: 'Duplicate',
      messageTime: time,
      error: conflict,
    },
  ]);
  const alone = await server.post('usageEvent', byId);
  expect([alone.status, alone.body]).toEqual([409, conflict]);
});

test('a time without Z comes back as it was written, and means UTC', async () => {
  const [item] = await items({ ...event, effectiveStartTime: '2026-03-10T12:00:00' });
  expect(item).toMatchObject({ status: 'Accepted', effectiveStartTime: '2026-03-10T12:00:00' });
  const [again] = await items({ ...event, effectiveStartTime: '2026-03-10T12:00:00Z' });
  expect(again).toMatchObject({ status: 'Duplicate' });
});

test('usage that is too old or in the future, in the words of the service', async () => {
  const expired = refusal(
    'effectiveStartTime',
    'The effective time provided is has expired or is in future.',
  );
  const at = (instant: number) => ({ ...event, effectiveStartTime: isoText(millis(instant)) });
  const [old, future] = await items(at(NOW - 86_400_001), at(NOW + 1));
  expect(old).toMatchObject({ status: 'Expired', messageTime: time, error: expired });
  expect(future).toMatchObject({ status: 'Expired', error: expired });
});

test('a dimension that does not exist, in the words of the service', async () => {
  expect(await items({ ...event, dimension: 'not-exist' })).toMatchObject([
    {
      status: 'InvalidDimension',
      error: refusal('dimension', 'The payload dimension is invalid.'),
    },
  ]);
});

test('a resource that is not found, in the words of the service', async () => {
  queue.add({ kind: 'refuse', status: 'ResourceNotFound', items: [0], count: 1, on: 'metering' });
  expect(await items(event, { ...event, dimension: event.dimension.toUpperCase() })).toMatchObject([
    {
      status: 'ResourceNotFound',
      error: refusal(
        'resourceId',
        'The resourceId value provided cannot be found or this resource is not active.',
      ),
    },
    { status: 'Accepted' },
  ]);
});

test('every answer tells the time of the service, which may be wrong', async () => {
  expect((await server.batch(event)).headers['date']).toBe('Tue, 10 Mar 2026 12:34:56 GMT');
  queue.add({ kind: 'skew', offsetMillis: -3_600_000 * 2, count: 1, on: 'metering' });
  const skewed = await server.batch({ ...event, effectiveStartTime: '2026-03-10T12:00:00Z' });
  expect(skewed.headers['date']).toBe('Tue, 10 Mar 2026 10:34:56 GMT');
  expect(skewed.body).toMatchObject({ result: [{ status: 'Expired' }] });
});

test('the clock that a test sets decides what is expired, and goes on from a restart', async () => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const set = (payload: unknown) =>
    server.ask({ method: 'PUT', url: '/clock', headers, payload: JSON.stringify(payload) });
  expect(await set({ now: '2026-03-11T13:00:00Z' })).toMatchObject({
    status: 200,
    body: { now: '2026-03-11T13:00:00Z', offsetMillis: 87_904_000 },
  });
  expect(await items(event)).toMatchObject([{ status: 'Expired' }]);
  expect((await set({ now: 'soon' })).status).toBe(400);
  expect((await set({ offsetMillis: 1e15 })).status).toBe(400);
  expect((await server.ask({ method: 'DELETE', url: '/clock' })).status).toBe(204);
  expect((await server.get('/clock')).body).toEqual({ now: isoText(NOW), offsetMillis: 0 });
  expect(await items(event)).toMatchObject([{ status: 'Accepted' }]);
});
