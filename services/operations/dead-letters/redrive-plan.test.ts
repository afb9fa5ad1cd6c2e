import {
  encodeEvent,
  eventOf,
  hour,
  keyring,
  knowledge,
  minute,
  placeOf,
  rulesOf,
} from '../../../test/support/fold/fixtures.ts';
import { frame } from '../../shared/avro/wire-format.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import { REDRIVE_HEADERS, redriveHeaders, verifiedRedrive } from '../../shared/model/redrive.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../shared/model/rules.ts';
import type { Source } from '../../shared/model/source.ts';
import { millis } from '../../shared/model/time.ts';
import type { Letter } from './letters.ts';
import { planRedrive, type RedriveWorld } from './redrive-plan.ts';

const event = eventOf();
const compute = placeOf({ partitions: 4 }).source;
const storage: Source = {
  ...compute,
  topic: 'usage.events.storage',
  namespaces: ['microsoft.storage'],
};
const history: Source = {
  ...compute,
  topic: 'usage.history.run',
  kind: 'history',
  state: 'sealed',
  lastHour: hour(3),
  namespaces: ['*'],
};
const home = partitionOfKey(resourceKey(event.resourceUri), 4);

const letterOf = (changes: Partial<Letter> = {}): Letter => ({
  topic: compute.topic,
  epoch: 1,
  partition: (home + 1) % 4,
  offset: 17,
  code: 'wrong-partition',
  message: 'this resource belongs elsewhere',
  reportedTime: minute(30),
  bytes: null,
  disposition: null,
  timestamp: minute(30),
  key: Buffer.from('a key of its own'),
  value: encodeEvent(event),
  headers: { trace: 'abc' },
  ...changes,
});

const worldOf = (changes: Partial<RedriveWorld> = {}): RedriveWorld => ({
  sources: [compute, storage, history],
  judgementOn: (_, { namespaces }) => ({
    rules: rulesOf({ namespaces: [...namespaces] }),
    floor: null,
  }),
  decoders: knowledge.decoders,
  keyring,
  now: minute(90),
  ...changes,
});

const plan = (letter: Letter, world = worldOf(), force = false) =>
  planRedrive(letter, world, force);
const [key] = keyring;

test('the original bytes go to the partition of their resource, under its key', () => {
  const letter = letterOf();
  const planned = plan(letter);
  if (planned.kind !== 'send') throw new Error(planned.reason);
  expect(planned.at).toEqual({ topic: compute.topic, epoch: 1, partition: home });
  expect(planned.record.value).toBe(letter.value);
  expect(planned.record.key?.toString()).toBe(resourceKey(event.resourceUri));
  expect(planned.record.headers['trace']).toBe('abc');
  expect(verifiedRedrive(planned.at, planned.record.headers, letter.value, key)).toEqual({
    topic: compute.topic,
    epoch: 1,
    partition: letter.partition,
    offset: 17,
    reportedTime: minute(30),
  });
});

test('what stood on a topic that does not serve its provider goes to the one that does', () => {
  const planned = plan(letterOf({ topic: storage.topic, code: 'wrong-provider', partition: 0 }));
  expect(planned).toMatchObject({ kind: 'send', at: { topic: compute.topic, partition: home } });
});

test('what stood in an earlier epoch of a topic goes to the present one', () => {
  const sealed: Source = { ...compute, state: 'sealed' };
  const second: Source = { ...compute, epoch: 2, partitions: 8 };
  const planned = plan(letterOf(), worldOf({ sources: [sealed, second] }));
  const partition = partitionOfKey(resourceKey(event.resourceUri), 8);
  expect(planned).toMatchObject({ kind: 'send', at: { epoch: 2, partition } });
});

test('a record that was redriven before keeps the time of its first report', () => {
  const at = letterOf();
  const origin = { topic: 'x', epoch: 1, partition: 0, offset: 1, reportedTime: minute(2) };
  const redriven = letterOf({ headers: redriveHeaders(at, origin, at.value, keyring) });
  const planned = plan(redriven);
  if (planned.kind !== 'send') throw new Error(planned.reason);
  const { headers } = planned.record;
  expect(verifiedRedrive(planned.at, headers, at.value, key)?.reportedTime).toBe(minute(2));

  const forged = { ...redriven.headers, [REDRIVE_HEADERS.signature]: '00' };
  const again = plan(letterOf({ headers: forged }));
  if (again.kind !== 'send') throw new Error(again.reason);
  expect(verifiedRedrive(again.at, again.record.headers, at.value, key)?.reportedTime).toBe(
    minute(30),
  );
});

test('age is judged at the time of the first report, the future now', () => {
  const later = millis(minute(30) + DEFAULT_MAX_USAGE_AGE_MILLIS);
  expect(plan(letterOf(), worldOf({ now: millis(later + 1) }))).toMatchObject({ kind: 'send' });
  expect(plan(letterOf({ code: 'too-old', reportedTime: millis(later + 1) }))).toMatchObject({
    kind: 'hopeless',
    reason: expect.stringContaining('too-old') as unknown,
  });
  const letter = letterOf({ code: 'in-future', reportedTime: millis(hour(0) - 1) });
  expect(plan(letter)).toMatchObject({ kind: 'send' });
  expect(plan(letter, worldOf({ now: millis(hour(0) - 1) }))).toMatchObject({ kind: 'hopeless' });
});

test('rules that were changed meanwhile decide', () => {
  const letter = letterOf({ code: 'too-old', reportedTime: minute(50) });
  const judged = (maxUsageAgeMillis: number, floor = false) =>
    plan(
      letter,
      worldOf({
        judgementOn: () => ({
          rules: rulesOf({ maxUsageAgeMillis }),
          floor: floor ? minute(1) : null,
        }),
      }),
    ).kind;
  expect(judged(49 * 60_000)).toBe('hopeless');
  expect(judged(50 * 60_000)).toBe('send');
  expect(judged(50 * 60_000, true)).toBe('hopeless');
});

test.each<[string, Partial<Letter>]>([
  ['bytes that are no event', { code: 'malformed', value: Buffer.from('no event') }],
  ['no value', { code: 'malformed', value: null }],
  ['a datum cut short', { code: 'malformed', value: encodeEvent(event).subarray(0, 40) }],
  [
    'a schema that is not published',
    { code: 'unknown-schema', value: frame(999, Buffer.alloc(9)) },
  ],
  ['a negative quantity', { value: encodeEvent(eventOf({ quantity: -1n as Quantity })) }],
  ['an id that counts with other content', { code: 'conflict' }],
  [
    'a resource of another subscription',
    { value: encodeEvent(eventOf({ subscriptionId: 'another' })) },
  ],
  [
    'a provider that no topic serves',
    { value: encodeEvent(eventOf({ resourceUri: '/subscriptions/x/providers/No.Body/y' })) },
  ],
])('%s would be refused again: only force sends it, to where it stood', (_, changes) => {
  const letter = letterOf(changes);
  expect(plan(letter).kind).toBe('hopeless');
  const forced = plan(letter, worldOf(), true);
  expect(forced).toMatchObject({
    kind: 'send',
    at: { topic: letter.topic, epoch: 1, partition: letter.partition },
    record: { key: letter.key, value: letter.value },
  });
});

test('a schema that the rules in force do not accept asks for the rules first', () => {
  const other = rulesOf({ schemas: [{ id: 77, fingerprint: 'x' }] });
  expect(
    plan(letterOf(), worldOf({ judgementOn: () => ({ rules: other, floor: null }) })),
  ).toMatchObject({
    kind: 'hopeless',
    reason: expect.stringContaining('rules apply') as unknown,
  });
});

test.each<[string, Partial<Letter>]>([
  ['a control record', { code: 'forged-control', headers: { 'usage-control': 'tick' } }],
  ['a sealed history run', { code: 'outside-run', topic: history.topic }],
])('nothing sends what belongs to %s', (_, changes) => {
  expect(plan(letterOf(changes), worldOf(), true).kind).toBe('impossible');
});

test('there is nowhere to force a record whose topic has no open epoch', () => {
  const sources: readonly Source[] = [{ ...compute, state: 'sealed' }];
  const letter = letterOf({ code: 'malformed', value: Buffer.from('no event') });
  expect(plan(letter, worldOf({ sources }), true).kind).toBe('impossible');
});
