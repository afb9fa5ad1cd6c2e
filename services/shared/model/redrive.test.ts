import { createHmac } from 'node:crypto';
import type { ControlKey, RecordHeaders } from './control-record.ts';
import { REDRIVE_HEADERS, redriveHeaders, redriveKeyId, verifiedRedrive } from './redrive.ts';
import { millis } from './time.ts';

const at = { topic: 'usage.events.compute', epoch: 2, partition: 1 };
const origin = {
  topic: 'usage.events.storage',
  epoch: 1,
  partition: 3,
  offset: 4711,
  reportedTime: millis(1_576_004_400_123),
};
const first: ControlKey = { id: 'first', secret: Buffer.alloc(32, 1) };
const second: ControlKey = { id: 'second', secret: Buffer.alloc(32, 2) };
const value = Buffer.from([0, 0, 0, 0, 1, 2, 3]);
const headers = redriveHeaders(at, origin, value, [first, second]);

test('a redriven record says where it comes from and when it was first reported', () => {
  expect(redriveKeyId(headers)).toBe('first');
  expect(verifiedRedrive(at, headers, value, first)).toEqual(origin);
});

test('a redriven record without a value is signed as one without bytes', () => {
  const signed = redriveHeaders(at, origin, null, [first]);
  expect(verifiedRedrive(at, signed, null, first)).toEqual(origin);
  expect(verifiedRedrive(at, signed, value, first)).toBeNull();
});

test('the headers are what was appended before: their form never changes', () => {
  expect(headers).toEqual({
    'usage-redrive':
      '{"topic":"usage.events.storage","epoch":1,"partition":3,"offset":4711,"reportedTime":1576004400123}',
    'usage-redrive-key': 'first',
    'usage-redrive-signature': createHmac('sha256', first.secret)
      .update('redrive\nfirst\nusage.events.compute/2[1]\n')
      .update(headers[REDRIVE_HEADERS.origin] ?? '')
      .update('\n')
      .update(value)
      .digest('hex'),
  });
});

const changed = (header: string, to: string): RecordHeaders => ({ ...headers, [header]: to });
const signature = headers[REDRIVE_HEADERS.signature] ?? '';

test.each<[string, () => unknown]>([
  ['another topic', () => verifiedRedrive({ ...at, topic: 'x' }, headers, value, first)],
  ['another epoch', () => verifiedRedrive({ ...at, epoch: 3 }, headers, value, first)],
  ['another partition', () => verifiedRedrive({ ...at, partition: 2 }, headers, value, first)],
  ['another value', () => verifiedRedrive(at, headers, Buffer.from([...value, 4]), first)],
  ['no value', () => verifiedRedrive(at, headers, null, first)],
  ['another key', () => verifiedRedrive(at, headers, value, second)],
  [
    'the same secret under another id',
    () => verifiedRedrive(at, headers, value, { ...first, id: 'second' }),
  ],
  ['no headers', () => verifiedRedrive(at, {}, value, first)],
  [
    'an earlier reported time',
    () =>
      verifiedRedrive(
        at,
        changed(
          REDRIVE_HEADERS.origin,
          JSON.stringify({ ...origin, reportedTime: origin.reportedTime - 1 }),
        ),
        value,
        first,
      ),
  ],
  [
    'a signature with more behind it',
    () => verifiedRedrive(at, changed(REDRIVE_HEADERS.signature, `${signature}00`), value, first),
  ],
  [
    'a signature cut short',
    () =>
      verifiedRedrive(at, changed(REDRIVE_HEADERS.signature, signature.slice(0, 32)), value, first),
  ],
])('a signature does not hold for %s', (_, verify) => {
  expect(verify()).toBeNull();
});

test('a signed header that is no origin is none', () => {
  for (const text of ['', 'x', '{}', JSON.stringify({ ...origin, reportedTime: 'now' })]) {
    const signed = {
      [REDRIVE_HEADERS.origin]: text,
      [REDRIVE_HEADERS.key]: first.id,
      [REDRIVE_HEADERS.signature]: createHmac('sha256', first.secret)
        .update(`redrive\nfirst\nusage.events.compute/2[1]\n${text}\n`)
        .update(value)
        .digest('hex'),
    };
    expect(verifiedRedrive(at, signed, value, first)).toBeNull();
  }
});

test('a record without the header names no key', () => {
  expect(redriveKeyId({})).toBeNull();
  expect(redriveKeyId({ [REDRIVE_HEADERS.origin]: '{}' })).toBe('');
});
