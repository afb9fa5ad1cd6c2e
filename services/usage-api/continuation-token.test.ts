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
  visible: 'all',
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

test('a token says where its answer goes on, in letters that a URL takes as they are', () => {
  const digest = answerDigest(ASKED, SOURCES, RESTATED);
  const token = writeToken(digest, KEY);
  expect(token).toMatch(/^[\w-]+$/);
  expect(readToken(token, digest)).toEqual(KEY);
});

test('the order in which the sources were read does not matter, nor which page is asked for', () => {
  const again = { ...ASKED, query: { ...QUERY, continuationToken: 'x' } };
  expect(answerDigest(again, SOURCES.toReversed(), RESTATED)).toBe(
    answerDigest(ASKED, SOURCES, RESTATED),
  );
});

const asked = (change: Partial<VisibleQuery>): Asked => ({
  ...ASKED,
  query: { ...QUERY, ...change },
});

test.each<[string, Asked, typeof SOURCES]>([
  ['granularity', asked({ granularity: 'Daily' }), SOURCES],
  ['start', asked({ from: millis(-3_600_000) }), SOURCES],
  ['end', asked({ to: millis(7_200_000) }), SOURCES],
  ['subscriber', asked({ subscriberId: KEY.subscriptionKey }), SOURCES],
  ['set of tenants', asked({ visible: [KEY.subscriptionKey] }), SOURCES],
  ['caller', { ...ASKED, caller: 'q' }, SOURCES],
  ['API', { ...ASKED, api: 'tenant' }, SOURCES],
  ['sources', ASKED, SOURCES.slice(1)],
  ['epoch', ASKED, SOURCES.map((source) => ({ ...source, epoch: 2 }))],
])('a token of another %s is none', (_, change, sources) => {
  const token = writeToken(answerDigest(change, sources, RESTATED), KEY);
  expect(readToken(token, answerDigest(ASKED, SOURCES, RESTATED))).toBeNull();
});

test.each([
  ['before any hour was restated', []],
  ['before another hour was', [...RESTATED, { hour: millis(3_600_000), generation: 1 }]],
  ['before it was again', [{ hour: millis(0), generation: 3 }]],
  ['where another hour was', [{ hour: millis(3_600_000), generation: 2 }]],
])('a token from %s is none', (_, restated) => {
  const token = writeToken(answerDigest(ASKED, SOURCES, restated), KEY);
  expect(readToken(token, answerDigest(ASKED, SOURCES, RESTATED))).toBeNull();
});

const encoded = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

test.each([
  ['', 'nothing'],
  ['!!', 'no base64url'],
  [encoded('text'), 'other JSON'],
  [encoded([1, 'digest', 5, 'a', 'b']), 'too short'],
  [encoded([2, 'digest', 5, 'a', 'b', 'c']), 'of another version'],
  [encoded([1, 'digest', -5, 'a', 'b', 'c']), 'before 1970'],
  [encoded([1, 'digest', 2 ** 32, 'a', 'b', 'c']), 'after 2106'],
])('%s is no token: %s', (token) => {
  expect(readToken(token, 'digest')).toBeNull();
});

test.each<[string, Partial<RowKey>]>([
  ['usage hour', { usageStart: KEY.usageStart + 7_200 }],
  ['subscription', { subscriptionKey: 'zzzz' }],
  ['meter', { meterKey: 'zzzz' }],
  ['resource', { resourceKey: 'zzzz' }],
])('a token whose %s was changed is none: rows would be passed over', (_, change) => {
  const digest = answerDigest(ASKED, SOURCES, RESTATED);
  const token = writeToken(digest, KEY);
  const fields = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[];
  const { usageStart, subscriptionKey, meterKey, resourceKey } = { ...KEY, ...change };
  const changed = encoded([
    ...fields.slice(0, 2),
    usageStart,
    subscriptionKey,
    meterKey,
    resourceKey,
  ]);
  expect(readToken(changed, digest)).toBeNull();
  expect(readToken(token, digest)).toEqual(KEY);
});

test.each(['!!!', '=', ' ', 'A'])('a token with %j behind it is none', (more) => {
  const digest = answerDigest(ASKED, SOURCES, RESTATED);
  expect(readToken(writeToken(digest, KEY) + more, digest)).toBeNull();
});
