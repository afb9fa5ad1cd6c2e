import { hour, submissionOf, uriOf } from '../../../test/support/bridge/examples.ts';
import { isoText } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';
import { readBatchAnswer, readRefusal, readHoldings } from './read-answer.ts';
import { fail, succeed } from '../../shared/model/result.ts';

const pendingOf = (name: string, h = 0): Pending => ({
  at: { topic: 'usage.events.compute', epoch: 1, partition: 0 },
  hour: hour(h),
  submission: submissionOf('00000000-0000-4000-8000-000000000000', uriOf(name), h),
});

const one = pendingOf('one');
const echo = {
  resourceUri: uriOf('one'),
  dimension: 'DIM',
  effectiveStartTime: isoText(hour(0)),
  planId: 'plan',
};

/** What is read of an item about the only submission of a batch. */
const itemOf = (item: unknown) => {
  const answers = readBatchAnswer(JSON.stringify({ result: [item] }), [one]);
  return answers.ok ? answers.value[0] : answers.error;
};

const accepted = { ...echo, status: 'Accepted', quantity: 1.5, usageEventId: 'event' };

describe('nothing in an answer is believed', () => {
  test.each(['', 'no JSON', 'null', '[]', '"text"', '{}', '{"result":{}}', '{"result":"[]"}'])(
    'that is no answer to a batch: %s',
    (body) => {
      expect(readBatchAnswer(body, [one])).toEqual(fail('its body is not an answer to a batch'));
    },
  );

  test.each([[[]], [[accepted, accepted]]])('with fewer or more items: %j', (result) => {
    expect(readBatchAnswer(JSON.stringify({ result }), [one])).toEqual(
      fail(expect.stringMatching(/items for 1 submissions$/)),
    );
  });

  test.each([
    ['another resource', { resourceUri: uriOf('two') }],
    ['another dimension', { dimension: 'OTHER' }],
    ['another hour', { effectiveStartTime: isoText(hour(1)) }],
    ['no hour', { effectiveStartTime: 'now' }],
  ])('where an item tells %s', (_, change) => {
    const items = [
      { ...accepted, resourceUri: uriOf('zero') },
      { ...accepted, ...change },
    ];
    expect(readBatchAnswer(JSON.stringify({ result: items }), [pendingOf('zero'), one])).toEqual(
      fail('item 1 is about something else'),
    );
  });

  test.each([
    [
      'no quantity',
      { ...accepted, quantity: undefined },
      'item 0: it is accepted without a quantity',
    ],
    [
      'a quantity that is text',
      { ...accepted, quantity: '1.5' },
      'item 0: it is accepted without a quantity',
    ],
  ])('where an item is accepted with %s', (_, item, why) => {
    expect(itemOf(item)).toBe(why);
  });

  test('where an item has an infinite quantity', () => {
    const body = JSON.stringify({ result: [accepted] }).replace('1.5', '1e999');
    expect(readBatchAnswer(body, [one])).toEqual(fail('item 0: it is accepted without a quantity'));
  });
});

test.each([
  ['echoes what was sent', {}],
  ['echoes it in other letters', { resourceUri: uriOf('one').toUpperCase(), dimension: 'dim' }],
  ['writes its hour in another way', { effectiveStartTime: isoText(hour(0)).replace('Z', '') }],
  ['echoes nothing', { resourceUri: undefined, dimension: null, effectiveStartTime: undefined }],
])('an item that %s is about the submission at its place', (_, change) => {
  expect(itemOf({ ...accepted, ...change })).toEqual({
    status: 'Accepted',
    handling: 'compare',
    kind: 'accepted',
    quantity: 1.5,
    usageEventId: 'event',
  });
});

test('items are read in the order of the submissions', () => {
  const items = [accepted, { ...accepted, resourceUri: uriOf('two'), quantity: 2 }];
  expect(readBatchAnswer(JSON.stringify({ result: items }), [one, pendingOf('two')])).toMatchObject(
    succeed([{ quantity: 1.5 }, { quantity: 2 }]),
  );
});

test.each<[string, unknown, string]>([
  ['no object', [], ''],
  ['nothing', null, ''],
  ['no status', echo, ''],
  ['a status that is no text', { ...accepted, status: 1 }, ''],
  ['a status in other letters', { ...accepted, status: 'accepted' }, 'accepted'],
  ['an endless status', { status: 'x'.repeat(50) }, 'x'.repeat(40)],
])('an item with %s is sent again; the others of its batch count', (_, item, status) => {
  expect(itemOf(item)).toEqual({
    status,
    handling: 'retry',
    message: `its status is "${status}"`,
  });
});

describe('a duplicate', () => {
  const duplicate = (error: unknown) => itemOf({ ...echo, status: 'Duplicate', error });

  test('tells what Commerce holds', () => {
    const acceptedMessage = { quantity: 9.5, usageEventId: 'first' };
    expect(duplicate({ additionalInfo: { acceptedMessage } })).toEqual({
      status: 'Duplicate',
      handling: 'compare',
      kind: 'duplicate',
      quantity: 9.5,
      usageEventId: 'first',
    });
  });

  test.each([
    [undefined],
    [{}],
    [{ additionalInfo: [] }],
    [{ additionalInfo: { acceptedMessage: { quantity: '9.5', usageEventId: 7 } } }],
  ])('without it tells no quantity: %j', (error) => {
    expect(duplicate(error)).toMatchObject({ kind: 'duplicate', quantity: null, usageEventId: '' });
  });
});

describe('a refusal', () => {
  const refusal = (status: string, error: unknown) => itemOf({ ...echo, status, error });
  const message = 'why';

  test.each([
    ['Expired', { handling: 'look-up', message }],
    ['Error', { handling: 'retry', message }],
    ...[
      'ResourceNotFound',
      'ResourceNotAuthorized',
      'ResourceNotActive',
      'InvalidDimension',
      'InvalidQuantity',
      'BadArgument',
    ].map((code): [string, object] => [code, { handling: 'dead-letter', message }]),
  ])('%s is what it says', (status, expected) => {
    expect(refusal(status, { message })).toEqual({ status, ...expected });
  });

  test.each<[string, unknown, string]>([
    ['the details', { message, details: [{ message: 'a' }, { message: 'b' }] }, 'a b'],
    ['the details that say something', { message, details: [{}, { message: 'b' }, 'c'] }, 'b'],
    ['itself where the details say nothing', { message, details: [{}] }, message],
    ['itself where the details are none', { message, details: { message: 'a' } }, message],
    ['nothing without an error', undefined, ''],
    ['nothing where it is no text', { message: 5 }, ''],
    ['a thousand letters at most', { message: 'x'.repeat(1001) }, 'x'.repeat(1000)],
  ])('says %s', (_, error, expected) => {
    expect(refusal('Expired', error)).toMatchObject({ message: expected });
  });
});

describe('a request that is refused as a whole', () => {
  const about = (target: unknown) =>
    readRefusal(
      JSON.stringify({ code: 'BadArgument', message: 'm', details: [{ message: 'd', target }] }),
    );

  test.each([['usageEvents'], ['api-versions'], [undefined]])(
    'for %s is about the usage',
    (target) => {
      expect(about(target)).toEqual({ message: 'd', isAboutTime: false });
    },
  );

  test.each(['api-version', 'Api-Version'])('for %s is about how it was called', (target) => {
    expect(about(target)).toBeNull();
  });

  test('for several things is about the usage only where none is about the call', () => {
    const details = [{ target: 'usageEvents' }, { target: 'api-version' }];
    expect(readRefusal(JSON.stringify({ code: 'BadArgument', details }))).toBeNull();
  });

  test('without details says its message', () => {
    expect(readRefusal('{"code":"BadArgument","message":"m","details":"d"}')).toEqual({
      message: 'm',
      isAboutTime: false,
    });
  });

  test.each(['', '<html>', 'null', '{}', '{"code":"Forbidden","message":"m"}'])(
    'in other words is not known: %s',
    (body) => {
      expect(readRefusal(body)).toBeNull();
    },
  );
});

describe('what Commerce holds', () => {
  const row = (name: string, submittedQuantity: unknown, h = 0) => ({
    usageDate: isoText(hour(h)),
    usageResourceId: uriOf(name),
    dimension: 'DIM',
    submittedQuantity,
  });
  const holdings = (rows: unknown, pending: readonly Pending[] = [one]) =>
    readHoldings(JSON.stringify(rows), pending);

  test('is told for each submission, in their order', () => {
    const rows = [
      row('two', 2),
      row('one', 1),
      row('one', 3, 1),
      { ...row('one', 4), dimension: 'x' },
    ];
    expect(holdings(rows, [one, pendingOf('two'), pendingOf('none'), pendingOf('one', 1)])).toEqual(
      succeed([1, 2, null, 3].map(succeed)),
    );
  });

  test('is found in whatever letters and way of writing the hour', () => {
    const other = {
      ...row('one', 1),
      usageResourceId: uriOf('one').toUpperCase(),
      dimension: 'dim',
      usageDate: isoText(hour(0)).replace('Z', ''),
    };
    expect(holdings([other])).toEqual(succeed([succeed(1)]));
  });

  test('is what it names first', () => {
    expect(holdings([row('one', 1), row('one', 2)])).toEqual(succeed([succeed(1)]));
  });

  test.each([[undefined], ['1'], [null]])('without a quantity is not nothing: %j', (quantity) => {
    expect(holdings([row('one', quantity)])).toEqual(
      succeed([fail(`Commerce holds usage of ${isoText(hour(0))} without a quantity`)]),
    );
  });

  test('of a day as a whole says nothing of an hour, and is not nothing', () => {
    const day = { ...row('one', 17), usageDate: '2026-01-10T00:00:00Z', submittedCount: 17 };
    expect(holdings([day], [pendingOf('one', 5), pendingOf('two', 5)])).toEqual(
      succeed([
        fail('Commerce lists 17 usage events of 2026-01-10T00:00:00Z as one'),
        succeed(null),
      ]),
    );
  });

  test.each([
    ['no list', { rows: [] }],
    ['a row without an hour', [row('one', 1), {}]],
    ['a row that is none', [5]],
    ['a row with a wrong hour', [{ ...row('one', 1), usageDate: 'today' }]],
  ])('is not known from %s', (_, rows) => {
    expect(holdings(rows)).toEqual(fail('its body is not a list of usage'));
  });
});
