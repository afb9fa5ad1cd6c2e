import { isLosslessNumber, LosslessNumber, stringify } from 'lossless-json';
import { hour, uriOf } from '../../test/support/bridge/examples.ts';
import type { Answer, Asked } from '../../test/support/scripted-server.ts';
import {
  endAll,
  ended,
  kinds,
  open,
  pendingOf,
  stopTheClock,
} from '../../test/support/bridge/sender-world.ts';
import {
  accepted,
  allAccepted,
  duplicateOf,
  each,
  holds,
  refusedWith,
  requestOf,
} from '../../test/support/bridge/usage-answers.ts';
import { isoText } from '../shared/model/time.ts';
import { carryOf } from '../shared/model/usage-carry.ts';

beforeEach(stopTheClock);
afterEach(endAll);

test('a sender that gets nothing through says for how long, until something gets through', async () => {
  let isAway = true;
  const world = open([[pendingOf(1)]], (asked) =>
    isAway ? { status: 503, body: '' } : allAccepted(asked),
  );
  await world.until('it has failed for a while', () => world.sender.status().notSentFor > 0);
  isAway = false;
  await world.settled(1);
  expect(world.sender.status()).toMatchObject({ notSentFor: 0, lastError: null });
});

test('batches have at most 25 submissions, in the order of their hours', async () => {
  const hours = [1, 0, 2].map((h) => Array.from({ length: 20 }, (_, n) => pendingOf(n, '1.5', h)));
  const world = open(hours, allAccepted);
  await world.settled(60);
  const requests = world.commerce.asked.map(requestOf);
  expect(requests.map((request) => request.length)).toEqual([25, 25, 10]);
  const times = requests.flat().map(({ effectiveStartTime }) => effectiveStartTime);
  expect(times).toEqual([...times].sort());
  expect(new Set(kinds(world))).toEqual(new Set(['accepted']));
  expect(world.finished).toHaveLength(3);
  expect(world.commerce.asked[0]).toMatchObject({
    path: '/api/batchUsageEvent',
    authorization: 'Bearer secret',
  });
  expect(world.commerce.asked[0]?.query.get('api-version')).toBe('2018-08-31');
});

test('a quantity is sent with all its digits, as a JSON number', async () => {
  const quantity = '123456789012345.123456789012345678901234567891';
  const world = open([[pendingOf(0, quantity)]], allAccepted);
  await world.settled(1);
  expect(world.commerce.asked[0]?.body).toContain(`"quantity":${quantity},`);
  expect(world.outcomes[0]).toMatchObject({
    kind: 'accepted',
    acceptedQuantity: Number(quantity),
    usageEventId: 'e1',
  });
});

test('what is sent again is sent word for word', async () => {
  const world = open([[pendingOf(0), pendingOf(1)]], (asked, nth) =>
    nth === 0 ? 'close' : allAccepted(asked),
  );
  await world.settled(2);
  const [first, second] = world.commerce.asked;
  expect(second?.body).toBe(first?.body);
});

test.each<[string, (asked: Asked) => Answer]>([
  ['the connection breaks', () => 'close'],
  ['there is no answer', () => 'hang'],
  ['500', () => ({ status: 500, body: 'oops' })],
  ['503', () => ({ status: 503, body: '' })],
  ['429', () => ({ status: 429, headers: { 'retry-after': '0' }, body: '' })],
  ['403', () => ({ status: 403, body: '{}' })],
  ['404', () => ({ status: 404, body: '' })],
  ['a redirect', () => ({ status: 302, headers: { location: '/' }, body: '' })],
  ['400 that is not about usage', () => ({ status: 400, body: '<html>' })],
  [
    '400 about the api-version',
    () => ({ status: 400, body: '{"code":"BadArgument","details":[{"target":"api-version"}]}' }),
  ],
  ['broken JSON', () => ({ body: '{"result":[{' })],
  ['JSON that is no answer', () => ({ body: '[1]' })],
  [
    'an item too few',
    (asked) => ({ body: stringify({ result: requestOf(asked).slice(1) }) ?? '' }),
  ],
  ['items about other things', (asked) => each(asked, () => ({ ...accepted, dimension: 'x' }))],
  [
    'items of another hour',
    (asked) => each(asked, () => ({ ...accepted, effectiveStartTime: '2020-01-01T00:00:00' })),
  ],
  [
    'items in another order',
    (asked) => ({
      body:
        stringify({
          result: requestOf(asked)
            .map((sent) => ({ ...sent, ...accepted }))
            .reverse(),
        }) ?? '',
    }),
  ],
  ['an unknown status', (asked) => each(asked, () => ({ status: 'Perhaps' }))],
  ['Accepted without a quantity', (asked) => each(asked, () => ({ ...accepted, quantity: null }))],
  ['the status Error', (asked) => each(asked, () => refusedWith('Error'))],
])('%s: it is tried again until it is accepted, and nothing is lost', async (_, trouble) => {
  const world = open(
    [[pendingOf(0), pendingOf(1)]],
    (asked, nth) => (nth < 3 ? trouble(asked) : allAccepted(asked)),
    { requestMillis: 100 },
  );
  await world.settled(2);
  expect(kinds(world)).toEqual(['accepted', 'accepted']);
  expect(world.sender.status()).toEqual({ pending: 0, lastError: null, notSentFor: 0 });
  expect(world.commerce.asked.length).toBeGreaterThan(3);
  expect(new Set(world.commerce.asked.map(({ method }) => method))).toEqual(new Set(['POST']));
});

test.each([
  ['sending', 'POST'],
  ['looking up', 'GET'],
])(
  'as long as Commerce asks to wait (Retry-After) it is asked nothing, after %s',
  async (_, method) => {
    const asked: number[] = [];
    let isBusy = false;
    const world = open([[pendingOf(0)], [pendingOf(1, '1', 1)]], (request) => {
      asked.push(Date.now());
      if (!isBusy && request.method === method) {
        isBusy = true;
        return { status: 503, headers: { 'retry-after': '1' }, body: '' };
      }
      if (request.method === 'GET') return { body: '[]' };
      return each(request, () => refusedWith('Expired'));
    });
    await world.settled(2);
    const nth = method === 'POST' ? 0 : 1; // the request that was answered 503
    // A timer may end a millisecond early by another clock.
    expect((asked[nth + 1] ?? 0) - (asked[nth] ?? 0)).toBeGreaterThanOrEqual(990);
  },
);

test('without Retry-After the pauses grow, up to the longest that is set', async () => {
  const asked: number[] = [];
  const world = open(
    [[pendingOf(0)]],
    (request, nth) => {
      asked.push(Date.now());
      return nth < 3 ? { status: 503, body: '' } : allAccepted(request);
    },
    { retryMillis: 700 },
  );
  await world.settled(1);
  const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  for (const [index, least] of [250, 350, 350].entries()) {
    expect(pauses[index]).toBeGreaterThanOrEqual(least - 10);
  }
});

test('while Commerce is away, what keeps it from sending is told', async () => {
  const world = open([[pendingOf(0)]], () => ({ status: 403, body: '' }), {
    retryMillis: 60_000,
  });
  await world.until('it has failed', () => world.sender.status().lastError !== null);
  expect(world.sender.status()).toMatchObject({ pending: 1 });
  expect(world.sender.status().lastError).toMatch(/403.*COMMERCE_TOKEN/);
});

test('Duplicate with our quantity is done; with another one it is an alarm', async () => {
  const world = open([[pendingOf(0, '1.50'), pendingOf(1)]], (asked) =>
    each(asked, (_, index) => duplicateOf(index === 0 ? '1.500' : '1.5000000000000002')),
  );
  await world.settled(2);
  expect(kinds(world)).toEqual(['duplicate', 'mismatch']);
  expect(world.outcomes[1]?.acceptedQuantity).toBe(1.5000000000000002);
});

test('Accepted with another quantity than was sent is an alarm', async () => {
  const world = open([[pendingOf(0, '0.1')]], (asked) =>
    each(asked, () => ({ ...accepted, quantity: new LosslessNumber('0.10000000000000002') })),
  );
  await world.settled(1);
  expect(kinds(world)).toEqual(['mismatch']);
});

test.each([
  ['9.1234567890123461', '9.123456789012346'],
  ['9.1234567890123461', '9.1234567890123461'],
  ['16.464384784843892844', '16.464384784843894'], // the sum of two hours is no double
  ['123456789012345.123456789012345678901234567891', '1.2345678901234512e14'],
  ['0.000000000000000000000000000001', '1e-30'],
  ['0.000000000000001234567890123457', '1.2345678901234569E-15'], // more places than ours
])('a Commerce that keeps doubles has accepted %s where it answers %s', async (ours, answered) => {
  const world = open([[0, 1, 2].map((n) => pendingOf(n, ours))], (asked) => {
    if (asked.method === 'GET') return holds(asked, answered);
    return each(asked, (_, index) => {
      if (index === 0) return { ...accepted, quantity: new LosslessNumber(answered) };
      return index === 1 ? duplicateOf(answered) : refusedWith('Expired');
    });
  });
  await world.settled(3);
  expect(kinds(world)).toEqual(['accepted', 'duplicate', 'accepted']);
  expect(world.outcomes.map(({ acceptedQuantity }) => acceptedQuantity)).toEqual(
    Array.from({ length: 3 }, () => Number(answered)),
  );
  expect(world.carries).toEqual([]);
});

describe('Expired', () => {
  const expired = (asked: Asked): Answer => each(asked, () => refusedWith('Expired', 'too old'));

  test('it is looked up first: accepted before, so the answer was lost', async () => {
    const world = open([[pendingOf(0)]], (asked) =>
      asked.method === 'POST' ? expired(asked) : holds(asked, '1.5'),
    );
    await world.settled(1);
    expect(kinds(world)).toEqual(['accepted']);
    expect(world.carries).toEqual([]);
    expect(world.commerce.asked[1]).toMatchObject({ method: 'GET', path: '/api/usageEvents' });
  });

  test('Commerce holds another quantity: an alarm, and nothing is carried', async () => {
    const world = open([[pendingOf(0)]], (asked) =>
      asked.method === 'POST' ? expired(asked) : holds(asked, '2'),
    );
    await world.settled(1);
    expect(kinds(world)).toEqual(['mismatch']);
    expect(world.carries).toEqual([]);
  });

  test('Commerce holds nothing of it: carried, with all its digits', async () => {
    const quantity = '0.000000000000000000000000000001';
    const world = open([[pendingOf(0, quantity)]], (asked) =>
      asked.method === 'POST' ? expired(asked) : { body: '[]' },
    );
    await world.settled(1);
    expect(world.outcomes[0]).toMatchObject({ kind: 'carried', code: 'Expired' });
    expect(world.carries).toEqual([carryOf(pendingOf(0, quantity), 'expired')]);
  });

  test('nothing can carry it: dead-lettered, and it says why', async () => {
    const world = open(
      [[pendingOf(0)]],
      (asked) => (asked.method === 'POST' ? expired(asked) : { body: '[]' }),
      { cannotCarry: 'History is not carried.' },
    );
    await world.settled(1);
    expect(world.outcomes[0]).toMatchObject({
      kind: 'dead-lettered',
      code: 'Expired',
      message: 'too old History is not carried.',
    });
    expect(world.carries).toEqual([]);
  });

  test('while it cannot be looked up, nothing is carried', async () => {
    let looks = 0;
    const world = open([[pendingOf(0)]], (asked) => {
      if (asked.method === 'POST') return expired(asked);
      looks++;
      if (looks === 1) return { status: 503, body: '' };
      return looks === 2 ? { body: '{' } : holds(asked, '1.5');
    });
    await world.settled(1);
    expect(kinds(world)).toEqual(['accepted']);
    expect(world.carries).toEqual([]);
  });

  test("by a clock that is behind the usage's hour, it is sent again and not carried", async () => {
    const world = open([[pendingOf(0)]], (asked, nth) => {
      if (asked.method === 'GET') return { body: '[]' };
      if (nth > 0) return allAccepted(asked);
      const answer = expired(asked);
      return typeof answer === 'string'
        ? answer
        : { ...answer, headers: { date: 'Fri, 09 Jan 2026 23:59:59 GMT' } };
    });
    await world.settled(1);
    expect(kinds(world)).toEqual(['accepted']);
    expect(world.carries).toEqual([]);
  });
});

describe('many submissions that Commerce takes no more', () => {
  const expired = (asked: Asked): Answer => each(asked, () => refusedWith('Expired', 'too old'));
  const row = (n: number, h: number, submittedQuantity: unknown): object => ({
    usageDate: isoText(hour(h)),
    usageResourceId: uriOf(`VM${String(n)}`),
    dimension: 'dim',
    submittedQuantity,
  });
  const many = [0, 1].map((h) => Array.from({ length: 100 }, (_, n) => pendingOf(n, '1.5', h)));

  test('are looked up, carried and recorded in one request, one append and one write', async () => {
    const world = open(many, (asked) =>
      asked.method === 'POST' ? expired(asked) : { body: '[]' },
    );
    await world.settled(200);
    const looks = world.commerce.asked.filter(({ method }) => method === 'GET');
    expect(looks.map(({ query }) => Object.fromEntries(query))).toEqual([
      {
        'api-version': '2018-08-31',
        usageStartDate: '2026-01-10T00:00:00Z',
        UsageEndDate: '2026-01-11T00:00:00Z',
        dimension: 'DIM',
      },
    ]);
    expect(world.steps).toEqual(['register', '200 carries', '200 outcomes']);
    expect(world.carries.map(({ submissionId }) => submissionId)).toEqual(
      many.flat().map(({ submission }) => submission.submissionId),
    );
    expect(new Set(kinds(world))).toEqual(new Set(['carried']));
  });

  test('each is settled by what Commerce holds of its own resource, dimension and hour', async () => {
    const world = open(
      [0, 1].map((h) => [0, 1, 2].map((n) => pendingOf(n, '1.5', h))),
      (asked, nth) => {
        if (asked.method === 'POST') return nth === 0 ? expired(asked) : allAccepted(asked);
        const rows = [row(0, 0, 1.5), row(0, 1, 2), row(1, 1, 1.5), row(2, 1, 'much')];
        return { body: JSON.stringify([...rows, { ...row(1, 0, 1.5), dimension: 'other' }]) };
      },
    );
    await world.settled(5);
    const found = world.outcomes
      .slice(0, 5)
      .map(({ pending, kind }) => [
        (pending.hour - hour(0)) / 3_600_000,
        pending.submission.resourceUri.slice(-1),
        kind,
      ]);
    expect(found).toEqual([
      [0, '0', 'accepted'],
      [0, '1', 'carried'],
      [0, '2', 'carried'],
      [1, '0', 'mismatch'],
      [1, '1', 'accepted'],
    ]);
    // What cannot be read holds up its own submission alone, and nothing of it is carried.
    await world.settled(6);
    expect(world.outcomes[5]).toMatchObject({ kind: 'accepted', pending: { hour: hour(1) } });
    expect(world.carries).toHaveLength(2);
  });

  test('are asked for in parts where the answer for all is too large', async () => {
    const flood = JSON.stringify('x'.repeat(17 * 1024 * 1024));
    const world = open(
      [0, 1].map((h) => [0, 1].map((n) => pendingOf(n, '1.5', h))),
      (asked) => {
        if (asked.method === 'POST') return expired(asked);
        const isOfOneHour = asked.query.get('UsageEndDate') !== '2026-01-11T00:00:00Z';
        if (!isOfOneHour) return { body: flood };
        const isSecond = asked.query.get('usageStartDate') === isoText(hour(1));
        if (isSecond && !asked.query.has('usageResourceId')) return { body: flood };
        return { body: JSON.stringify([row(1, 1, 1.5)]) };
      },
    );
    await world.settled(4);
    expect(kinds(world)).toEqual(['carried', 'carried', 'carried', 'accepted']);
    expect(world.steps).toEqual(['register', '3 carries', '4 outcomes']);
  });

  test('are not recorded as carried before their carries are in the log', async () => {
    const world = open(
      [[pendingOf(0), pendingOf(1)]],
      (asked) => (asked.method === 'POST' ? expired(asked) : { body: '[]' }),
      { failedAppends: 3 },
    );
    await world.settled(2);
    expect(world.steps).toEqual(['register', '2 carries', '2 carries', '2 carries', '2 outcomes']);
    expect(world.carries).toHaveLength(2);
  });

  test('the others of their page are recorded where looking up fails', async () => {
    const world = open([[pendingOf(0), pendingOf(1)]], (asked, nth) => {
      if (nth === 0)
        return each(asked, (_, index) => (index === 0 ? accepted : refusedWith('Expired')));
      if (asked.method === 'POST') return expired(asked);
      return nth < 4 ? { status: 503, body: '' } : { body: '[]' };
    });
    await world.settled(2);
    expect(kinds(world)).toEqual(['accepted', 'carried']);
    expect(world.steps).toEqual(['1 outcomes', 'register', '1 carries', '1 outcomes']);
  });
});

test.each([
  'ResourceNotFound',
  'ResourceNotAuthorized',
  'ResourceNotActive',
  'InvalidDimension',
  'InvalidQuantity',
  'BadArgument',
])('%s is dead-lettered with its message; the others of the batch go on', async (status) => {
  const world = open([[pendingOf(0), pendingOf(1), pendingOf(2)]], (asked) =>
    each(asked, (_, index) => (index === 1 ? refusedWith(status) : accepted)),
  );
  await world.settled(3);
  expect(kinds(world)).toEqual(['accepted', 'dead-lettered', 'accepted']);
  expect(world.outcomes[1]).toMatchObject({ code: status, message: 'because' });
});

test('a batch that is refused as a whole is sent in halves; what is refused alone is dead-lettered', async () => {
  const bad = pendingOf(1).submission.resourceUri;
  const world = open([[pendingOf(0), pendingOf(1), pendingOf(2)]], (asked) =>
    requestOf(asked).some(({ resourceUri }) => resourceUri === bad)
      ? {
          status: 400,
          body: '{"code":"BadArgument","details":[{"message":"no","target":"resourceUri"}]}',
        }
      : allAccepted(asked),
  );
  await world.settled(3);
  expect(kinds(world)).toEqual(['accepted', 'dead-lettered', 'accepted']);
  expect(world.outcomes[1]).toMatchObject({ code: 'BadRequest', message: 'no' });
});

test('one submission that Commerce cannot digest does not keep the others from being sent', async () => {
  const bad = pendingOf(1).submission.resourceUri;
  const world = open([[pendingOf(0), pendingOf(1), pendingOf(2)]], (asked) =>
    requestOf(asked).some(({ resourceUri }) => resourceUri === bad)
      ? { status: 500, body: '' }
      : allAccepted(asked),
  );
  await world.settled(2);
  expect(world.outcomes.map(({ pending }) => pending.submission.resourceUri).toSorted()).toEqual(
    [pendingOf(0), pendingOf(2)].map(({ submission }) => submission.resourceUri),
  );
  expect(world.sender.status().pending).toBe(1);
});

test('Error for one submission does not hold up another hour', async () => {
  const bad = pendingOf(0).submission.resourceUri;
  const world = open([[pendingOf(0)], [pendingOf(1, '1', 1)]], (asked) =>
    each(asked, ({ resourceUri }) => (resourceUri === bad ? refusedWith('Error') : accepted)),
  );
  await world.settled(1);
  expect(world.outcomes[0]?.pending.hour).toBe(hour(1));
  expect(world.finished.map(({ hour: at }) => at)).toEqual([hour(1)]);
});

test('a stop ends the batch in flight and records its outcomes', async () => {
  const all = Array.from({ length: 60 }, (_, n) => pendingOf(n));
  const world = open([all], (request) => {
    void world.sender.stop();
    return allAccepted(request);
  });
  await world.until('it is asked to stop', () => world.commerce.asked.length > 0);
  await ended(world.sender.stop());
  expect(world.outcomes).toHaveLength(25);
  const sent = world.commerce.asked.flatMap(requestOf);
  expect(sent).toHaveLength(world.outcomes.length);
});

test('the helper reads numbers without rounding them', () => {
  const [sent] = requestOf({
    method: '',
    target: '',
    path: '',
    query: new URLSearchParams(),
    authorization: null,
    ids: [],
    body: '{"request":[{"quantity":0.10000000000000000001}]}',
  });
  expect(isLosslessNumber(sent?.quantity) && sent.quantity.value).toBe('0.10000000000000000001');
});
