import type { FastifyInstance, InjectOptions } from 'fastify';
import {
  CommerceServer,
  event,
  SUBSCRIPTION,
  TOKEN,
  URI,
  VM,
  type Answered,
} from '../../../test/support/commerce-server.ts';
import { FaultQueue } from './faults/fault-queue.ts';

const ID = 'fdc778a6-1281-40e4-cade-4a5fc11f5440';

let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start();
});

afterEach(() => server.stop());

const ask = (options: InjectOptions): Promise<Answered> => server.ask(options);
const post = (path: string, body: unknown): Promise<Answered> => server.post(path, body);
const batch = (...request: readonly unknown[]): Promise<Answered> => server.batch(...request);

const API = 'api-version=2018-08-31';

const get = (query: string): Promise<Answered> =>
  ask({ method: 'GET', url: `/api/usageEvents?${API}&${query}` });

const details = (target: string): unknown =>
  expect.objectContaining({
    code: 'BadArgument',
    message: 'One or more errors have occurred.',
    details: [expect.objectContaining({ target, code: 'BadArgument' })],
  });

describe('POST usageEvent', () => {
  test('answers 200 with the event, its id and time', async () => {
    expect(await post('usageEvent', { ...event, resourceUri: undefined, resourceId: ID })) //
      .toMatchObject({
        status: 200,
        body: {
          usageEventId: 'id-1',
          status: 'Accepted',
          messageTime: '2026-03-10T12:34:56.0000000Z',
          resourceId: ID,
          quantity: 2,
          dimension: VM,
          effectiveStartTime: '2026-03-10T11:00:00Z',
          planId: 'plan1',
        },
      });
  });

  test('answers 409 with the event that stands', async () => {
    await post('usageEvent', event);
    expect(await post('usageEvent', { ...event, quantity: 9 })).toMatchObject({
      status: 409,
      body: {
        additionalInfo: {
          acceptedMessage: { usageEventId: 'id-1', status: 'Duplicate', quantity: 2 },
        },
        message: 'This usage event already exist.',
        code: 'Conflict',
      },
    });
  });

  test('answers 400 with what is wrong, its field with a capital', async () => {
    const answer = await post('usageEvent', { ...event, resourceUri: undefined });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        message: 'One or more errors have occurred.',
        target: 'usageEventRequest',
        details: [
          { message: 'The resourceId is required.', target: 'ResourceId', code: 'BadArgument' },
        ],
        code: 'BadArgument',
      },
    });
    const old = { ...event, effectiveStartTime: '2026-03-09T12:34:55Z' };
    expect(await post('usageEvent', old)).toMatchObject({
      status: 400,
      body: details('EffectiveStartTime'),
    });
  });
});

describe('POST batchUsageEvent', () => {
  test('answers 200 with a status for each event, in their order', async () => {
    await batch(event);
    const answer = await batch(
      { ...event, effectiveStartTime: '2026-03-10T10:00:00Z' },
      { ...event, quantity: 9 },
      { ...event, effectiveStartTime: '2026-03-09T12:00:00Z' },
      { ...event, effectiveStartTime: '2026-03-10T13:00:00Z' },
      { ...event, quantity: 0 },
      { ...event, dimension: 'gold' },
      { ...event, planId: null },
      'no event',
    );
    expect(answer).toMatchObject({
      status: 200,
      body: {
        count: 8,
        result: [
          { status: 'Accepted', usageEventId: 'id-2', quantity: 2, resourceUri: URI },
          {
            status: 'Duplicate',
            quantity: 9,
            error: {
              code: 'Conflict',
              message: 'This usage event already exist.',
              additionalInfo: {
                acceptedMessage: { status: 'Duplicate', quantity: 2, usageEventId: 'id-1' },
              },
            },
          },
          { status: 'Expired', error: details('effectiveStartTime') },
          { status: 'Expired', error: details('effectiveStartTime') },
          { status: 'InvalidQuantity', quantity: 0, error: details('quantity') },
          { status: 'InvalidDimension', dimension: 'gold', error: details('dimension') },
          { status: 'BadArgument', error: details('planId') },
          { status: 'BadArgument', error: details('request') },
        ],
      },
    });
  });

  test('of two equal events in one batch the first is accepted', async () => {
    const { body } = await batch(event, { ...event, quantity: 3, dimension: VM.toUpperCase() });
    expect(body).toMatchObject({ result: [{ status: 'Accepted' }, { status: 'Duplicate' }] });
  });

  test('takes 25 events, and no more, and stores nothing of a batch that is too large', async () => {
    const many = Array.from({ length: 26 }, (_, i) => ({
      ...event,
      resourceUri: `${URI}${String(i)}`,
    }));
    expect(await batch(...many)).toMatchObject({ status: 400, body: details('request') });
    expect(server.events.count()).toBe(0);
    expect(await batch(...many.slice(1))).toMatchObject({ status: 200, body: { count: 25 } });
  });

  test.each([
    ['no events', '{"request": []}'],
    ['no request', '{}'],
    ['a request that is no list', '{"request": {}}'],
    ['a list', '[]'],
    ['a number', '7'],
    ['broken JSON', '{"request": ['],
    ['nothing', ''],
    ['a field that is given twice', '{"request": [], "request": [1]}'],
    ['JSON that is nested without end', '['.repeat(100_000)],
  ])('answers 400 to %s', async (_name, body) => {
    expect(await post('batchUsageEvent', body)).toMatchObject({
      status: 400,
      body: details('request'),
    });
  });

  test('a quantity is kept as a double, and answered in its shortest text everywhere', async () => {
    const digits = '9.123456789012346';
    const text = (quantity: string): string =>
      JSON.stringify({ request: [event] }).replace('"quantity":2', `"quantity":${quantity}`);
    expect((await post('batchUsageEvent', text('9.12345678901234610000000000001'))).text).toContain(
      `"quantity":${digits},`,
    );
    expect((await post('batchUsageEvent', text('1'))).text).toContain(`"quantity":${digits},`);
    const single = JSON.stringify(event).replace('"quantity":2', '"quantity":1');
    expect((await post('usageEvent', single)).text).toContain(`"quantity":${digits},`);
    const refused = text('1.00000000000000000001').replace('plan1', '');
    expect((await post('batchUsageEvent', refused)).text).toContain('"quantity":1,');
    const { text: rows } = await get('usageStartDate=2026-03-10');
    expect(rows).toContain(`"submittedQuantity":${digits},"processedQuantity":${digits},`);
  });
});

describe('every request', () => {
  test.each(['', '?api-version=2018-08-30', '?api-version=', `?${API}&${API}`])(
    'needs the api-version once: "%s" is answered 400',
    async (query) => {
      const options = { method: 'GET', url: `/api/usageEvents${query}` } as const;
      expect(await ask(options)).toMatchObject({ status: 400, body: { code: 'BadArgument' } });
    },
  );

  test.each(['text/plain', 'application/x-www-form-urlencoded', undefined])(
    'must be JSON: content type %s is answered 400',
    async (type) => {
      const answer = await ask({
        method: 'POST',
        url: `/api/usageEvent?${API}`,
        headers: type === undefined ? {} : { 'content-type': type },
        payload: Buffer.from(JSON.stringify(event)),
      });
      expect(answer).toMatchObject({ status: 400, body: { code: 'BadArgument' } });
    },
  );

  test('must be UTF-8', async () => {
    const payload = Buffer.from('{"request": ["\xff"]}', 'latin1');
    const headers = { 'content-type': 'application/json' };
    const options = {
      method: 'POST',
      url: `/api/batchUsageEvent?${API}`,
      headers,
      payload,
    } as const;
    expect(await ask(options)).toMatchObject({ status: 400, body: details('request') });
  });

  test.each(['', 'Bearer', 'Bearer other', `Basic ${btoa(`x:${TOKEN}`)}`])(
    'needs the token: "%s" is answered 403',
    async (authorization) => {
      for (const [method, path] of [
        ['POST', 'usageEvent'],
        ['POST', 'batchUsageEvent'],
        ['GET', 'usageEvents'],
      ] as const) {
        const options = { method, url: `/api/${path}?${API}`, headers: { authorization } };
        expect(await ask(options)).toMatchObject({ status: 403, body: { code: 'Forbidden' } });
      }
    },
  );

  test('gets its ids back, or new ones, also where it is refused', async () => {
    const headers = { 'x-ms-requestid': 'r1', 'x-ms-correlationid': 'c1' };
    const url = `/api/usageEvents?${API}`;
    expect((await ask({ method: 'GET', url, headers })).headers).toMatchObject(headers);
    expect((await ask({ method: 'GET', url })).headers).toMatchObject({
      'x-ms-requestid': 'made-here',
      'x-ms-correlationid': 'made-here',
    });
  });
});

describe('GET usageEvents', () => {
  const hours = ['2026-03-09T23', '2026-03-10T00', '2026-03-10T01'];
  beforeEach(async () => {
    await batch(...hours.map((hour) => ({ ...event, effectiveStartTime: `${hour}:30:00` })));
  });

  const dates = async (query: string): Promise<unknown> =>
    ((await get(query)).body as readonly { readonly usageDate: string }[]).map(({ usageDate }) =>
      usageDate.slice(0, 13),
    );

  test('has a row in the documented shape for each resource, dimension, plan and hour', async () => {
    expect((await get('usageStartDate=2026-03-10T01:00')).body).toEqual([
      {
        usageDate: '2026-03-10T01:00:00Z',
        usageResourceId: URI,
        dimension: VM,
        planId: 'plan1',
        planName: 'plan1',
        offerId: 'usage-pipeline',
        offerName: 'Usage pipeline',
        offerType: 'AzureApplication',
        azureSubscriptionId: SUBSCRIPTION,
        reconStatus: 'Accepted',
        submittedQuantity: 2,
        processedQuantity: 2,
        submittedCount: 1,
      },
    ]);
  });

  test('gives the hours that the period touches, oldest first; its end is now by default', async () => {
    expect(await dates('usageStartDate=2026-03-09')).toEqual(hours);
    expect(await dates('usageStartDate=2026-03-10T00:59')).toEqual(hours.slice(1));
    expect(await dates('usageStartDate=2026-03-09&UsageEndDate=2026-03-09')).toEqual(
      hours.slice(0, 1),
    );
    expect(await dates('usageStartDate=2026-03-09&usageEndDate=2026-03-10T00:00')).toEqual(
      hours.slice(0, 2),
    );
    expect(await dates('usageStartDate=2026-03-10T02:00')).toEqual([]);
  });

  test.each([
    ['dimension', VM.toUpperCase(), 'gold'],
    ['planId', 'Plan1', 'plan2'],
    ['azureSubscriptionId', SUBSCRIPTION.toUpperCase(), ID],
    ['usageResourceId', URI.toUpperCase(), `${URI}0`],
    ['reconStatus', 'Accepted', 'Mismatch'],
    ['offerId', 'usage-pipeline', 'other'],
  ])('filters by %s', async (name, matching, other) => {
    const filter = (value: string): string =>
      `usageStartDate=2026-03-09&${name}=${encodeURIComponent(value)}`;
    expect(await dates(filter(matching))).toEqual(hours);
    expect(await dates(filter(other))).toEqual([]);
  });

  test.each([
    ['', 'usageStartDate'],
    ['usageStartDate=soon', 'usageStartDate'],
    ['usageStartDate=2026-03-09&UsageEndDate=2026-02-30', 'UsageEndDate'],
    ['usageStartDate=2026-03-09&reconStatus=Lost', 'reconStatus'],
  ])('answers 400 to "%s"', async (query, target) => {
    const { status, body } = await get(query);
    expect(status).toBe(400);
    expect((body as { details: unknown }).details).toContainEqual(
      expect.objectContaining({ target }),
    );
  });
});

describe('what is not for this service', () => {
  const FOREIGN = [
    ['a Host that was rebound', { host: 'evil.example:8081' }, 421],
    ['a foreign Origin', { origin: 'http://evil.example' }, 403],
    ['a page of another port', { origin: 'http://localhost:3000' }, 403],
    ['another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
  ] as const;
  const ROUTES = [
    ['GET', '/', ''],
    ['GET', '/portal/style.css', ''],
    ['GET', '/portal', ''],
    ['GET', '/portal/invoice.csv', ''],
    ['GET', '/health/ready', ''],
    ['GET', '/nothing', ''],
    ['GET', `/api/usageEvents?${API}&usageStartDate=2026-03-10`, ''],
    ['POST', `/api/usageEvent?${API}`, JSON.stringify(event)],
    ['POST', `/api/batchUsageEvent?${API}`, JSON.stringify({ request: [event] })],
    ['POST', '/faults', JSON.stringify({ kind: 'close' })],
    ['DELETE', '/faults', ''],
    ['PUT', '/clock', JSON.stringify({ offsetMillis: 1 })],
    ['GET', '/subscriptions/s/providers/Microsoft.Commerce/UsageAggregates', ''],
    [
      'DELETE',
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.AzureStack/registrations/r/customerSubscriptions/c',
      '',
    ],
  ] as const;
  let other: CommerceServer;
  let open: FastifyInstance;
  let queue: FaultQueue;

  beforeEach(async () => {
    queue = new FaultQueue();
    other = await CommerceServer.start({ token: null, faultQueue: queue });
    open = other.app;
  });

  afterEach(() => other.stop());

  test.each(FOREIGN)('%s reaches no route', async (_, foreign, status) => {
    queue.add({ kind: 'close', count: 3, stored: false, on: 'metering' });
    for (const [method, url, payload] of ROUTES) {
      const headers = { ...foreign, ...(payload !== '' && { 'content-type': 'application/json' }) };
      const answer = await open.inject({ method, url, headers, payload });
      expect([method, url, answer.statusCode]).toEqual([method, url, status]);
    }
    expect(queue.pending()).toEqual([{ kind: 'close', count: 3, stored: false, on: 'metering' }]);
    expect(other.events.count()).toBe(0);
  });

  test('a form of another page cannot ask for faults', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const answer = await open.inject({
        method: 'POST',
        url: '/faults',
        headers: { 'content-type': type },
        payload: '{"kind": "close"}',
      });
      expect(answer.statusCode).toBe(400);
    }
    expect(queue.pending()).toEqual([]);
  });

  test('a link on another site leads to the page', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect((await open.inject({ url: '/portal', headers })).statusCode).toBe(200);
  });
});

describe('a parameter that is not known', () => {
  test('of usageEvents does not give all rows instead', async () => {
    const answer = await get('usageStartDate=2026-03-10&dimensoin=x&$top=5&planId=');
    expect(answer).toMatchObject({ status: 400, body: { code: 'BadArgument' } });
    const { details } = answer.body as { details: readonly { target: string; message: string }[] };
    expect(details.map(({ target }) => target)).toEqual(['dimensoin', '$top', 'planId']);
    expect(details[0]?.message).toContain("did you mean 'dimension'?");
  });

  test('of a submission is told', async () => {
    const url = `/api/usageEvent?${API}&dryRun=true`;
    const answer = await ask({ method: 'POST', url, payload: event });
    expect(answer).toMatchObject({ status: 400, body: details('dryRun') });
    expect(server.events.count()).toBe(0);
  });

  test.each([
    ['/portal/usage?txt=vm', "'txt' is not known: did you mean 'text'?"],
    ['/portal/usage?after=', "'after' is empty"],
    ['/portal/usage?after=bm93aGVyZQ', "'after' is not a position in this list"],
    ['/portal/usage?text=a&text=b', "'text' is given twice"],
    ['/portal/style.css?v=2', "'v' is not known"],
    ['/portal?mounth=2026-03', "'mounth' is not known: did you mean 'month'?"],
    ['/portal?month=March', "'month' is no month: write it like 2026-11"],
    ['/portal/bill.json?month=2026-13', "'month' is no month"],
  ])('of the page is told in words: %s', async (url, message) => {
    const { status, text, headers } = await ask({ url });
    expect([status, headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(text).toContain(message);
  });

  test('of health is told', async () => {
    expect(await ask({ url: '/health/ready?verbose' })).toMatchObject({ status: 400 });
  });
});

test('without faults switched on nobody can ask for them', async () => {
  expect(await ask({ method: 'GET', url: '/faults' })).toMatchObject({ status: 404 });
});

test('health is told to everyone', async () => {
  for (const url of ['/health/live', '/health/ready']) {
    expect(await ask({ method: 'GET', url, headers: { authorization: '' } })).toMatchObject({
      status: 200,
    });
  }
});
