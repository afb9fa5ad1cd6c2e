import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptedServer, type Answer, type Asked } from '../../../test/support/scripted-server.ts';
import { formatQuantity } from '../model/decimal.ts';
import type { Result } from '../model/result.ts';
import { timeOf } from '../model/time-text.ts';
import {
  usagePages,
  usageRows,
  type UsageClientOptions,
  type UsageEndpoint,
} from './usage-client.ts';
import { UsageError, type UsageFailure } from './usage-failure.ts';
import type { UsageRequest } from './usage-request.ts';
import type { UsagePage, UsageRow } from './usage-row.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const TENANT = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

const REQUEST: UsageRequest = {
  api: 'provider',
  subscriptionId: PROVIDER,
  from: timeOf('2019-12-10T19:00:00Z'),
  to: timeOf('2019-12-10T20:00:00Z'),
  granularity: 'Hourly',
  subscriberId: null,
};

/** A row as JSON text, so that its number is as written here. */
const rowText = (quantity: string, instance: Readonly<Record<string, unknown>> = {}): string => {
  const data = { resourceUri: '/r', location: 'northwest', tags: '', additionalInfo: null };
  const instanceData = JSON.stringify({ 'Microsoft.Resources': { ...data, ...instance } });
  return (
    `{"id":"/id","name":"n","type":"Microsoft.Commerce/UsageAggregate","properties":{` +
    `"subscriptionId":"${TENANT}","usageStartTime":"2019-12-10T18:00:00+00:00",` +
    `"usageEndTime":"2019-12-10T19:00:00+00:00","instanceData":${JSON.stringify(instanceData)},` +
    `"quantity":${quantity},"meterId":"m","name":"n"}}`
  );
};

const pageOf = (quantities: readonly string[], nextLink?: string): Answer => ({
  body: `{"value":[${quantities.map((each) => rowText(each)).join()}]${
    nextLink === undefined ? '' : `,"nextLink":${JSON.stringify(nextLink)}`
  }}`,
});

const refusal = (status: number, code: string, retryAfter?: string): Answer => ({
  status,
  headers: {
    'x-ms-request-id': 'the-request',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
  },
  body: JSON.stringify({ error: { code, message: `This is ${code}.` } }),
});

interface Walked {
  readonly pages: readonly UsagePage[];
  readonly failure: UsageFailure | null;
  readonly asked: readonly Asked[];
  /** What the client waited, in milliseconds, with the code that it was told. */
  readonly waits: readonly (readonly [code: string, millis: number])[];
  readonly url: string;
}

/** Walks the pages of a server that answers so. Its clock moves with the waits. */
const walk = async (
  answer: (nth: number, url: string) => Answer,
  {
    request = REQUEST,
    token = null,
    patienceMillis = 600_000,
  }: {
    readonly request?: UsageRequest;
    readonly token?: string | null;
    readonly patienceMillis?: number;
  } = {},
): Promise<Walked> => {
  let url = '';
  const server = await scriptedServer((_, nth) => answer(nth, url));
  ({ url } = server);
  let clock = 0;
  const waits: [string, number][] = [];
  const options: UsageClientOptions = {
    patienceMillis,
    onWait: ({ failure, waitMillis }) => waits.push([failure.code, waitMillis]),
    now: () => clock,
    sleep: (millis) => {
      clock += millis;
      return Promise.resolve();
    },
  };
  try {
    const answers: Result<UsagePage, UsageFailure>[] = [];
    for await (const page of usagePages({ url, token, ca: null }, request, options)) {
      answers.push(page);
    }
    return {
      pages: answers.flatMap((each) => (each.ok ? [each.value] : [])),
      failure: answers.flatMap((each) => (each.ok ? [] : [each.error]))[0] ?? null,
      asked: server.asked,
      waits,
      url,
    };
  } finally {
    await server.close();
  }
};

const quantities = ({ pages }: Walked): readonly string[] =>
  pages.flatMap(({ rows }) => rows.map(({ quantity }) => formatQuantity(quantity)));

describe('what is asked', () => {
  test.each<[string, Partial<UsageRequest>, string, Readonly<Record<string, string>>]>([
    [
      'the usage of all tenants',
      {},
      `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates`,
      {},
    ],
    [
      'the usage of one tenant',
      { subscriberId: TENANT, granularity: 'Daily' },
      `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates`,
      { subscriberId: TENANT, aggregationGranularity: 'Daily' },
    ],
    [
      "a tenant's own usage",
      { api: 'tenant', subscriptionId: TENANT },
      `/subscriptions/${TENANT}/providers/Microsoft.Commerce/usageAggregates`,
      {},
    ],
  ])('%s', async (_, changes, path, query) => {
    const { asked } = await walk(() => pageOf([]), { request: { ...REQUEST, ...changes } });
    expect(asked.map((each) => [each.path, Object.fromEntries(each.query)])).toEqual([
      [
        path,
        {
          'api-version': '2015-06-01-preview',
          reportedStartTime: '2019-12-10T19:00:00Z',
          reportedEndTime: '2019-12-10T20:00:00Z',
          aggregationGranularity: 'Hourly',
          ...query,
        },
      ],
    ]);
  });

  test.each([
    [null, null],
    ['secret', 'Bearer secret'],
  ])('the token %p', async (token, authorization) => {
    expect((await walk(() => pageOf([]), { token })).asked).toMatchObject([{ authorization }]);
  });

  test('a token is never sent over plain HTTP to another machine', async () => {
    const pages = usagePages({ url: 'http://usage.example', token: 'secret', ca: null }, REQUEST, {
      patienceMillis: 0,
    });
    expect((await pages.next()).value).toMatchObject({ error: { code: 'TokenOverPlainHttp' } });
  });
});

describe('pages', () => {
  test('a nextLink is followed as it stands, byte for byte', async () => {
    const odd = '/Any/PATH?b=%2f%252F&A=1+2&a=%c3%bc&continuationToken=ab==/+';
    const walked = await walk((nth, url) =>
      nth === 0 ? pageOf(['1', '2'], url + odd) : pageOf(['3']),
    );
    expect(walked.asked[1]?.target).toBe(odd);
    expect(quantities(walked)).toEqual(['1', '2', '3']);
    expect(walked.failure).toBeNull();
  });

  test.each([null, 'secret'])(
    'a nextLink to another server is not followed, token %p',
    async (token) => {
      const { asked, failure } = await walk(() => pageOf(['1'], 'https://other.example/x'), {
        token,
      });
      expect(asked).toHaveLength(1);
      expect(failure).toMatchObject({
        code: 'ForeignNextLink',
        message: expect.stringContaining('https://other.example/x') as string,
      });
    },
  );

  test('a nextLink to the same page does not turn for ever', async () => {
    const again = '/again?x=1';
    const { asked, failure } = await walk((_, url) => pageOf(['1'], url + again));
    expect(asked).toHaveLength(2);
    expect(failure?.code).toBe('UnreadableAnswer');
  });

  test('an empty nextLink ends the answer', async () => {
    expect((await walk(() => pageOf(['1'], ''))).failure).toBeNull();
  });
});

describe('rows', () => {
  test('no digit of a number is lost', async () => {
    const written = [
      '16.461425899527967',
      '1e-7',
      '2.0',
      '-3',
      '123456789012345678.5',
      '2.4000000000',
    ];
    expect(quantities(await walk(() => pageOf(written)))).toEqual([
      '16.461425899527967',
      '0.0000001',
      '2',
      '-3',
      '123456789012345678.5',
      '2.4',
    ]);
  });

  const rowWith = async (
    instance: Readonly<Record<string, unknown>>,
  ): Promise<UsageRow | undefined> =>
    (await walk(() => ({ body: `{"value":[${rowText('1', instance)}]}` }))).pages[0]?.rows[0];

  test.each<[unknown, string | null]>([
    [null, null],
    ['', ''],
    ['null', 'null'],
    ['{"RG":"rg"}', '{"RG":"rg"}'],
    [{ RG: 'rg' }, '{"RG":"rg"}'],
  ])('tags %p', async (tags, text) => {
    expect((await rowWith({ tags }))?.tags).toBe(text);
  });

  test('times are instants', async () => {
    expect(await rowWith({})).toMatchObject({
      usageStart: timeOf('2019-12-10T18:00:00Z'),
      usageEnd: timeOf('2019-12-10T19:00:00Z'),
      resourceUri: '/r',
      location: 'northwest',
    });
  });

  test.each([
    ['', 'it is not JSON'],
    ['<html>', 'it is not JSON'],
    ['{"value":null}', 'value'],
    [`{"value":[${rowText('"1"')}]}`, 'value.0.properties.quantity: is not a number'],
    [`{"value":[${rowText('1e-40')}]}`, 'more than 30 decimal places'],
    ['{"value":[{}]}', 'value.0.id'],
  ])('an answer that is no page is not taken for an empty one: %s', async (body, said) => {
    const { failure } = await walk(() => ({ body }));
    expect(failure).toMatchObject({
      code: 'UnreadableAnswer',
      message: expect.stringContaining(said) as string,
    });
  });
});

describe('waiting', () => {
  test.each([
    [202, 'ProcessingNotComplete'],
    [429, 'TooManyRequests'],
    [503, 'ServiceUnavailable'],
    [504, 'GatewayTimeout'],
  ])('%i is waited out for as long as the API asks', async (status, code) => {
    const walked = await walk((nth) => (nth < 2 ? refusal(status, code, '7') : pageOf(['1'])));
    expect(walked.waits).toEqual([
      [code, 7_000],
      [code, 7_000],
    ]);
    expect(quantities(walked)).toEqual(['1']);
  });

  test('without Retry-After, longer each time', async () => {
    const { waits } = await walk((nth) => (nth < 7 ? refusal(503, 'Busy') : pageOf([])));
    expect(waits.map(([, millis]) => millis / 1000)).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  test('not longer than allowed: the last answer is the failure', async () => {
    const walked = await walk(() => refusal(202, 'ProcessingNotComplete', '30'), {
      patienceMillis: 65_000,
    });
    expect(walked.waits).toHaveLength(2);
    expect(walked.failure).toMatchObject({
      status: 202,
      code: 'ProcessingNotComplete',
      requestId: 'the-request',
      message: expect.stringContaining('longer than the 65 s') as string,
    });
  });

  test('each page has its own patience', async () => {
    const walked = await walk(
      (nth, url) =>
        nth % 2 === 0
          ? refusal(503, 'Busy', '50')
          : pageOf(['1'], nth < 5 ? `${url}/${String(nth)}` : undefined),
      { patienceMillis: 60_000 },
    );
    expect(walked.failure).toBeNull();
    expect(walked.waits).toHaveLength(3);
  });

  test('a connection that breaks is tried again', async () => {
    const walked = await walk((nth) => (nth === 0 ? 'close' : pageOf(['1'])));
    expect(walked.waits).toEqual([['Unreachable', 1_000]]);
    expect(quantities(walked)).toEqual(['1']);
  });

  test('a refusal is not repeated, and keeps its code and message', async () => {
    for (const status of [400, 401, 403, 404, 500]) {
      const { asked, failure } = await walk(() => refusal(status, 'Code', '1'));
      expect(asked).toHaveLength(1);
      expect(failure).toEqual({
        status,
        code: 'Code',
        message: 'This is Code.',
        requestId: 'the-request',
      });
    }
  });

  test('a redirect is not followed: the token is for this server', async () => {
    const elsewhere = { status: 302, headers: { location: 'http://other.example/' }, body: '' };
    const { asked, failure } = await walk(() => elsewhere, { token: 'secret' });
    expect(asked).toHaveLength(1);
    expect(failure?.message).toContain('302 and points to http://other.example/');
  });
});

test('a server that is not there is said at once', async () => {
  const server = await scriptedServer(() => 'hang');
  await server.close();
  const waits: unknown[] = [];
  const pages = usagePages({ url: server.url, token: null, ca: null }, REQUEST, {
    patienceMillis: 600_000,
    onWait: (wait) => waits.push(wait),
  });
  expect((await pages.next()).value).toMatchObject({ error: { code: 'Unreachable' } });
  expect(waits).toEqual([]);
});

test('rows end with the failure', async () => {
  const server = await scriptedServer((_, nth) =>
    nth === 0 ? pageOf(['1'], `${server.url}/next`) : refusal(400, 'InvalidProperty'),
  );
  const rows: UsageRow[] = [];
  const walking = (async () => {
    for await (const row of usageRows({ url: server.url, token: null, ca: null }, REQUEST, {
      patienceMillis: 0,
    })) {
      rows.push(row);
    }
  })();
  await expect(walking).rejects.toThrow(UsageError);
  await expect(walking).rejects.toThrow(
    'InvalidProperty (400): This is InvalidProperty. Request the-request',
  );
  expect(rows).toHaveLength(1);
  await server.close();
});

test('a wait ends when the caller stops', async () => {
  const stop = new AbortController();
  const server = await scriptedServer(() => refusal(202, 'ProcessingNotComplete', '3600'));
  const pages = usagePages({ url: server.url, token: null, ca: null }, REQUEST, {
    patienceMillis: 7_200_000,
    signal: stop.signal,
    onWait: () => stop.abort(new Error('stopped')),
  });
  await expect(pages.next()).rejects.toThrow();
  await server.close();
});

describe('HTTPS', () => {
  let directory: string;
  let tls: { readonly key: string; readonly cert: string };

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'usage-client-'));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        .concat(['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=test'])
        .concat(['-addext', 'subjectAltName=IP:127.0.0.1']),
      { stdio: 'ignore' },
    );
    tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const first = async (ca: string | null): Promise<Result<UsagePage, UsageFailure> | undefined> => {
    const server = await scriptedServer(() => pageOf(['1']), tls);
    try {
      const endpoint: UsageEndpoint = { url: server.url, token: 'secret', ca };
      const pages = usagePages(endpoint, REQUEST, { patienceMillis: 0 });
      return (await pages.next()).value ?? undefined;
    } finally {
      await server.close();
    }
  };

  test('with the CA that signed the certificate', async () => {
    expect(await first(tls.cert)).toMatchObject({ ok: true });
  });

  test('without it the server is not trusted, and the message says what to do', async () => {
    expect(await first(null)).toMatchObject({
      error: {
        code: 'Unreachable',
        message: expect.stringContaining('its certificate is not trusted') as string,
      },
    });
  });
});
