import {
  encodeEvent,
  eventOf,
  hour,
  keyring,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesOf,
} from '../../../test/support/fold/fixtures.ts';
import { framed, rawDatum, rawEventOf } from '../../../test/hostile/raw-event.ts';
import { frame } from '../avro/wire-format.ts';
import { QUANTITY_LIMIT, type Quantity } from '../model/decimal.ts';
import type { LogRecord } from '../model/log-record.ts';
import { partitionOfKey, resourceKey } from '../model/placement.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS, serializeRules, type Rules } from '../model/rules.ts';
import { redriveHeaders } from '../model/redrive.ts';
import { millis, type Millis } from '../model/time.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import { classify } from './classify.ts';
import { activate } from './knowledge.ts';
import type { Verdict } from './verdict.ts';

const REPORTED = minute(30);
const place = placeOf();

const judge = (
  record: LogRecord,
  rules: Rules = rulesOf(),
  at = place,
  reported = REPORTED,
  floor: Millis | null = null,
): Verdict =>
  classify(
    record,
    at,
    activate(rules, serializeRules(rules)),
    { watermark: reported, floor },
    knowledge,
  );

const judgeEvent = (changes: Partial<UsageEvent>): Verdict => judge(recordOf(eventOf(changes), 1));
const judgeBytes = (value: Buffer | null): Verdict =>
  judge(recordOf(eventOf(), 1, REPORTED, { value }));

const codeOf = (verdict: Verdict): string =>
  verdict.kind === 'dead-letter' ? verdict.code : verdict.kind;

const sound = encodeEvent(eventOf());
const subscription = eventOf().subscriptionId;
const uri = (rest: string): string => `/subscriptions/${subscription}${rest}`;
const providers = '/providers/Microsoft.Compute/';

test('a valid event in its place is a candidate, with identities in lower case', () => {
  const event = eventOf({ meterId: 'METER', quantity: 5n as Quantity });
  const verdict = judge(recordOf(event, 1));
  expect(verdict).toMatchObject({
    kind: 'candidate',
    candidate: {
      quantity: 5n,
      usageHour: hour(0),
      subscriptionKey: subscription,
      meterKey: 'meter',
      resourceKey: resourceKey(event.resourceUri),
    },
  });
});

describe('bytes', () => {
  test.each<[string, Buffer | null, string]>([
    ['no value', null, 'malformed'],
    ['an empty value', Buffer.alloc(0), 'malformed'],
    ['four bytes', sound.subarray(0, 4), 'malformed'],
    ['another magic byte', Buffer.concat([Buffer.from([1]), sound.subarray(1)]), 'malformed'],
    ['a schema id that the rules do not accept', frame(2, sound.subarray(5)), 'unknown-schema'],
    ['a schema id without any schema', frame(0xffffffff, sound.subarray(5)), 'unknown-schema'],
    ['nothing after the schema id', sound.subarray(0, 5), 'malformed'],
    ['a datum without its last byte', sound.subarray(0, -1), 'malformed'],
    ['a byte after the datum', Buffer.concat([sound, Buffer.from([0])]), 'malformed'],
  ])('%s: %s', (_, value, code) => {
    expect(codeOf(judgeBytes(value))).toBe(code);
  });

  test('every strict prefix of a record is malformed', () => {
    for (let length = 0; length < sound.length; length++) {
      expect(codeOf(judgeBytes(sound.subarray(0, length)))).toBe('malformed');
    }
  });

  test('a schema that this process has and the rules do not accept is unknown', () => {
    const rules = rulesOf({ schemas: [{ id: 77, fingerprint: 'x' }] });
    expect(codeOf(judge(recordOf(eventOf(), 1), rules))).toBe('unknown-schema');
  });
});

describe('identities', () => {
  // 1,024 bytes, and one more; letters of one byte and of two.
  const long = (bytes: number): string =>
    `${'é'.repeat(Math.floor(bytes / 2))}${'x'.repeat(bytes % 2)}`;
  const longUri = (bytes: number): string => uri(providers).padEnd(bytes, 'x');

  test.each<[string, Partial<UsageEvent>, string]>([
    ['a NUL in the meter', { meterId: 'a\0b' }, 'invalid-text'],
    ['a NUL in the subscription', { subscriptionId: `${subscription}\0` }, 'invalid-text'],
    ['a NUL in the resource', { resourceUri: uri(`${providers}vm\0`) }, 'invalid-text'],
    ['a tab in the meter', { meterId: 'a\tb' }, 'invalid-text'],
    ['a line feed in the resource', { resourceUri: uri(`${providers}vm\n`) }, 'invalid-text'],
    ['a control character at the end', { meterId: 'a\u0001' }, 'invalid-text'],
    ['an escape sequence', { meterId: '\u001b[2Jno difference' }, 'invalid-text'],
    ['DEL in the meter', { meterId: 'a\u007f' }, 'invalid-text'],
    ['the C1 control CSI in the meter', { meterId: '\u009b2J' }, 'invalid-text'],
    ['a line separator in the meter', { meterId: 'a\u2028b' }, 'invalid-text'],
    ['a paragraph separator in the meter', { meterId: 'a\u2029b' }, 'invalid-text'],
    ['letters of other scripts and planes', { meterId: 'Größe 計量 \u{1f600}' }, 'candidate'],
    ['an empty meter', { meterId: '' }, 'invalid-identity'],
    ['an empty subscription', { subscriptionId: '' }, 'invalid-identity'],
    ['an empty resource', { resourceUri: '' }, 'invalid-identity'],
    ['a meter of 1,024 bytes', { meterId: long(1024) }, 'candidate'],
    ['a meter of 1,025 bytes', { meterId: long(1025) }, 'invalid-identity'],
    ['a resource of 1,024 bytes', { resourceUri: longUri(1024) }, 'candidate'],
    ['a resource of 1,025 bytes', { resourceUri: longUri(1025) }, 'invalid-identity'],
    ['an unknown meter', { meterId: 'nobody knows it' }, 'candidate'],
    ['a NUL in other texts', { location: '\0', tags: '\0', additionalInfo: '\0' }, 'candidate'],
  ])('%s: %s', (_, changes, code) => {
    expect(codeOf(judgeEvent(changes))).toBe(code);
  });
});

describe('times', () => {
  const oldest = millis(REPORTED - DEFAULT_MAX_USAGE_AGE_MILLIS);

  test.each<[string, number, number, string]>([
    ['an end at the start', minute(5), minute(5), 'invalid-period'],
    ['an end before the start', minute(5), minute(4), 'invalid-period'],
    ['one millisecond', minute(5), minute(5) + 1, 'candidate'],
    ['a whole hour', hour(0), hour(1), 'candidate'],
    ['a millisecond into the next hour', hour(0), hour(1) + 1, 'spans-hours'],
    ['a millisecond of the hour before', hour(0) - 1, hour(0) + 1, 'spans-hours'],
    ['the last millisecond of an hour', hour(0) - 1, hour(0), 'candidate'],
    ['a start at the reported time', REPORTED, hour(1), 'candidate'],
    ['a start after the reported time', REPORTED + 1, hour(1), 'in-future'],
    ['a start as old as allowed', oldest, oldest + 1, 'candidate'],
    ['a start a millisecond older', oldest - 1, oldest, 'too-old'],
    ['a time before 1970', -5, -4, 'too-old'],
  ])('%s: %s', (_, start, end, code) => {
    expect(codeOf(judgeEvent({ usageStartTime: millis(start), usageEndTime: millis(end) }))).toBe(
      code,
    );
  });

  test('the age is limited by the rules in force', () => {
    const event = eventOf({ usageStartTime: hour(-2), usageEndTime: hour(-1) });
    const rules = rulesOf({ maxUsageAgeMillis: 2 * 3_600_000 });
    expect(codeOf(judge(recordOf(event, 1), rules))).toBe('too-old');
    expect(codeOf(judge(recordOf(event, 1)))).toBe('candidate');
  });
});

describe('quantities', () => {
  test.each<[bigint, string]>([
    [0n, 'candidate'],
    [1n, 'candidate'],
    [QUANTITY_LIMIT - 1n, 'candidate'],
    [QUANTITY_LIMIT, 'quantity-too-large'],
    [2n ** 255n - 1n, 'quantity-too-large'],
    [2n ** 255n, 'invalid-quantity'],
    [-1n, 'negative-quantity'],
    [-(2n ** 255n), 'negative-quantity'],
  ])('%s: %s', (quantity, code) => {
    expect(codeOf(judgeEvent({ quantity: quantity as Quantity }))).toBe(code);
  });

  test('one that is not in its shortest form is refused', () => {
    // The quantity 1e-30 is one byte, 01, after its length 2 in zigzag; then the same with a zero before it.
    const one = encodeEvent(eventOf({ quantity: 1n as Quantity, location: 'here' }));
    const at = one.indexOf(Buffer.from('020108', 'hex'));
    const longer = Buffer.concat([
      one.subarray(0, at),
      Buffer.from('040001', 'hex'),
      one.subarray(at + 2),
    ]);
    expect(at).toBeGreaterThan(0);
    expect(codeOf(judgeBytes(longer))).toBe('invalid-quantity');
  });
});

describe('places', () => {
  const event = eventOf();
  const key = resourceKey(event.resourceUri);
  const judgeKey = (given: Buffer | null): string =>
    codeOf(judge(recordOf(event, 1, REPORTED, { key: given })));

  test.each<[string, Buffer | null]>([
    ['no key', null],
    ['an empty key', Buffer.alloc(0)],
    ['the resource as written', Buffer.from(event.resourceUri)],
    ['a longer key', Buffer.from(`${key}/`)],
  ])('%s is the wrong key', (_, given) => {
    expect(judgeKey(given)).toBe('wrong-key');
  });

  test('a key that is not UTF-8 is wrong, even where replacing its bytes would give the resource', () => {
    const odd = eventOf({ resourceUri: uri(`${providers}\uFFFD`) });
    const bytes = Buffer.from(resourceKey(odd.resourceUri), 'utf8');
    expect(codeOf(judge(recordOf(odd, 1)))).toBe('candidate');
    const key = Buffer.concat([bytes.subarray(0, -3), Buffer.from([0xff])]);
    expect(codeOf(judge(recordOf(odd, 1, REPORTED, { key })))).toBe('wrong-key');
  });

  test('every partition but the one of the key is wrong', () => {
    const home = partitionOfKey(key, 6);
    const codes = Array.from({ length: 6 }, (_, partition) =>
      codeOf(judge(recordOf(event, 1), rulesOf(), placeOf({ partitions: 6 }, partition))),
    );
    expect(codes.filter((code) => code === 'candidate')).toHaveLength(1);
    expect(codes[home]).toBe('candidate');
    expect(codes.filter((code) => code === 'wrong-partition')).toHaveLength(5);
  });

  test.each<[string, Partial<UsageEvent>, string]>([
    [
      'another namespace',
      { resourceUri: uri('/providers/Microsoft.Network/ip') },
      'wrong-provider',
    ],
    ['no namespace', { resourceUri: uri('/resourceGroups/rg') }, 'wrong-provider'],
    [
      'the namespace of the first of two providers',
      { resourceUri: uri('/providers/Microsoft.Compute/vm/providers/Microsoft.Network/ip') },
      'candidate',
    ],
    [
      'another one first',
      { resourceUri: uri('/providers/Microsoft.Network/ip/providers/Microsoft.Compute/vm') },
      'wrong-provider',
    ],
    ['another subscription', { subscriptionId: 'another' }, 'wrong-subscription'],
    [
      'the subscription in other letters',
      { subscriptionId: subscription.toUpperCase() },
      'candidate',
    ],
    [
      'a resource of no subscription',
      { resourceUri: '/providers/Microsoft.Compute/vm' },
      'wrong-subscription',
    ],
    ['the URI in other letters', { resourceUri: uri(`${providers}vm`).toUpperCase() }, 'candidate'],
  ])('%s: %s', (_, changes, code) => {
    expect(codeOf(judgeEvent(changes))).toBe(code);
  });

  test('rules with * take every namespace, and resources without one', () => {
    const rules = rulesOf({ namespaces: ['*'] });
    const other = eventOf({ resourceUri: uri('/resourceGroups/rg') });
    expect(codeOf(judge(recordOf(other, 1), rules))).toBe('candidate');
  });
});

test('the first line of the table that fits decides', () => {
  const wrong: [Partial<UsageEvent>, string][] = [
    [{ meterId: '\0' }, 'invalid-text'],
    [{ meterId: '' }, 'invalid-identity'],
    [{ usageStartTime: hour(3), usageEndTime: hour(2) }, 'invalid-period'],
    [{ usageStartTime: minute(59), usageEndTime: minute(61) }, 'spans-hours'],
    [{ usageStartTime: hour(3), usageEndTime: millis(hour(3) + 1) }, 'in-future'],
    [{ quantity: -1n as Quantity }, 'negative-quantity'],
    [{ resourceUri: uri('/providers/Microsoft.Network/ip') }, 'wrong-provider'],
    [{ subscriptionId: 'another' }, 'wrong-subscription'],
  ];
  for (let first = 0; first < wrong.length; first++) {
    // Each fault together with all that come after it; of two for one field the first one stands.
    const changes = Object.assign(
      {},
      ...wrong
        .slice(first)
        .map(([fault]) => fault)
        .reverse(),
    ) as Partial<UsageEvent>;
    expect(codeOf(judgeEvent(changes))).toBe(wrong[first]?.[1]);
  }
  const badPlace = judge(
    recordOf(eventOf({ quantity: -1n as Quantity }), 1, REPORTED, { key: null }),
  );
  expect(codeOf(badPlace)).toBe('negative-quantity');
});

describe('usage that is too old when its dead letter is sent again', () => {
  const age = rulesOf().maxUsageAgeMillis;
  const event = eventOf({ usageStartTime: minute(0), usageEndTime: minute(5) });
  const later = millis(REPORTED + age);
  const first = recordOf(event, 1, REPORTED);
  const origin = { topic: 't', epoch: 1, partition: 0, offset: 1, reportedTime: REPORTED };
  const redriven = (headers: Readonly<Record<string, string>>): Verdict =>
    judge({ ...first, headers }, rulesOf(), place, later);

  test('is judged by the time at which it was first reported', () => {
    expect(codeOf(redriven({}))).toBe('too-old');
    expect(codeOf(redriven(redriveHeaders(place, origin, first.value, keyring)))).toBe('candidate');
  });

  test('is too old where that time is not signed for this place, these bytes and an accepted key', () => {
    const elsewhere = { ...place, partition: place.partition + 1 };
    expect(codeOf(redriven(redriveHeaders(elsewhere, origin, first.value, keyring)))).toBe(
      'too-old',
    );
    expect(codeOf(redriven(redriveHeaders(place, origin, Buffer.from('x'), keyring)))).toBe(
      'too-old',
    );
    const other = redriveHeaders(place, origin, first.value, [
      { id: 'other', secret: Buffer.alloc(32, 3) },
    ]);
    expect(codeOf(redriven(other))).toBe('too-old');
  });

  test('is refused all the same below the floor of a trimmed ledger', () => {
    const headers = redriveHeaders(place, origin, first.value, keyring);
    const at = (floor: Millis): string =>
      codeOf(judge({ ...first, headers }, rulesOf(), place, later, floor));
    expect(at(minute(0))).toBe('candidate');
    expect(at(millis(minute(0) + 1))).toBe('below-floor');
  });
});

test.each<[string, Partial<UsageEvent>, string]>([
  ['a location of 1,024 bytes', { location: 'é'.repeat(512) }, 'candidate'],
  ['a longer location', { location: 'é'.repeat(513) }, 'text-too-long'],
  ['tags of 64 KiB', { tags: 'x'.repeat(65_536) }, 'candidate'],
  ['longer tags', { tags: 'x'.repeat(65_537) }, 'text-too-long'],
  ['longer additional info', { additionalInfo: '€'.repeat(21_846) }, 'text-too-long'],
])('%s', (_, changes, code) => {
  expect(codeOf(judgeEvent(changes))).toBe(code);
});

test.each<[bigint, bigint, string]>([
  [2n ** 52n + 1n, 2n ** 52n + 2n, 'in-future'],
  [2n ** 53n + 1n, 2n ** 53n + 1n, 'invalid-period'],
  [2n ** 53n, 2n ** 53n + 1n, 'in-future'],
  [2n ** 63n - 2n, 2n ** 63n - 1n, 'in-future'],
  [2n ** 63n - 1n, 2n ** 63n - 2n, 'invalid-period'],
  [-(2n ** 63n), -(2n ** 63n) + 1n, 'too-old'],
  [-(2n ** 63n), 2n ** 63n - 1n, 'spans-hours'],
])('a time of 64 bits is exact: %s to %s is %s', (usageStartTime, usageEndTime, code) => {
  const event = { ...rawEventOf(eventOf()), usageStartTime, usageEndTime };
  expect(codeOf(judgeBytes(framed(rawDatum(event))))).toBe(code);
});
