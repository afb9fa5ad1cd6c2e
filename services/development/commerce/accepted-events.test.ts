import { jest } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../shared/process/errors.ts';
import { isoText, millis, type Hour } from '../../shared/model/time.ts';
import { AcceptedEvents, type Scan } from './accepted-events.ts';
import { identityOf, type AcceptedEvent } from './metering-event.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { Store } from './store.ts';

let directory: string;
let store: Store;
let events: AcceptedEvents;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commerce-'));
  store = await Store.open(directory);
  events = await AcceptedEvents.load(store);
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const hour = (text: string): Hour => timeOf(`2026-03-${text}:00:00Z`);

let made = 0;
const event = (
  resourceUri: string,
  at: string,
  quantity = '1',
  dimension = 'dim1',
): AcceptedEvent => ({
  resource: { resourceUri },
  quantity: Number(quantity),
  dimension,
  effectiveStartTime: `2026-03-${at}:30:00`,
  hour: hour(at),
  planId: 'plan1',
  usageEventId: `event-${String(made++)}`,
  messageTime: millis(1_700_000_000_000 + made),
  additionalInfo: null,
  registration: 'stamp',
  tenantSubscription: null,
  billedTo: 'payer',
});

const kinds = async (...candidates: readonly AcceptedEvent[]): Promise<readonly string[]> =>
  (await events.accept(candidates)).map(({ kind }) => kind);

const scan = async (wanted: Scan): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { resource, hour: at } of events.scan(wanted)) {
    const day = isoText(millis(at)).slice(8, 13);
    found.push(`${day} ${'resourceUri' in resource ? resource.resourceUri : ''}`);
  }
  return found;
};

test('the first event of an identity stays, whatever later ones say', async () => {
  const first = event('/a', '10T11', '5');
  expect(await kinds(first)).toEqual(['accepted']);
  expect(await events.accept([event('/a', '10T11', '9')])).toEqual([
    { kind: 'duplicate', event: first },
  ]);
});

test('an identity is resource, dimension and hour, without case; nothing else', async () => {
  expect(await kinds(event('/a', '10T11'))).toEqual(['accepted']);
  expect(
    await kinds(
      { ...event('/A', '10T11', '1', 'DIM1'), planId: 'plan2', effectiveStartTime: 'later' },
      event('/b', '10T11'),
      event('/a', '10T11', '1', 'dim2'),
      event('/a', '10T12'),
    ),
  ).toEqual(['duplicate', 'accepted', 'accepted', 'accepted']);
});

test('within one request the first one wins too', async () => {
  const [first, second] = [event('/a', '10T11', '1'), event('/A', '10T11', '2')];
  expect(await events.accept([first, second])).toEqual([
    { kind: 'accepted', event: first },
    { kind: 'duplicate', event: first },
  ]);
});

test('of requests at the same time exactly one is accepted', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, i) => events.accept([event('/a', '10T11', String(i + 1))])),
  );
  expect(outcomes.flat().filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  expect(new Set(outcomes.flat().map(({ event: { usageEventId } }) => usageEventId)).size).toBe(1);
});

test('requests that wait while one is written are written together, each with its own answer', async () => {
  const write = jest.spyOn(store, 'write');
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      events.accept([event(`/${String(i)}`, '10T11'), event('/same', '10T11', String(i + 1))]),
    ),
  );
  expect(write.mock.calls.length).toBeLessThan(5);
  const answers = outcomes.map((answer) => answer.map(({ kind }) => kind));
  expect(answers[0]).toEqual(['accepted', 'accepted']);
  expect(new Set(answers.slice(1).map(String))).toEqual(new Set(['accepted,duplicate']));
  expect(outcomes.map(([own]) => own?.event.resource)).toEqual(
    outcomes.map((_, i) => ({ resourceUri: `/${String(i)}` })),
  );
});

test('a write that fails fails every request in it', async () => {
  jest.spyOn(store, 'write').mockRejectedValue(new Error('no disk'));
  const outcomes = await Promise.allSettled(
    [1, 2, 3].map((i) => events.accept([event(`/${String(i)}`, '10T11')])),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(events.count()).toBe(0);
});

test('what was accepted is there again, the same double, when the store is opened anew', async () => {
  const first = event('/a', '10T11', '123456789012345.123456789012345678901234567891');
  await events.accept([first]);
  await events.accept([event('/b', '10T11', '0.000000000000000000000000000001')]);
  await store.close();
  store = await Store.open(directory);
  events = await AcceptedEvents.load(store);
  expect((await events.accept([event('/a', '10T11')]))[0]?.event).toEqual(first);
  expect(events.count()).toBe(2);
});

test('the count, the months and the versions follow what was accepted, duplicates never', async () => {
  const march = timeOf('2026-03-01T00:00:00Z');
  expect([events.count(), await events.months(), events.versionOf(march)]).toEqual([0, [], 0]);
  await events.accept([event('/a', '10T11'), event('/a', '10T12'), event('/a', '10T12')]);
  const april = { ...event('/a', '10T11'), hour: timeOf('2026-04-30T23:00:00Z') };
  await events.accept([april]);
  await events.accept([april]);
  expect(events.count()).toBe(3);
  expect((await events.months()).map((month) => isoText(month).slice(0, 7))) //
    .toEqual(['2026-03', '2026-04']);
  expect(events.versionOf(march)).toBe(2);
});

test('what was accepted is read by the time of acceptance too', async () => {
  const [a, b, c] = [event('/c', '10T11'), event('/b', '10T12'), event('/a', '09T00')];
  await events.accept([a, b]);
  await events.accept([c, event('/a', '09T00')]);
  const found: string[] = [];
  for await (const { usageEventId } of events.acceptedBetween(b.messageTime, millis(2e12))) {
    found.push(usageEventId);
  }
  expect(found).toEqual([b.usageEventId, c.usageEventId]);
});

test('what was accepted at one time, in one write or in several, is read by that time once each', async () => {
  const [a, b, c, d] = ['/d', '/c', '/b', '/a'].map((name) => {
    return { ...event(name, '10T11'), messageTime: millis(1_800_000_000_000) };
  }) as [AcceptedEvent, AcceptedEvent, AcceptedEvent, AcceptedEvent];
  await Promise.all([events.accept([a, b]), events.accept([c]), events.accept([a])]);
  await events.accept([d, b]);
  const found: string[] = [];
  for await (const { usageEventId } of events.acceptedBetween(a.messageTime, millis(2e12))) {
    found.push(usageEventId);
  }
  expect(found.sort()).toEqual([a, b, c, d].map(({ usageEventId }) => usageEventId).sort());
});

test('a scan gives the hours of its period, both ends included, in its order', async () => {
  await events.accept(['09T23', '10T00', '10T01', '10T02'].map((at) => event('/a', at)));
  const period = { from: hour('10T00'), through: hour('10T01') };
  expect(await scan({ order: 'oldest first', ...period })).toEqual(['10T00 /a', '10T01 /a']);
  expect(await scan({ order: 'newest first', ...period })).toEqual(['10T01 /a', '10T00 /a']);
  expect(await scan({ order: 'newest first' })).toHaveLength(4);
});

test('a scan goes on behind an event, in either order', async () => {
  const [a, b, c] = [event('/a', '10T00'), event('/b', '10T00'), event('/c', '10T00')];
  await events.accept([a, b, c]);
  const after = identityOf(b);
  expect(await scan({ order: 'oldest first', after })).toEqual(['10T00 /c']);
  expect(await scan({ order: 'newest first', after })).toEqual(['10T00 /a']);
});

test('a store of another version is refused, and stays as it is', async () => {
  await store.write([{ type: 'put', key: '!layout', value: '1' }]);
  await store.close();
  await expect(Store.open(directory)).rejects.toThrow(/another version.*COMMERCE_DATA_DIR/);
  const db = new ClassicLevel(directory);
  expect(await db.get('!layout')).toBe('1');
  await db.del('!layout');
  await db.put('2026-03-10T11:00:00Z', '{}');
  await db.close();
  await expect(Store.open(directory)).rejects.toThrow(/another version/);
  await rm(directory, { recursive: true });
  store = await Store.open(directory);
});

test('a directory in use, and one that cannot be, are explained', async () => {
  const inUse = Store.open(directory);
  await expect(inUse).rejects.toThrow(UserError);
  await expect(inUse).rejects.toThrow(/in use by another process.*COMMERCE_DATA_DIR/);
  const file = join(directory, 'file');
  await writeFile(file, '');
  const impossible = Store.open(join(file, 'store'));
  await expect(impossible).rejects.toThrow(UserError);
  await expect(impossible).rejects.toThrow(
    /cannot use the directory .*, a part of its path is a file: choose another directory with COMMERCE_DATA_DIR\.$/,
  );
});
