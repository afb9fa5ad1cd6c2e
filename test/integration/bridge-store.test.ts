import { compose, type Composition } from '../../services/bridge/fold/compose.ts';
import { outcomeOf, type OutcomeKind } from '../../services/shared/billing/outcome.ts';
import type { Pending } from '../../services/bridge/ports.ts';
import { ClickHouseStore } from '../../services/bridge/store/clickhouse-store.ts';
import { lostHours } from '../../services/bridge/store/lost-hours.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import type { SourcePartition } from '../../services/shared/model/source.ts';
import { carryOf } from '../../services/shared/model/usage-carry.ts';
import { HOUR_MILLIS, nextHour } from '../../services/shared/model/time.ts';
import {
  BILLABLE,
  hour,
  ONE,
  sourceOf,
  termsOfAll,
  UNKNOWN,
  uriOf,
} from '../support/bridge/aggregates-log.ts';
import { carryInto, SUBSCRIPTION } from '../support/bridge/examples.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const SOURCE = sourceOf();
const LOG = 1;

let stack: TestStack;
let store: ClickHouseStore;
beforeEach(async () => {
  stack = await openTestStack();
  store = new ClickHouseStore(stack.clickHouse, 'aggregates', () => HOUR_MILLIS);
});
afterEach(() => stack.close());

const at = (partition: number): SourcePartition => ({
  topic: SOURCE.topic,
  epoch: SOURCE.epoch,
  partition,
});

const idOf = (kind: number, partition: number, h: number, n: number): string =>
  `00000000-0000-4000-800${String(kind)}-${String(partition * 10_000 + h * 100 + n).padStart(12, '0')}`;

/** An hour of three billable resources, one of an unknown meter, and one of nothing. */
const hourOf = (partition: number, h: number, carried: readonly string[] = []): Composition =>
  compose(
    {
      at: at(partition),
      source: SOURCE,
      hour: hour(h),
      digest: 'digest',
      firstOffset: h * 10,
      markerOffset: h * 10 + 9,
      usage: [0, 1, 2, 3, 4].map((n) => ({
        aggregateId: idOf(1, partition, h, n),
        subscriptionId: SUBSCRIPTION,
        meterId: n === 3 ? UNKNOWN : BILLABLE,
        resourceUri: uriOf(`vm${String(n)}`),
        location: 'local',
        quantity: (n === 4 ? 0n : ONE) as Quantity,
        months: n === 4 ? [] : [{ month: '2026-01', quantity: ONE as Quantity }],
      })),
      carries: carried.map((submissionId, n) => ({
        ...carryInto(at(partition), {
          submissionId,
          resourceUri: uriOf(`vm${String(n)}`),
          dimension: BILLABLE,
          quantity: ONE as Quantity,
        }),
        offset: h * 10,
      })),
    },
    termsOfAll(),
    () => true,
  );

const write = async (logPartition: number, compositions: readonly Composition[]): Promise<void> => {
  await store.writeSubmissions(compositions);
  await store.writeCompositions(logPartition, compositions);
};

/** What a bridge that starts anew would send, by hour and resource. */
const toSend = async (logPartition = LOG): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const composition of await store.unfinished(logPartition)) {
    const pending = await store.pendingOf(composition);
    expect(pending).toHaveLength(composition.count);
    found.push(...pending.map(nameOf));
  }
  return found;
};

const nameOf = ({ at: { partition }, hour: reported, submission }: Pending): string =>
  `${String(partition)} ${String((reported - hour(0)) / HOUR_MILLIS)} ${submission.resourceUri.slice(-3)}`;

const settle = async (logPartition: number, names: readonly string[], kind: OutcomeKind) => {
  for (const composition of await store.unfinished(logPartition)) {
    const pending = (await store.pendingOf(composition)).filter((each) =>
      names.includes(nameOf(each)),
    );
    await store.writeOutcomes(pending.map((each) => outcomeOf(each, kind, {})));
  }
};

test.each<OutcomeKind>(['accepted', 'duplicate', 'mismatch', 'carried', 'dead-lettered'])(
  'what is %s is not sent again after a restart',
  async (kind) => {
    await write(LOG, [hourOf(0, 0), hourOf(0, 1)]);
    expect(await toSend()).toEqual([
      '0 0 vm0',
      '0 0 vm1',
      '0 0 vm2',
      '0 1 vm0',
      '0 1 vm1',
      '0 1 vm2',
    ]);
    await settle(LOG, ['0 0 vm1'], kind);
    expect(await toSend()).toEqual(['0 0 vm0', '0 0 vm2', '0 1 vm0', '0 1 vm1', '0 1 vm2']);
    await settle(LOG, ['0 0 vm0', '0 0 vm2'], kind);
    expect(await toSend()).toEqual(['0 1 vm0', '0 1 vm1', '0 1 vm2']);
    await settle(LOG, ['0 1 vm0', '0 1 vm1', '0 1 vm2'], kind);
    expect(await store.unfinished(LOG)).toEqual([]);
  },
);

test('an outcome that two bridges record counts once: what has none is still sent', async () => {
  await write(LOG, [hourOf(0, 0)]);
  const [composition] = await store.unfinished(LOG);
  if (!composition) throw new Error('nothing is unfinished');
  const pending = (await store.pendingOf(composition)).slice(0, 2);
  for (const kind of ['accepted', 'duplicate', 'accepted'] as const) {
    await store.writeOutcomes(pending.map((each) => outcomeOf(each, kind, {})));
  }
  expect(await toSend()).toEqual(['0 0 vm2']);
});

test('outcomes of one hour or source partition say nothing of another, nor one log of another', async () => {
  await write(LOG, [hourOf(0, 0), hourOf(0, 1), hourOf(1, 0)]);
  await write(2, [hourOf(2, 0)]);
  await settle(LOG, ['0 0 vm0', '0 0 vm1', '0 0 vm2'], 'accepted');
  expect(await toSend()).toEqual([
    '1 0 vm0',
    '1 0 vm1',
    '1 0 vm2',
    '0 1 vm0',
    '0 1 vm1',
    '0 1 vm2',
  ]);
  expect(await toSend(2)).toEqual(['2 0 vm0', '2 0 vm1', '2 0 vm2']);
});

test('submissions whose composition is not stored are not sent: they do not count yet', async () => {
  await store.writeSubmissions([hourOf(0, 0)]);
  expect(await store.unfinished(LOG)).toEqual([]);
  expect((await store.composedBefore(LOG)).size).toBe(0);
});

test('what is composed again the same is sent once, with what it was composed of', async () => {
  const composition = hourOf(0, 0, [idOf(2, 0, 0, 0)]);
  await write(LOG, [composition]);
  await write(LOG, [composition]);
  const [unfinished] = await store.unfinished(LOG);
  expect(unfinished).toEqual({ at: at(0), hour: hour(0), firstOffset: 0, count: 3 });
  const pending = unfinished ? await store.pendingOf(unfinished) : [];
  const sent = composition.submissions.filter(({ decision }) => decision === 'send');
  expect(pending.map(({ submission }) => submission)).toEqual(
    sent.map(({ decision, reason, aggregates, carries, ...submission }) => {
      expect([decision, reason, aggregates.length]).toEqual(['send', '', 1]);
      expect(carries.length).toBeLessThan(2);
      return submission;
    }),
  );
});

test('a restart knows how far each source partition is composed, and what was carried into it', async () => {
  const carried = [idOf(2, 0, 0, 0), idOf(2, 0, 0, 1)];
  await write(LOG, [
    hourOf(0, 0, carried.slice(0, 1)),
    hourOf(0, 1, carried.slice(1)),
    hourOf(1, 0),
  ]);
  await write(2, [hourOf(2, 7)]);
  const before = await store.composedBefore(LOG);
  expect(Object.fromEntries(before)).toEqual({
    'usage.events.compute/1[0]': {
      composedThrough: nextHour(hour(1), HOUR_MILLIS),
      carried: new Set(carried),
    },
    'usage.events.compute/1[1]': {
      composedThrough: nextHour(hour(0), HOUR_MILLIS),
      carried: new Set(),
    },
  });
});

test('carries that left a log are known until a composition has them, whatever is recorded of them', async () => {
  const composed = hourOf(0, 0);
  await write(LOG, [composed]);
  const [unfinished] = await store.unfinished(LOG);
  const [first, second, third] = (unfinished ? await store.pendingOf(unfinished) : []).map((each) =>
    carryOf(each, 'expired'),
  );
  if (!first || !second || !third) throw new Error('too little is to be sent');
  const [away, back] = [{ ...at(0), epoch: 2 }, at(0)];
  const onTheWay = { ...first, ...away, moves: 1, to: back };
  await store.writeMoves(LOG, [
    { ...first, to: away },
    { ...second, to: away },
  ]);
  await store.writeMoves(2, [onTheWay]);
  await settle(LOG, ['0 0 vm0', '0 0 vm2'], 'carried');

  expect(await store.leaving(LOG)).toEqual([{ ...second, to: away }]);
  expect(await store.leaving(2)).toEqual([onTheWay]);
  expect(await store.leaving(3)).toEqual([]);
  const lost = lostHours(stack.clickHouse);
  const waiting = [{ ...first, moves: 2 }, { ...second, ...away, moves: 1 }, third];
  expect(await lost.waitingCarries()).toEqual(
    waiting.sort((a, b) => (a.submissionId < b.submissionId ? -1 : 1)),
  );

  await write(LOG, [hourOf(0, 1, [first.submissionId, second.submissionId, third.submissionId])]);
  expect([await store.leaving(LOG), await store.leaving(2), await lost.waitingCarries()]).toEqual([
    [],
    [],
    [],
  ]);
});

test('the newest checkpoint of a partition holds, and a late one of before does not replace it', async () => {
  expect(await store.checkpoint(LOG)).toBeNull();
  const first = { nextOffset: 5, resumeOffset: 3, lastRecord: null };
  const last = { nextOffset: 9, resumeOffset: 7, lastRecord: { offset: 8, digest: 'abc' } };
  await store.writeCheckpoint(LOG, last);
  await store.writeCheckpoint(LOG, first);
  await store.writeCheckpoint(2, { ...last, nextOffset: 99 });
  expect(await store.checkpoint(LOG)).toEqual(last);
});
