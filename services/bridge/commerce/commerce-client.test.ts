import { hour, submissionOf, uriOf } from '../../../test/support/bridge/examples.ts';
import { scriptedServer, type Answer, type Asked } from '../../../test/support/scripted-server.ts';
import { isoText } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';
import { CommerceClient, type Call } from './commerce-client.ts';
import type { RequestNote } from './made-request.ts';
import { batchBody } from './usage-message.ts';
import { staticToken } from '../../shared/commerce/token-source.ts';
import { fail, succeed } from '../../shared/model/result.ts';

const PENDING: Pending = {
  at: { topic: 'usage.events.compute', epoch: 1, partition: 0 },
  hour: hour(0),
  submission: submissionOf('00000000-0000-4000-8000-000000000000', uriOf('vm'), 0),
};

/** A call that nobody gives up, and whose requests go into a list. */
const call = (requests: RequestNote[] = [], signal = new AbortController().signal): Call => ({
  signal,
  note: (request) => requests.push(request),
});

const failures = async (answer: Answer) => {
  const commerce = await scriptedServer(() => answer);
  const client = new CommerceClient({
    url: commerce.url,
    tokens: staticToken(null),
    requestMillis: 30_000,
    additionalInfo: true,
  });
  try {
    const found = await client.holdings([PENDING], call());
    return [await client.submit([PENDING], call()), found.ok ? found.value : found.error];
  } finally {
    await commerce.close();
  }
};

// eslint-disable-next-line no-restricted-syntax -- the only place that writes an HTTP date
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toUTCString();
const HOUR = 3_600_000;

describe('how long Commerce asks to wait, told with a failure, of sending and of looking up', () => {
  test.each<[string, number]>([
    ['0', 0],
    ['7', 7_000],
    ['120', 120_000],
    ['86400', HOUR], // no longer than an hour
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('Retry-After: %s', async (text, wait) => {
    for (const status of [429, 500, 503]) {
      const answer = { status, headers: { 'retry-after': text }, body: '' };
      const failure = { kind: 'failed', retryAfter: wait };
      expect(await failures(answer)).toMatchObject([failure, failure]);
    }
  });

  test('Retry-After as a date', async () => {
    const answer = { status: 503, headers: { 'retry-after': inAnHour() }, body: '' };
    for (const failure of await failures(answer)) {
      expect(failure).toMatchObject({ kind: 'failed' });
      const wait = 'retryAfter' in failure ? failure.retryAfter : null;
      expect(wait).toBeGreaterThan(HOUR / 2);
      expect(wait).toBeLessThanOrEqual(HOUR);
    }
  });

  test.each(['soon', '-5', '1.5', ''])('"%s" says nothing', async (text) => {
    const answer = { status: 503, headers: { 'retry-after': text }, body: '' };
    expect(await failures(answer)).toMatchObject([{ retryAfter: null }, { retryAfter: null }]);
  });

  test('without the header nothing is said', async () => {
    expect(await failures({ status: 503, body: '' })).toMatchObject([
      { retryAfter: null },
      { retryAfter: null },
    ]);
  });
});

test('what Commerce holds of an hour that cannot be read is not taken for nothing', async () => {
  for (const usageDate of ['1/10/2026 1:00:00 AM', '2026-01-10T01:00:00.123456789Z', '']) {
    const row = { usageDate, usageResourceId: 'r', dimension: 'd', submittedQuantity: 1 };
    const [, found] = await failures({ status: 200, body: JSON.stringify([row]) });
    expect(found).toMatchObject({ kind: 'failed', handling: 'retry' });
  }
});

const pendingOf = (h: number, name: string, dimension: string): Pending => ({
  ...PENDING,
  hour: hour(h),
  submission: { ...PENDING.submission, resourceUri: uriOf(name), dimension },
});

/** One answer to each request, and what was asked. */
const ask = async <T>(
  make: (client: CommerceClient) => Promise<T>,
  answer: (asked: Asked) => Answer,
  token: string | null = null,
) => {
  const commerce = await scriptedServer(answer);
  const client = new CommerceClient({
    url: commerce.url,
    tokens: staticToken(token),
    requestMillis: 30_000,
    additionalInfo: true,
  });
  try {
    const answered = await make(client);
    return { answered, asked: commerce.asked, url: commerce.url };
  } finally {
    await commerce.close();
  }
};

const submit = (answer: Answer, token: string | null = null) =>
  ask(
    (client) => client.submit([PENDING], call()),
    () => answer,
    token,
  );

const item = { status: 'Accepted', quantity: 1.5, usageEventId: 'event' };
const accepted = JSON.stringify({ result: [item] });

test.each([
  [null, null],
  ['secret', 'Bearer secret'],
])(
  'a batch is posted to the version of the API that it is written for, with token %p',
  async (token, authorization) => {
    const { asked } = await submit({ body: accepted }, token);
    expect(asked).toMatchObject([
      {
        method: 'POST',
        path: '/api/batchUsageEvent',
        authorization,
        body: batchBody([PENDING], true),
      },
    ]);
    expect(asked.map(({ query }) => Object.fromEntries(query))).toEqual([
      { 'api-version': '2018-08-31' },
    ]);
  },
);

test('the clock of Commerce is told with its answer', async () => {
  const at = 'Sat, 10 Jan 2026 01:00:00 GMT';
  const items = [
    {
      status: 'Accepted',
      handling: 'compare',
      kind: 'accepted',
      quantity: 1.5,
      usageEventId: 'event',
    },
  ];
  expect((await submit({ headers: { date: at }, body: accepted })).answered).toEqual({
    kind: 'answered',
    items,
    date: hour(1),
  });
  expect((await submit({ headers: { date: 'now' }, body: accepted })).answered).toEqual({
    kind: 'answered',
    items,
    date: null,
  });
});

test.each<[Answer, string, RegExp]>([
  [{ status: 401, body: '' }, 'ask-a-person', /answered 401: it refuses the bridge's credentials/],
  [{ status: 403, body: '' }, 'ask-a-person', /answered 403: it refuses the bridge's credentials/],
  [{ status: 404, body: 'a \n b' }, 'ask-a-person', /answered 404 \(a b\): set COMMERCE_URL/],
  [{ status: 404, body: 'x'.repeat(300) }, 'ask-a-person', /\(x{200}\)/],
  [{ status: 302, headers: { location: '/' }, body: '' }, 'ask-a-person', /answered 302/],
  [{ status: 400, body: '{}' }, 'ask-a-person', /answered 400/],
  [{ status: 429, body: '' }, 'wait', /answered 429$/],
  [{ status: 500, body: '' }, 'retry', /answered 500$/],
  [{ status: 501, body: '' }, 'wait', /answered 501$/],
  [{ status: 200, body: '[]' }, 'retry', /answered 200, and its body is no/],
  ['close', 'retry', /does not answer \(.+\)$/],
])('%j is a failure of Commerce (%s), whatever is asked', async (answer, handling, reason) => {
  const { answered, url } = await submit(answer);
  const failure = { kind: 'failed', handling, reason: expect.stringMatching(reason) as string };
  expect(answered).toMatchObject(failure);
  if ('reason' in answered && handling !== 'retry') expect(answered.reason).toContain(url);
  if (answer !== 'close' && answer !== 'hang' && answer.status === 200) return;
  const lookedUp = await ask(
    (client) => client.holdings([PENDING], call()),
    () => answer,
  );
  expect(lookedUp.answered).toMatchObject(fail(failure));
});

test('what Commerce refuses because of the usage is told as its refusal', async () => {
  const body = '{"code":"BadArgument","message":"why"}';
  expect((await submit({ status: 400, headers: { date: 'now' }, body })).answered).toEqual({
    kind: 'refused',
    message: 'why',
    isAboutTime: false,
    date: null,
  });
});

describe('what Commerce holds', () => {
  const holdings = (pending: readonly Pending[], answer: (asked: Asked) => Answer) =>
    ask((client) => client.holdings(pending, call()), answer);

  const rowOf = ({ hour: at, submission }: Pending, submittedQuantity: number) => ({
    usageDate: isoText(at),
    usageResourceId: submission.resourceUri,
    dimension: submission.dimension,
    submittedQuantity,
  });

  const DAY = { usageStartDate: '2026-01-10T00:00:00Z', UsageEndDate: '2026-01-11T00:00:00Z' };

  test.each<[string, readonly Pending[], Record<string, string>]>([
    [
      'the last hour of a month',
      [pendingOf(24 * 22 - 1, 'a', 'X')],
      {
        usageStartDate: '2026-01-31T00:00:00Z',
        UsageEndDate: '2026-02-01T00:00:00Z',
        dimension: 'X',
        usageResourceId: uriOf('a'),
      },
    ],
    [
      'hours on both sides of the end of a month',
      [pendingOf(24 * 22 - 1, 'a', 'X'), pendingOf(24 * 22, 'a', 'Y')],
      {
        usageStartDate: '2026-01-31T00:00:00Z',
        UsageEndDate: '2026-02-02T00:00:00Z',
        usageResourceId: uriOf('a'),
      },
    ],
    [
      'one submission',
      [pendingOf(1, 'a', 'X')],
      {
        ...DAY,
        dimension: 'X',
        usageResourceId: uriOf('a'),
      },
    ],
    [
      'submissions that share their dimension',
      [pendingOf(3, 'a', 'X'), pendingOf(1, 'b', 'X')],
      { ...DAY, dimension: 'X' },
    ],
    ['submissions that share nothing', [pendingOf(1, 'a', 'X'), pendingOf(2, 'b', 'Y')], DAY],
  ])('of %s is asked for in one request', async (_, pending, query) => {
    const [first] = pending;
    const { answered, asked } = await holdings(pending, () => ({
      body: JSON.stringify(first ? [rowOf(first, 7)] : []),
    }));
    expect(asked).toMatchObject([{ method: 'GET', path: '/api/usageEvents', body: '' }]);
    expect(asked.map((each) => Object.fromEntries(each.query))).toEqual([
      { 'api-version': '2018-08-31', ...query },
    ]);
    expect(answered).toEqual(succeed(pending.map((each) => succeed(each === first ? 7 : null))));
  });

  const flood = JSON.stringify('x'.repeat(16 * 1024 * 1024));

  test('of too many is asked for by hour, then dimension, then resource', async () => {
    const pending = ['X', 'Y'].flatMap((dimension) =>
      [1, 2].flatMap((h) => ['a', 'b'].map((name) => pendingOf(h, name, dimension))),
    );
    const { answered, asked } = await holdings(pending, ({ query }) => {
      if (!query.has('dimension') || !query.has('usageResourceId')) return { body: flood };
      const found = pending.findIndex(
        (each) =>
          isoText(each.hour) === query.get('usageStartDate') &&
          each.submission.dimension === query.get('dimension') &&
          each.submission.resourceUri === query.get('usageResourceId'),
      );
      return {
        body: JSON.stringify(pending.slice(found, found + 1).map((each) => rowOf(each, found))),
      };
    });
    expect(answered).toEqual(succeed(pending.map((_, n) => succeed(n))));
    expect(asked).toHaveLength(1 + 2 + 4 + 8);
  });

  test('of one submission without end is a failure, and so is that of a batch', async () => {
    const failure = {
      kind: 'failed',
      handling: 'retry',
      retryAfter: null,
      reason: 'Commerce gave an answer that is too large',
    };
    const { answered, asked } = await holdings([PENDING], () => ({ body: flood }));
    expect(answered).toEqual(fail(failure));
    expect(asked).toHaveLength(4);
    expect((await submit({ body: flood })).answered).toEqual(failure);
  });

  test('is not known where a part of it cannot be asked for', async () => {
    const pending = [pendingOf(1, 'a', 'X'), pendingOf(2, 'b', 'X')];
    const { answered } = await holdings(pending, ({ query }) => {
      if (query.get('UsageEndDate') === DAY.UsageEndDate) return { body: flood };
      return query.get('usageStartDate') === isoText(hour(2))
        ? { status: 503, body: '' }
        : { body: '[]' };
    });
    expect(answered).toMatchObject(fail({ kind: 'failed', handling: 'wait' }));
  });
});

test('a request that is given up, or not answered in time, says so', async () => {
  const commerce = await scriptedServer(() => 'hang');
  try {
    const client = new CommerceClient({
      url: commerce.url,
      tokens: staticToken(null),
      requestMillis: 50,
      additionalInfo: true,
    });
    expect(await client.submit([PENDING], call())).toMatchObject({ handling: 'retry' });
    const patient = new CommerceClient({
      url: commerce.url,
      tokens: staticToken(null),
      requestMillis: 1_000_000,
      additionalInfo: true,
    });
    expect(await patient.submit([PENDING], call([], AbortSignal.timeout(50)))).toMatchObject({
      kind: 'failed',
      handling: 'retry',
    });
  } finally {
    await commerce.close();
  }
});
