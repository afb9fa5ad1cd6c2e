import { hour, sourceOf } from '../../test/support/bridge/aggregates-log.ts';
import { carryInto } from '../../test/support/bridge/examples.ts';
import type { Quantity } from '../shared/model/decimal.ts';
import { partitionOfKey } from '../shared/model/placement.ts';
import { partitionName, sourceName, type Source } from '../shared/model/source.ts';
import type { Hour } from '../shared/model/time.ts';
import type { UsageCarry } from '../shared/model/usage-carry.ts';
import type { ComposedBefore } from './fold/source-progress.ts';
import { recoverLost, type ClosedSource } from './recover-lost.ts';

const PARTITIONS = 3;
const SOURCE = sourceOf();
const AT = { topic: SOURCE.topic, epoch: 1, partition: 0 };
const LOG = partitionOfKey(partitionName(AT), PARTITIONS);
const CARRY = carryInto(AT, {
  submissionId: '00000000-0000-4000-8000-00000000000a',
  quantity: 1n as Quantity,
});
/** A source partition that is published on another partition of the topic. */
const ELSEWHERE = Array.from({ length: 20 }, (_, n) => ({ ...AT, partition: n })).find(
  (at) => partitionOfKey(partitionName(at), PARTITIONS) !== LOG,
);
if (!ELSEWHERE) throw new Error('all source partitions are published on one partition');

const closed = (changes: Partial<ClosedSource> = {}): ClosedSource => ({
  ...AT,
  openHour: hour(5),
  restated: new Set(),
  ...changes,
});

interface Settings {
  readonly sources?: readonly Source[];
  readonly composedThrough?: Hour | null;
  readonly waiting?: readonly UsageCarry[];
}

const recover = async (
  all: readonly ClosedSource[],
  { sources = [SOURCE], composedThrough = hour(3), waiting = [] }: Settings = {},
) => {
  const published: string[] = [];
  const carried: UsageCarry[] = [];
  const composed = new Map<string, ComposedBefore>([
    [partitionName(AT), { composedThrough, carried: new Set() }],
  ]);
  const result = await recoverLost(LOG, PARTITIONS, {
    sources: new Map(sources.map((source) => [sourceName(source), source])),
    composed,
    usage: {
      closed: () => Promise.resolve(all),
      windowsInOrder: () => [],
      waitingCarries: () => Promise.resolve(waiting),
    },
    publish: (place, hours) => {
      published.push(
        ...hours.map(
          (each) => `${partitionName(place)} ${String((each.hour - hour(0)) / 3_600_000)}`,
        ),
      );
      return Promise.resolve();
    },
    outbox: {
      appendMoved: (carries) => {
        carried.push(...carries);
        return Promise.resolve();
      },
    },
  });
  return { result, published, carried };
};

test('closed hours that are not composed are published again, in order, and no others', async () => {
  const { result, published } = await recover([closed(), closed({ ...ELSEWHERE })]);
  const each = [`${partitionName(AT)} 3`, `${partitionName(AT)} 4`];
  expect(published).toEqual([...each, ...each]);
  expect(result).toMatchObject({ ok: true, value: { hours: 2, carries: 0 } });
});

test('of a source partition that has no composition, all hours are published', async () => {
  const { published } = await recover([closed({ openHour: hour(2) })], { composedThrough: null });
  const each = [`${partitionName(AT)} 0`, `${partitionName(AT)} 1`];
  expect(published).toEqual([...each, ...each]);
});

test('carries that no composition has are appended again, where they were last', async () => {
  const elsewhere = { ...CARRY, ...ELSEWHERE };
  const { carried, result } = await recover([], { waiting: [CARRY, elsewhere] });
  expect(carried).toEqual([CARRY]);
  expect(result).toMatchObject({ value: { carries: 1 } });
});

test('an hour whose windows were restated is not what it was: nothing is published, with the reason', async () => {
  const { result, published, carried } = await recover([closed({ restated: new Set([hour(4)]) })], {
    waiting: [CARRY],
  });
  expect([published, carried]).toEqual([[], []]);
  expect(result).toMatchObject({
    ok: false,
    error: {
      code: 'lost-records',
      message: expect.stringMatching(/reported hour 2026-01-10T04:00:00Z .* restated/) as string,
    },
  });
});

test('a restated hour that is composed is in nobody’s way', async () => {
  const { result } = await recover([closed({ restated: new Set([hour(2)]) })]);
  expect(result).toMatchObject({ ok: true });
});

test('an abandoned run, and what no source has, are left out', async () => {
  expect((await recover([closed()], { sources: [] })).published).toEqual([]);
  const abandoned = sourceOf({ kind: 'history', state: 'abandoned' });
  expect((await recover([closed()], { sources: [abandoned] })).published).toEqual([]);
});
