import {
  CONTROL_HEADER,
  controlKeyId,
  controlRecord,
  hourPartHeaders,
  isSignedFor,
  keyFingerprint,
  type ControlKey,
} from './control-record.ts';

const at = { topic: 'usage.events.compute', epoch: 1, partition: 2 };
const first: ControlKey = { id: 'first', secret: Buffer.alloc(32, 1) };
const second: ControlKey = { id: 'second', secret: Buffer.alloc(32, 2) };
const tick = controlRecord('tick', at, 'body', [first, second]);

test('the first key signs, and its id travels with the record', () => {
  expect(tick.headers[CONTROL_HEADER]).toBe('tick');
  expect(controlKeyId(tick.headers)).toBe('first');
  expect(isSignedFor(at, tick.headers, tick.value, first)).toBe(true);
});

test('the record is what was appended before: its signature never changes', () => {
  expect(tick).toEqual({
    key: null,
    value: Buffer.from('body'),
    headers: {
      'usage-control': 'tick',
      'usage-control-key': 'first',
      'usage-control-signature': '3701240cc0cef29ddfe7ccdcf31f63c52e169575e903c30f45741b35f021e0d4',
    },
  });
});

test('a part of an hour is signed for its source partition, and as nothing else', () => {
  const value = Buffer.from('hour-part');
  const headers = hourPartHeaders(at, value, [first, second]);
  expect(headers).not.toHaveProperty(CONTROL_HEADER);
  expect(controlKeyId(headers)).toBe('first');
  expect(isSignedFor(at, headers, value, first)).toBe(true);
  expect(isSignedFor({ ...at, partition: 3 }, headers, value, first)).toBe(false);
  expect(isSignedFor(at, headers, Buffer.from('Aggregate'), first)).toBe(false);
  expect(isSignedFor(at, { ...headers, [CONTROL_HEADER]: 'tick' }, value, first)).toBe(false);
  const { [CONTROL_HEADER]: _, ...withoutKind } = tick.headers;
  expect(isSignedFor(at, withoutKind, tick.value, first)).toBe(false);
});

test.each<[string, () => boolean]>([
  ['another topic', () => isSignedFor({ ...at, topic: 'x' }, tick.headers, tick.value, first)],
  ['another epoch', () => isSignedFor({ ...at, epoch: 2 }, tick.headers, tick.value, first)],
  [
    'another partition',
    () => isSignedFor({ ...at, partition: 3 }, tick.headers, tick.value, first),
  ],
  ['another body', () => isSignedFor(at, tick.headers, Buffer.from('bodY'), first)],
  ['no body', () => isSignedFor(at, tick.headers, null, first)],
  [
    'another kind',
    () => isSignedFor(at, { ...tick.headers, [CONTROL_HEADER]: 'end' }, tick.value, first),
  ],
  ['another key', () => isSignedFor(at, tick.headers, tick.value, second)],
  [
    'the same secret under another id',
    () => isSignedFor(at, tick.headers, tick.value, { ...first, id: 'second' }),
  ],
  ['no headers', () => isSignedFor(at, {}, tick.value, first)],
  [
    'a signature with more behind it',
    () =>
      isSignedFor(
        at,
        {
          ...tick.headers,
          'usage-control-signature': `${tick.headers['usage-control-signature'] ?? ''}00`,
        },
        tick.value,
        first,
      ),
  ],
])('a signature does not hold for %s', (_, holds) => {
  expect(holds()).toBe(false);
});

test('a fingerprint tells keys apart by id and by secret, and does not contain the secret', () => {
  const prints = [
    first,
    second,
    { ...first, id: 'x' },
    { ...first, secret: Buffer.alloc(31, 1) },
  ].map(keyFingerprint);
  expect(new Set(prints).size).toBe(4);
  expect(prints.every((print) => /^[0-9a-f]{16}$/.test(print))).toBe(true);
  expect(prints[0]).not.toContain('0101');
});
