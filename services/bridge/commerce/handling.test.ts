import { readFileSync } from 'node:fs';
import { stringify } from 'lossless-json';
import {
  AT,
  endAll,
  exact,
  kinds,
  open,
  pendingOf,
  stopTheClock,
} from '../../../test/support/bridge/sender-world.ts';
import {
  accepted,
  allAccepted,
  duplicateOf,
  each,
  refusedWith,
} from '../../../test/support/bridge/usage-answers.ts';
import type { Answer, Asked } from '../../../test/support/scripted-server.ts';
import { inRepository } from '../../shared/process/repository.ts';
import { parseTimeInUtc } from '../../shared/model/time-text.ts';
import type { Pending } from '../ports.ts';
import { handlingOfAnswer, handlingOfStatus, STATUS_HANDLING } from './handling.ts';
import { batchBody } from './usage-message.ts';

beforeEach(stopTheClock);
afterEach(endAll);

/** Messages of the real service, from the tests of a client of it (docs/azure.md, "Sources"). */
const MESSAGES = JSON.parse(
  readFileSync(inRepository('test/support/bridge/marketplace-metering-messages.json'), 'utf8'),
) as Readonly<Record<string, Message>>;

interface Message {
  readonly request?: readonly Message[];
  readonly result?: readonly Message[];
  readonly status?: string;
  readonly code?: string;
  readonly resourceUri?: string;
  readonly effectiveStartTime?: string;
  readonly dimension?: string;
  readonly quantity?: number;
  readonly planId?: string;
}

/** The submission that a message is about. */
const submissionOf = (message: Message, n: number): Pending => {
  const at = parseTimeInUtc(message.effectiveStartTime ?? '2021-12-14T01:00:00');
  if (!at.ok) throw new Error(at.error);
  return {
    at: AT,
    hour: at.value.instant,
    submission: {
      ...pendingOf(n).submission,
      resourceUri: message.resourceUri ?? '/subscriptions/s/resource',
      dimension: message.dimension ?? 'dimension',
      quantity: exact(String(message.quantity ?? 1)),
      planId: message.planId ?? 'plan1',
    },
  };
};

/** What becomes of submissions to which Commerce answers this once, and of which it holds nothing. */
const outcomesOf = async (pending: readonly Pending[], answer: (asked: Asked) => Answer) => {
  const hours = [...new Set(pending.map(({ hour }) => hour))];
  const byHour = hours.map((hour) => pending.filter((each) => each.hour === hour));
  const world = open(byHour, (asked, nth) => {
    if (asked.method === 'GET') return { body: '[]' };
    return nth === 0 ? answer(asked) : allAccepted(asked);
  });
  await world.settled(pending.length);
  return world;
};

/** As the service writes them: an answer has the messages in the order of the request. */
const answerOf = (messages: readonly Message[], pending: readonly Pending[]) => (): Answer => {
  const order = pending.toSorted((a, b) => a.hour - b.hour);
  const result = order.map((each) => messages[pending.indexOf(each)]);
  return { body: stringify({ count: result.length, result }) ?? '' };
};

const MESSAGE_OUTCOMES: Readonly<Record<string, readonly string[] | 'request'>> = {
  MarketplaceBatchRequest: 'request',
  MarketplaceRequest: 'request',
  MarketplaceBatchResponseDTO: [
    'Accepted: accepted',
    'Duplicate: mismatch',
    'ResourceNotFound: dead-lettered',
    'Expired: carried',
    'InvalidDimension: dead-lettered',
  ],
  MarketplaceErrorDuplicate: ['Duplicate: mismatch'],
  MarketplaceExpiredErrorResponse: ['BadArgument: carried'],
  MarketplaceGenericError: ['ResourceNotFound: dead-lettered'],
  MarketplaceSuccessResponse: ['Accepted: accepted'],
};

test('every message of the real service has its handling', () => {
  expect(Object.keys(MESSAGE_OUTCOMES).toSorted()).toEqual(Object.keys(MESSAGES).toSorted());
});

describe.each(Object.entries(MESSAGE_OUTCOMES))('the message %s', (name, expected) => {
  const message = MESSAGES[name] ?? {};

  test(`ends in ${String(expected)}`, async () => {
    if (expected === 'request') {
      const [sample] = message.request ?? [message];
      const body = JSON.parse(batchBody([submissionOf(sample ?? {}, 0)], false)) as Message;
      const fields = Object.keys(body.request?.[0] ?? {}).map((field) =>
        field === 'resourceUri' ? 'resourceId' : field,
      );
      expect(fields).toEqual(expect.arrayContaining(Object.keys(sample ?? {})));
      return;
    }
    const messages = message.result ?? [message];
    const pending = messages.map(submissionOf);
    const isRefusal = message.code !== undefined;
    const world = await outcomesOf(
      pending,
      isRefusal
        ? () => ({ status: 400, body: JSON.stringify(message) })
        : answerOf(messages, pending),
    );
    const found = pending.map(({ submission }, n) => {
      const outcome = world.outcomes.find(
        (one) => one.pending.submission.submissionId === submission.submissionId,
      );
      return `${messages[n]?.status ?? messages[n]?.code ?? ''}: ${outcome?.kind ?? 'none'}`;
    });
    expect(found).toEqual(expected);
  });
});

/** What becomes of one submission, by what its item in the answer says. */
const STATUS_OUTCOMES: readonly (readonly [string, object, string])[] = [
  ['Accepted', accepted, 'accepted'],
  ['Duplicate', duplicateOf('1.5'), 'duplicate'],
  ['Duplicate', duplicateOf('2'), 'mismatch'],
  ['Expired', refusedWith('Expired'), 'carried'],
  ['Error', refusedWith('Error'), 'accepted'], // the second time
  ['ResourceNotFound', refusedWith('ResourceNotFound'), 'dead-lettered'],
  ['ResourceNotAuthorized', refusedWith('ResourceNotAuthorized'), 'dead-lettered'],
  ['ResourceNotActive', refusedWith('ResourceNotActive'), 'dead-lettered'],
  ['InvalidDimension', refusedWith('InvalidDimension'), 'dead-lettered'],
  ['InvalidQuantity', refusedWith('InvalidQuantity'), 'dead-lettered'],
  ['BadArgument', refusedWith('BadArgument'), 'dead-lettered'],
  ['a status that nobody has documented', refusedWith('Perhaps'), 'accepted'], // the second time
];

test('every status has its handling', () => {
  const tried = new Set(STATUS_OUTCOMES.map(([status]) => status));
  expect([...tried].filter((status) => Object.hasOwn(STATUS_HANDLING, status)).toSorted()).toEqual(
    Object.keys(STATUS_HANDLING).toSorted(),
  );
});

test('every status that Azure documents has its handling, and no other', () => {
  const facts = readFileSync(inRepository('docs/azure.md'), 'utf8');
  const [, table = ''] = /^### Batch statuses\n([^]*?)^#/m.exec(facts) ?? [];
  const statuses = [...table.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, status]) => status),
  );
  expect(statuses.toSorted()).toEqual(Object.keys(STATUS_HANDLING).toSorted());
});

test.each(STATUS_OUTCOMES)('%s (%j) ends in %s', async (_, item, kind) => {
  const world = await outcomesOf([pendingOf(0)], (asked) => each(asked, () => item));
  expect(kinds(world)).toEqual([kind]);
});

test('what is too old by an error of its time is looked up and carried, not dead-lettered', async () => {
  const tooOld = {
    status: 'BadArgument',
    error: {
      code: 'BadArgument',
      details: [{ code: 'BadArgument', target: 'EffectiveStartTime', message: 'has expired' }],
    },
  };
  const world = await outcomesOf([pendingOf(0), pendingOf(1)], (asked) =>
    each(asked, (_, index) => (index === 0 ? tooOld : accepted)),
  );
  expect(world.outcomes.map(({ kind, code }) => [kind, code]).toSorted()).toEqual([
    ['accepted', ''],
    ['carried', 'Expired'],
  ]);
  expect(handlingOfStatus('BadArgument', ['dimension'])).toBe('dead-letter');
});

test.each([
  [200, 'items'],
  [400, 'split'],
  [401, 'renew-token'],
  [403, 'renew-token'],
  [404, 'ask-a-person'],
  [408, 'wait'],
  [409, 'compare'],
  [413, 'split'],
  [429, 'wait'],
  [500, 'retry'],
  [502, 'wait'],
  [503, 'wait'],
  [504, 'wait'],
  [201, 'ask-a-person'],
  [302, 'ask-a-person'],
])('an answer %p is handled so: %s', (status, handling) => {
  expect(handlingOfAnswer(status)).toBe(handling);
});

test('409 to one alone is a duplicate of what it says was accepted; a batch is split', async () => {
  const conflict = (asked: Asked): Answer => ({
    status: 409,
    body: JSON.stringify({
      code: 'Conflict',
      message: 'This usage event already exist.',
      additionalInfo: { acceptedMessage: { quantity: 1.5, usageEventId: asked.path } },
    }),
  });
  const world = open([[pendingOf(0), pendingOf(1)]], conflict);
  await world.settled(2);
  expect(kinds(world)).toEqual(['duplicate', 'duplicate']);
  expect(world.requests.map(({ submissionIds }) => submissionIds.length)).toEqual([2, 1, 1]);
});

test('413 to one alone is dead-lettered; a batch is split', async () => {
  const world = open([[pendingOf(0), pendingOf(1)]], () => ({ status: 413, body: '' }));
  await world.settled(2);
  expect(kinds(world)).toEqual(['dead-lettered', 'dead-lettered']);
  expect(world.commerce.asked).toHaveLength(3);
});

test('each request is recorded with its ids, what came back, and what was done about it', async () => {
  const answers: readonly ((asked: Asked) => Answer)[] = [
    () => ({ status: 503, body: '' }),
    (asked) => ({
      headers: { 'x-ms-requestid': 'theirs' },
      ...each(asked, (_, index) => (index === 0 ? accepted : refusedWith('Expired'))),
    }),
    () => ({ body: '[]' }),
  ];
  const world = open(
    [[pendingOf(0), pendingOf(1)]],
    (asked, nth) => answers[nth]?.(asked) ?? 'close',
  );
  await world.settled(2);
  const [first, second] = [pendingOf(0), pendingOf(1)].map(
    ({ submission }) => submission.submissionId,
  );
  expect(world.requests).toMatchObject([
    {
      operation: 'submit',
      correlationId: first,
      httpStatus: 503,
      handling: 'wait',
      message: 'Commerce at http://commerce.test answered 503',
      submissionIds: [first, second],
      statuses: [],
    },
    {
      operation: 'submit',
      correlationId: first,
      httpStatus: 200,
      handling: 'items',
      message: '',
      commerceRequestId: 'theirs',
      submissionIds: [first, second],
      statuses: ['Accepted', 'Expired'],
    },
    {
      operation: 'look-up',
      correlationId: second,
      httpStatus: 200,
      handling: 'items',
      submissionIds: [second],
      statuses: [],
    },
  ]);
  expect(new Set(world.requests.map(({ requestId }) => requestId)).size).toBe(3);
  expect(world.commerce.asked.map(({ ids }) => ids)).toEqual(
    world.requests.map(({ requestId, correlationId }) => [requestId, correlationId]),
  );
});
