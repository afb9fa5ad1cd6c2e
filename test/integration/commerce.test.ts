import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoText, millis } from '../../services/shared/model/time.ts';
import {
  failToStartCommerce,
  startCommerce,
  type CommerceProcess,
} from '../support/commerce-process.ts';

const VM = 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5';
const API = 'api-version=2018-08-31';

/** Each test starts processes, and they may have to share the machine. */

let directory: string;
let running: CommerceProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commerce-'));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((process) => process.end('SIGKILL')));
  await rm(directory, { recursive: true });
});

const start = async (settings: Readonly<Record<string, string>> = {}): Promise<CommerceProcess> => {
  const process = await startCommerce({ COMMERCE_DATA_DIR: directory, ...settings });
  running.push(process);
  return process;
};

interface Item {
  readonly status: string;
  readonly usageEventId: string;
  readonly resourceUri: string;
  readonly quantity: number;
  readonly error?: { readonly additionalInfo?: { readonly acceptedMessage: Item } };
}

/** The exact texts of the numbers called `name` in an answer: JSON.parse would round them. */
const numberTexts = (text: string, name: string): readonly string[] =>
  Array.from(
    text.matchAll(new RegExp(`"${name}":([-\\d.eE+]+)`, 'g')),
    ([, digits = '']) => digits,
  );

const thisHour = (): string => isoText(millis(Date.now()));

const event = (resourceUri: string, quantity = 1): Readonly<Record<string, unknown>> => ({
  resourceUri,
  quantity,
  dimension: VM,
  effectiveStartTime: thisHour(),
  planId: 'plan1',
});

const send = (url: string, body: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/api/batchUsageEvent?${API}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    ...(signal && { signal }),
  });

const batch = async (url: string, ...request: readonly unknown[]): Promise<readonly Item[]> => {
  const answer = await send(url, JSON.stringify({ request }));
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { readonly result: readonly Item[] }).result;
};

interface Row {
  readonly usageResourceId: string;
  readonly submittedQuantity: number;
}

const rows = async (url: string): Promise<readonly Row[]> => {
  const answer = await fetch(`${url}/api/usageEvents?${API}&usageStartDate=2019-01-01`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as readonly Row[];
};

test('whatever was answered Accepted is there, once, after a SIGKILL in the middle of posts', async () => {
  const accepted = new Map<string, number>();
  let killed = false;
  const post = async (url: string, client: number): Promise<void> => {
    for (let n = 0; !killed; n++) {
      const items = Array.from({ length: 5 }, (_, i) =>
        event(`/client${String(client)}/resource${String(n * 5 + i)}`, n + 1),
      );
      const result = await batch(url, ...items).catch((error: unknown) => {
        if (killed) return []; // the connection broke: nothing is known of this batch
        throw error;
      });
      for (const { status, resourceUri, quantity } of result) {
        expect(status).toBe('Accepted');
        accepted.set(resourceUri, quantity);
      }
    }
  };
  const first = await start();
  const clients = Array.from({ length: 8 }, (_, client) => post(first.url, client));
  while (accepted.size < 1000) await Promise.race([...clients, new Promise(setImmediate)]);
  killed = true;
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  await Promise.all(clients);

  const second = await start();
  const found = await rows(second.url);
  const quantities = new Map(found.map((row) => [row.usageResourceId, row.submittedQuantity]));
  expect(quantities.size).toBe(found.length);
  expect([...accepted].filter(([uri, quantity]) => quantities.get(uri) !== quantity)).toEqual([]);
  const again = await batch(
    second.url,
    ...[...accepted.keys()].slice(-25).map((uri) => event(uri, 999)),
  );
  expect(again.map(({ status }) => status)).toEqual(again.map(() => 'Duplicate'));
  expect(again.map((item) => item.error?.additionalInfo?.acceptedMessage.quantity)) //
    .toEqual([...accepted.values()].slice(-25));
});

test('a second quantity never replaces the first, also after a restart', async () => {
  const first = await start();
  const [accepted] = await batch(first.url, event('/a', 5));
  expect(await first.end('SIGTERM')).toBe(0);
  const second = await start();
  const [duplicate] = await batch(second.url, event('/A', 9));
  expect(duplicate).toMatchObject({
    status: 'Duplicate',
    quantity: 9,
    error: {
      code: 'Conflict',
      additionalInfo: {
        acceptedMessage: { usageEventId: accepted?.usageEventId, quantity: 5, status: 'Duplicate' },
      },
    },
  });
  expect(await rows(second.url)).toMatchObject([{ usageResourceId: '/a', submittedQuantity: 5 }]);
});

test('of many requests for the same usage at once exactly one is accepted', async () => {
  const { url } = await start();
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, i) => batch(url, event('/other', i + 1), event('/a', i + 1))),
  );
  for (const index of [0, 1]) {
    const items = results.map((result) => result[index]);
    expect(items.filter((item) => item?.status === 'Accepted')).toHaveLength(1);
    expect(items.filter((item) => item?.status === 'Duplicate')).toHaveLength(39);
  }
});

test('quantities come back as the shortest text of their doubles, also after a SIGKILL', async () => {
  const quantities = [
    ['9.1234567890123461', '9.123456789012346'],
    ['49.384377100419951000000000000001', '49.384377100419954'],
    ['123456789012345.123456789012345678901234567891', '123456789012345.12'],
    ['1e-30', '1e-30'],
    ['2.5000', '2.5'],
    ['0.00000008381903171539307', '8.381903171539307e-8'],
  ] as const;
  const expected = quantities.map(([, text]) => text);
  const items = quantities.map(([sent], i) =>
    JSON.stringify(event(`/a${String(i)}`)).replace('"quantity":1', `"quantity":${sent}`),
  );
  const body = `{"request":[${items.join(',')}]}`;
  const first = await start();
  expect(numberTexts(await (await send(first.url, body)).text(), 'quantity')).toEqual(expected);
  await first.end('SIGKILL');
  const { url } = await start();
  const [, ...standing] = (await (await send(url, body)).text()).split('acceptedMessage');
  expect(standing.map((text) => numberTexts(text, 'quantity')[0])).toEqual(expected);
  const list = await fetch(`${url}/api/usageEvents?${API}&usageStartDate=2019-01-01`);
  const text = await list.text();
  expect(numberTexts(text, 'submittedQuantity')).toEqual(expected);
  expect(numberTexts(text, 'processedQuantity')).toEqual(expected);
});

test('usage of more than the set age is expired, and with 0 hours any age is accepted', async () => {
  const old = { ...event('/a'), effectiveStartTime: '2019-12-10T19:00:00Z' };
  const strict = await start({ COMMERCE_MAX_AGE_HOURS: '48' });
  const yesterday = isoText(millis(Date.now() - 47 * 3_600_000));
  const items = await batch(strict.url, old, { ...event('/b'), effectiveStartTime: yesterday });
  expect(items.map(({ status }) => status)).toEqual(['Expired', 'Accepted']);
  await strict.end('SIGTERM');
  const { url } = await start({ COMMERCE_MAX_AGE_HOURS: '0' });
  expect((await batch(url, old))[0]?.status).toBe('Accepted');
});

describe('faults', () => {
  let shared: CommerceProcess;
  let data: string;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'commerce-'));
    shared = await startCommerce({ COMMERCE_DATA_DIR: data, COMMERCE_FAULTS: 'on' });
  });

  afterAll(async () => {
    await shared.end('SIGKILL');
    await rm(data, { recursive: true });
  });

  const billed = async (resourceUri: string): Promise<readonly Row[]> =>
    (await rows(shared.url)).filter(({ usageResourceId }) => usageResourceId === resourceUri);

  const single = (resourceUri: string): string =>
    JSON.stringify({ request: [event(resourceUri, 5)] });

  const fault = async (url: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${url}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
  };

  test.each([429, 500, 503])(
    'the next requests are answered %i, and then all is well',
    async (status) => {
      const uri = `/status/${String(status)}`;
      await fault(shared.url, { kind: 'status', status, count: 2, retryAfter: 7 });
      const answer = await send(shared.url, single(uri));
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, '7']);
      expect((await send(shared.url, single(uri))).status).toBe(status);
      expect((await batch(shared.url, event(uri)))[0]?.status).toBe('Accepted');
    },
  );

  test('the connection closes before anything is stored, or after', async () => {
    await fault(shared.url, { kind: 'close' });
    await expect(send(shared.url, single('/close'))).rejects.toThrow();
    expect(await billed('/close')).toEqual([]);
    await fault(shared.url, { kind: 'close', stored: true, method: 'POST' });
    await expect(send(shared.url, single('/close'))).rejects.toThrow();
    expect(await billed('/close')).toMatchObject([{ submittedQuantity: 5 }]);
  });

  test('the connection is reset before anything is stored, or after', async () => {
    await fault(shared.url, { kind: 'reset' });
    await expect(send(shared.url, single('/reset'))).rejects.toThrow();
    expect(await billed('/reset')).toEqual([]);
    await fault(shared.url, { kind: 'reset', stored: true, method: 'POST' });
    await expect(send(shared.url, single('/reset'))).rejects.toThrow();
    expect(await billed('/reset')).toMatchObject([{ submittedQuantity: 5 }]);
  });

  test('half of the right answer arrives, and what it answers is stored', async () => {
    await fault(shared.url, { kind: 'half' });
    const answer = await send(shared.url, single('/half'));
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    expect(await billed('/half')).toHaveLength(1);
    await fault(shared.url, { kind: 'half', method: 'GET' });
    await expect(rows(shared.url)).rejects.toThrow();
  });

  test('a slow answer is the right one, and keeps nobody from stopping', async () => {
    const commerce = await start({ COMMERCE_FAULTS: 'on' });
    await fault(commerce.url, { kind: 'slow', millis: 20 });
    expect((await batch(commerce.url, event('/slow')))[0]?.status).toBe('Accepted');
    await fault(commerce.url, { kind: 'slow', millis: 600_000, stored: true });
    const late = batch(commerce.url, event('/late'));
    while ((await rows(commerce.url)).length < 2);
    expect(await commerce.end('SIGTERM')).toBe(0);
    expect((await late)[0]?.status).toBe('Accepted');
  });

  test('a slow request may be carried out after its caller has given up', async () => {
    await fault(shared.url, { kind: 'slow', millis: 300 });
    const caller = new AbortController();
    const given = expect(send(shared.url, single('/given-up'), caller.signal)).rejects.toThrow();
    while ((await (await fetch(`${shared.url}/faults`)).text()) !== '[]');
    caller.abort();
    await given;
    while ((await billed('/given-up')).length === 0);
  });

  test('an answer is broken JSON', async () => {
    await fault(shared.url, { kind: 'garbage', stored: true });
    const answer = await send(shared.url, single('/garbage'));
    expect(answer.status).toBe(200);
    await expect(answer.json()).rejects.toThrow(/JSON/);
    expect(await billed('/garbage')).toHaveLength(1);
  });

  test('events are refused with a status that only Azure can know', async () => {
    await fault(shared.url, { kind: 'refuse', status: 'ResourceNotActive' });
    const [item] = await batch(shared.url, event('/refused'));
    expect(item?.status).toBe('ResourceNotActive');
    expect(await billed('/refused')).toEqual([]);
  });

  test('a request hangs until its caller gives up, and keeps nobody from stopping', async () => {
    const commerce = await start({ COMMERCE_FAULTS: 'on' });
    const pending = async (): Promise<string> => (await fetch(`${commerce.url}/faults`)).text();
    await fault(commerce.url, { kind: 'hang', count: 2 });
    const caller = new AbortController();
    const impatient = send(commerce.url, single('/hang'), caller.signal);
    const given = expect(impatient).rejects.toThrow(/abort/);
    while (!(await pending()).includes('"count":1'));
    caller.abort();
    await given;
    const patient = expect(send(commerce.url, single('/hang'))).rejects.toThrow();
    while ((await pending()) !== '[]');
    expect(await commerce.end('SIGTERM')).toBe(0);
    await patient;
  });
});

test('a connection on which no request came keeps it from stopping no more than a request in work', async () => {
  const commerce = await start();
  const socket = connect(Number(new URL(commerce.url).port), '127.0.0.1');
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  const answers = Array.from({ length: 20 }, (_, i) =>
    batch(commerce.url, event(`/r${String(i)}`)),
  );
  await Promise.race(answers);
  expect(await commerce.end('SIGTERM')).toBe(0);
  await closed;
  const settled = await Promise.allSettled(answers);
  const accepted = settled.filter(({ status }) => status === 'fulfilled').length;
  const again = await start();
  expect((await rows(again.url)).length).toBe(accepted);
});

test('customers, the clock and tokens outlive a SIGKILL', async () => {
  const settings = {
    COMMERCE_FAULTS: 'on',
    COMMERCE_CLIENT_ID: 'bridge',
    COMMERCE_CLIENT_SECRET: 'hidden',
    COMMERCE_TENANT_ID: 'contoso',
  };
  const customers =
    '/subscriptions/7f3c2b9a-61d4-4a8e-9b57-0c1d2e3f4a5b/resourceGroups/azurestack/providers/' +
    'Microsoft.AzureStack/registrations/azurestack-5b2f8a6e-3c1d-4e7f-9a04-6d1c2b3e4f50/customerSubscriptions';
  const customer = 'c0a1e5d2-8b34-4f6a-9d70-1e2f3a4b5c6d';
  const first = await start(settings);
  const signIn = await fetch(`${first.url}/contoso/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'bridge',
      client_secret: 'hidden',
      resource: '20e940b3-4c77-4b0b-9a53-9e16a1b010a7',
    }),
  });
  const { access_token: token } = (await signIn.json()) as { readonly access_token: string };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const put = (path: string, body: unknown): Promise<Response> =>
    fetch(first.url + path, { method: 'PUT', headers, body: JSON.stringify(body) });
  expect((await put('/clock', { offsetMillis: 60_000 })).status).toBe(200);
  const body = { properties: { tenantId: 't' } };
  expect((await put(`${customers}/${customer}?api-version=2017-06-01`, body)).status).toBe(201);
  expect(await first.end('SIGKILL')).toBe('SIGKILL');

  const second = await start(settings);
  const get = async (path: string): Promise<unknown> =>
    (await fetch(second.url + path, { headers })).json();
  expect(await get('/clock')).toMatchObject({ offsetMillis: 60_000 });
  expect(await get(`${customers}?api-version=2017-06-01`)).toMatchObject({
    value: [{ name: customer }],
  });
});

test('under a mix of all faults what was accepted is there once, and nothing else', async () => {
  const { url } = await start({ COMMERCE_FAULTS: 'on' });
  await fetch(`${url}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'mix', seed: 'integration', share: 0.6, count: 120 }),
  });
  const held = new Map<string, number>();
  /** Sends until every event is known to be held, as a careful caller does. */
  const deliver = async (events: readonly Readonly<Record<string, unknown>>[]): Promise<void> => {
    let left = events;
    while (left.length > 0) {
      const sent = left;
      const result = await send(url, JSON.stringify({ request: sent }))
        .then(async (answer) => (answer.status === 200 ? await answer.json() : null))
        .catch(() => null);
      const items = (result as { readonly result?: readonly Item[] } | null)?.result ?? [];
      items.forEach((item, i) => {
        const quantity =
          item.status === 'Accepted'
            ? item.quantity
            : item.error?.additionalInfo?.acceptedMessage.quantity;
        const uri = String(sent[i]?.['resourceUri']);
        if (item.status === 'Accepted' || item.status === 'Duplicate')
          held.set(uri, quantity ?? -1);
      });
      left = events.filter(({ resourceUri }) => !held.has(String(resourceUri)));
    }
  };
  const batches = Array.from({ length: 40 }, (_, b) =>
    Array.from({ length: 25 }, (_, i) => event(`/b${String(b)}/r${String(i)}`, i + 1)),
  );
  for (const each of batches) await deliver(each);
  await fetch(`${url}/faults`, { method: 'DELETE' });
  const found = await rows(url);
  expect(found).toHaveLength(1000);
  expect(new Map(found.map((row) => [row.usageResourceId, row.submittedQuantity]))).toEqual(held);
});

describe('it does not start, and says why', () => {
  test('where its port is in use', async () => {
    const { url } = await start();
    const { port } = new URL(url);
    const other = join(directory, randomUUID());
    expect(await failToStartCommerce({ COMMERCE_DATA_DIR: other, COMMERCE_PORT: port })).toEqual({
      code: 1,
      said: `commerce: Cannot listen on 127.0.0.1:${port}: the port is in use; stop what listens there, or set COMMERCE_PORT to another port.\n`,
    });
  });

  test('where another process has its data', async () => {
    await start();
    expect(await failToStartCommerce({ COMMERCE_DATA_DIR: directory })).toEqual({
      code: 1,
      said: `commerce: The store ${directory} is in use by another process: stop that one, or set COMMERCE_DATA_DIR to another directory.\n`,
    });
  });

  test('where a setting cannot be used', async () => {
    const wrong = { COMMERCE_DATA_DIR: directory, COMMERCE_MAX_AGE_HOURS: 'old' };
    const { code, said } = await failToStartCommerce(wrong);
    expect(code).toBe(1);
    expect(said).toMatch(/^commerce: .*COMMERCE_MAX_AGE_HOURS.*\n$/);
  });
});
