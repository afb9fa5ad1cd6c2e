import type { Keyring } from '../shared/model/control-record.ts';
import { millis } from '../shared/model/time.ts';
import {
  answerDigest,
  readToken,
  writeToken,
  type Asked,
  type RowKey,
} from './continuation-token.ts';
import type { VisibleQuery } from './usage-query.ts';

const QUERY: VisibleQuery = {
  granularity: 'Hourly',
  from: millis(0),
  to: millis(3_600_000),
  subscriberId: null,
  continuationToken: null,
  visible: { allBut: [] },
};
const ASKED: Asked = { api: 'provider', caller: 'p', query: QUERY };
const SOURCES = [
  { topic: 'usage.events.compute', epoch: 1 },
  { topic: 'usage.history.sample', epoch: 1 },
];
const RESTATED = [{ hour: millis(0), generation: 2 }];
const KEY: RowKey = {
  usageStart: 1_576_000_800,
  subscriptionKey: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  meterKey: 'b5c15376-6c94-4fdd-b655-1a69d138aca3',
  resourceKey: `/subscriptions/…/providers/x/"quote'\\ \t\n\u{1F600}`,
};

const KEYS: Keyring = [{ id: 'new', secret: Buffer.alloc(32, 1) }];
const OLDER_KEYS: Keyring = [{ id: 'old', secret: Buffer.alloc(32, 2) }];
const DIGEST = answerDigest(ASKED, SOURCES, RESTATED);

const problemOf = (token: string, keys = KEYS): string | null => {
  const read = readToken(token, DIGEST, keys);
  return read.ok ? null : read.error;
};

test('a token says where its answer goes on, in letters that a URL takes as they are', () => {
  const token = writeToken(DIGEST, KEY, KEYS);
  expect(token).toMatch(/^[\w-]+$/);
  expect(readToken(token, DIGEST, KEYS)).toEqual({ ok: true, value: KEY });
});

test('the order in which the sources were read does not matter, nor which page is asked for', () => {
  const again = { ...ASKED, query: { ...QUERY, continuationToken: 'x' } };
  expect(answerDigest(again, SOURCES.toReversed(), RESTATED)).toEqual(DIGEST);
});

const asked = (change: Partial<VisibleQuery>): Asked => ({
  ...ASKED,
  query: { ...QUERY, ...change },
});

test.each<[string, Asked]>([
  ['granularity', asked({ granularity: 'Daily' })],
  ['start', asked({ from: millis(-3_600_000) })],
  ['end', asked({ to: millis(7_200_000) })],
  ['subscriber', asked({ subscriberId: KEY.subscriptionKey })],
  ['caller', { ...ASKED, caller: 'q' }],
  ['API', { ...ASKED, api: 'tenant' }],
])('a token of another %s is foreign', (_, other) => {
  expect(problemOf(writeToken(answerDigest(other, SOURCES, RESTATED), KEY, KEYS))).toBe('foreign');
});

test.each<[string, typeof SOURCES, typeof RESTATED]>([
  ['of other sources', SOURCES.slice(1), RESTATED],
  ['of another epoch', SOURCES.map((source) => ({ ...source, epoch: 2 })), RESTATED],
  ['from before any hour was restated', SOURCES, []],
  [
    'from before another hour was',
    SOURCES,
    [...RESTATED, { hour: millis(3_600_000), generation: 1 }],
  ],
  ['from before it was again', SOURCES, [{ hour: millis(0), generation: 3 }]],
  ['where another hour was', SOURCES, [{ hour: millis(3_600_000), generation: 2 }]],
])('a token %s is stale', (_, sources, restated) => {
  expect(problemOf(writeToken(answerDigest(ASKED, sources, restated), KEY, KEYS))).toBe('stale');
});

test('a token of the same caller with other tenants is stale', () => {
  const other = asked({ visible: [KEY.subscriptionKey] });
  expect(problemOf(writeToken(answerDigest(other, SOURCES, RESTATED), KEY, KEYS))).toBe('stale');
});

const encoded = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

const POSITION = [KEY.usageStart, KEY.subscriptionKey, KEY.meterKey, KEY.resourceKey];

test.each([
  ['', 'nothing'],
  ['!!', 'no base64url'],
  [encoded('text'), 'other JSON'],
  [encoded([2, DIGEST, POSITION]), 'too short'],
  [encoded([2, DIGEST, POSITION, '']), 'not signed'],
  [encoded([1, DIGEST, POSITION, 'x']), 'of another version'],
  [encoded([2, DIGEST, [-5, 'a', 'b', 'c'], 'x']), 'before 1970'],
  [encoded([2, DIGEST, [2 ** 32, 'a', 'b', 'c'], 'x']), 'after 2106'],
])('%s is no token: %s', (token) => {
  expect(problemOf(token)).toBe('not-ours');
});

type Fields = [number, Record<string, string>, (string | number)[], string];

test.each<[string, (fields: Fields) => unknown]>([
  ['usage hour', ([v, d, [t = 0, ...p], s]) => [v, d, [Number(t) + 7_200, ...p], s]],
  ['subscription', ([v, d, [t = 0, , ...p], s]) => [v, d, [t, 'zzzz', ...p], s]],
  ['meter', ([v, d, [t = 0, k = '', , r = ''], s]) => [v, d, [t, k, 'zzzz', r], s]],
  ['resource', ([v, d, p, s]) => [v, d, [...p.slice(0, 3), 'zzzz'], s]],
  ['query', ([v, d, p, s]) => [v, { ...d, asked: 'zzzz' }, p, s]],
  ['signature', ([v, d, p, s]) => [v, d, p, `${s.slice(0, -2)}AA`]],
])('a token whose %s was changed is not ours: rows would be passed over', (_, change) => {
  const token = writeToken(DIGEST, KEY, KEYS);
  const fields = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Fields;
  expect(encoded(fields)).toBe(token);
  expect(problemOf(encoded(change(fields)))).toBe('not-ours');
});

test('a token that somebody has signed without our key is not ours', () => {
  expect(problemOf(writeToken(DIGEST, KEY, OLDER_KEYS))).toBe('not-ours');
});

test('a token of a key that is being replaced is still ours', () => {
  expect(problemOf(writeToken(DIGEST, KEY, OLDER_KEYS), [...KEYS, ...OLDER_KEYS])).toBeNull();
});

test.each(['!!!', '=', ' ', 'A'])('a token with %j behind it is none', (more) => {
  expect(problemOf(writeToken(DIGEST, KEY, KEYS) + more)).toBe('not-ours');
});

test('signature-of-wide-letters: a forged signature of the right number of letters, but more bytes, is refused and is no defect', () => {
  const token = writeToken(DIGEST, KEY, KEYS);
  const fields = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[];
  const { length } = fields.at(-1) as string;
  const forged = JSON.stringify([...fields.slice(0, -1), 'é'.repeat(length)]);
  expect(problemOf(Buffer.from(forged).toString('base64url'))).toBe('not-ours');
});
