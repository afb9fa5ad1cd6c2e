import fc from 'fast-check';
import {
  aggregateOf,
  BILLABLE,
  carryRecord,
  hour,
  hourRecords,
  knowledgeOf,
  logOf,
  ONE,
  sourceOf,
  termsOfAll,
  uriOf,
  type Unplaced,
} from '../../../test/support/bridge/aggregates-log.ts';
import { carryInto } from '../../../test/support/bridge/examples.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { nextHour, type Hour } from '../../shared/model/time.ts';
import type { UsageAggregate } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { totalOfMonths } from '../../shared/model/usage-months.ts';
import {
  cut,
  stateAt,
  foldRecord,
  type BridgeCheckpoint,
  type BridgeState,
} from './bridge-fold.ts';
import { compose, type Composition } from './compose.ts';
import type { ComposedBefore } from './source-progress.ts';

const LIVE = sourceOf({ partitions: 2 });
const RUN = sourceOf({
  topic: 'usage.history.run',
  kind: 'history',
  partitions: 1,
  lastHour: hour(3),
  state: 'sealed',
});
const SOURCES = [LIVE, RUN];
const knowledge = knowledgeOf(SOURCES);
const terms = termsOfAll();

/** What one owner of a source partition publishes: its hours in order, some of them again. */
const plans = fc.record({
  /** For each hour, how often each resource's aggregate counts: none, zero, or more. */
  hours: fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }), {
    minLength: 4,
    maxLength: 4,
  }),
  /** Crashes: after so many records of an hour it is published again from its first. */
  crashes: fc.array(fc.record({ hour: fc.nat(3), after: fc.nat(4) }), { maxLength: 3 }),
  /** A zombie publishes this hour beside the others, from its first record. */
  zombie: fc.option(fc.nat(3)),
});
type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;

interface Published {
  readonly source: Source;
  readonly at: SourcePartition;
  readonly aggregates: readonly UsageAggregate[];
  /** Streams of records, each in order, that meet in the log in any way. */
  readonly streams: readonly (readonly Unplaced[])[];
}

const publish = (source: Source, partition: number, plan: Plan): Published => {
  const at = { topic: source.topic, epoch: source.epoch, partition };
  const byHour = plan.hours.map((resources, n) =>
    resources.map((quantity, r) =>
      aggregateOf(at, hour(n), uriOf(`vm${String(partition)}-${String(r)}`), {
        quantity: (BigInt(quantity) * ONE) as Quantity,
      }),
    ),
  );
  const recordsOf = (n: number): readonly Unplaced[] => hourRecords(at, hour(n), byHour[n] ?? []);
  const owner = plan.hours.flatMap((_, n) => [
    ...plan.crashes
      .filter((crash) => crash.hour === n)
      .flatMap((crash) => recordsOf(n).slice(0, crash.after)),
    ...recordsOf(n),
  ]);
  const zombie = plan.zombie === null ? [] : recordsOf(plan.zombie);
  return { source, at, aggregates: byHour.flat(), streams: [owner, zombie] };
};

/** Merges streams into one log; `turns` says from which stream the next record comes. */
const merge = (streams: readonly (readonly Unplaced[])[], turns: readonly number[]): Unplaced[] => {
  const rest = streams.map((stream) => [...stream]);
  const merged: Unplaced[] = [];
  for (let turn = 0; rest.some((stream) => stream.length > 0); turn++) {
    const filled = rest.filter((stream) => stream.length > 0);
    const next = filled[(turns[turn % turns.length] ?? 0) % filled.length]?.shift();
    if (next) merged.push(next);
  }
  return merged;
};

interface Scenario {
  readonly published: readonly Published[];
  readonly log: readonly LogRecord[];
  /** Carried quantities by submission; the first carry of each. */
  readonly carries: ReadonlyMap<string, Quantity>;
}

/** Harder than the truth: a zombie may publish an hour before the owner has published earlier ones. */
const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    plans: fc.tuple(plans, plans, plans),
    turns: fc.array(fc.nat(7), { minLength: 1, maxLength: 40 }),
    carries: fc.array(
      fc.record({ id: fc.nat(3), partition: fc.nat(1), resource: fc.nat(3), quantity: fc.nat(5) }),
      { maxLength: 5 },
    ),
  })
  .map(({ plans: [first, second, third], turns, carries }) => {
    const published = [
      publish(LIVE, 0, first),
      publish(LIVE, 1, second),
      publish(RUN, 0, { ...third, zombie: null }),
    ];
    const carried = new Map<string, Quantity>();
    // One id is always carried to the same source partition, as the bridge does.
    const carryStream = carries.map(({ id, resource, quantity }) => {
      const partition = id % 2;
      const submissionId = `00000000-0000-4000-8000-00000000000${String(id)}`;
      const earlier = carried.get(submissionId);
      const amount = (BigInt(quantity + 1) * ONE) as Quantity;
      if (earlier === undefined) carried.set(submissionId, amount);
      return carryRecord(
        carryInto(
          { topic: LIVE.topic, epoch: LIVE.epoch, partition },
          {
            submissionId,
            resourceUri: uriOf(`vm${String(partition)}-${String(resource)}`),
            dimension: BILLABLE,
            quantity: amount,
          },
        ),
      );
    });
    const before = merge([...published.flatMap(({ streams }) => streams), carryStream], turns);
    // A last hour follows everything, so that every carry finds a composition.
    const last = [0, 1].flatMap((partition) =>
      hourRecords({ topic: LIVE.topic, epoch: LIVE.epoch, partition }, hour(4), []),
    );
    return { published, log: logOf([...before, ...last]), carries: carried };
  });

/** What is stored, and what it holds of an owner's beginning. */
class World {
  readonly compositions = new Map<string, Composition>();
  checkpoint: BridgeCheckpoint = { nextOffset: 0, resumeOffset: 0, lastRecord: null };

  store(composition: Composition): void {
    const key = `${partitionName(composition.at)} ${String(composition.hour)}`;
    const earlier = this.compositions.get(key);
    if (earlier) expect(composition).toEqual(earlier); // never another content
    this.compositions.set(key, composition);
  }

  saveCheckpoint(checkpoint: BridgeCheckpoint): void {
    if (checkpoint.nextOffset >= this.checkpoint.nextOffset) this.checkpoint = checkpoint;
  }

  before(): ReadonlyMap<string, ComposedBefore> {
    const before = new Map<string, { composedThrough: Hour; carried: Set<string> }>();
    for (const { at, hour: composed, carries } of this.compositions.values()) {
      const name = partitionName(at);
      const known = before.get(name) ?? { composedThrough: 0 as Hour, carried: new Set<string>() };
      const through = Math.max(known.composedThrough, nextHour(composed, LIVE.hourMillis)) as Hour;
      before.set(name, {
        composedThrough: through,
        carried: new Set([...known.carried, ...carries.map(({ submissionId }) => submissionId)]),
      });
    }
    return before;
  }

  resume(): BridgeState {
    return stateAt(this.checkpoint.resumeOffset, this.before());
  }
}

/** The writes of a flush in their order; compositions come one by one, which is harder. */
const writesOf = (world: World, state: BridgeState): (() => void)[] => {
  const { due, checkpoint } = cut(state);
  return [
    ...due.map((hourDue) => () => world.store(compose(hourDue, terms, () => true))),
    () => world.saveCheckpoint(checkpoint),
  ];
};

const foldAtOnce = ({ log }: Scenario): World => {
  const world = new World();
  const state = world.resume();
  for (const record of log) foldRecord(state, record, knowledge);
  for (const write of writesOf(world, state)) write();
  return world;
};

const contentOf = (world: World): unknown =>
  [...world.compositions].sort(([a], [b]) => (a < b ? -1 : 1));

test('every aggregate is in exactly one composition, and quantities add up exactly', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { compositions } = foldAtOnce(scenario);
      const seen = new Map<string, number>();
      const carried = new Map<string, number>();
      let total = 0n;
      for (const { submissions } of compositions.values()) {
        for (const { quantity, usageMonths, aggregates, carries } of submissions) {
          total += quantity;
          expect(totalOfMonths(usageMonths)).toBe(quantity);
          for (const id of aggregates) seen.set(id, (seen.get(id) ?? 0) + 1);
          for (const id of carries) carried.set(id, (carried.get(id) ?? 0) + 1);
        }
      }
      const expected = scenario.published.flatMap(({ aggregates }) => aggregates);
      expect([...seen.values()].every((times) => times === 1)).toBe(true);
      expect([...seen.keys()].sort()).toEqual(
        expected.map(({ aggregateId }) => uuidText(aggregateId)).sort(),
      );
      expect([...carried].sort()).toEqual([...scenario.carries.keys()].map((id) => [id, 1]).sort());
      let wanted = 0n;
      for (const { quantity } of expected) wanted += quantity;
      for (const quantity of scenario.carries.values()) wanted += quantity;
      expect(total).toBe(wanted);
    }),
    { numRuns: 300 },
  );
});

/** How a life of an owner goes: batches, after each perhaps a flush; then a crash among its writes. */
const lives = fc.array(
  fc.record({
    batches: fc.array(fc.record({ size: fc.integer({ min: 1, max: 12 }), flush: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
    /** Of the writes of the last flush so many were done; the others may come later, or never. */
    writes: fc.nat(6),
    zombie: fc.boolean(),
  }),
  { maxLength: 6 },
);

test('any batches, crashes between writes, and late writes of zombies compose the same', () => {
  fc.assert(
    fc.property(scenarios, lives, (scenario, given) => {
      const { log } = scenario;
      const world = new World();
      const late: (() => void)[] = [];
      for (const life of given) {
        const state = world.resume();
        for (const { size, flush } of life.batches) {
          for (const record of log.slice(state.nextOffset, state.nextOffset + size)) {
            foldRecord(state, record, knowledge);
          }
          if (flush) for (const write of writesOf(world, state)) write();
        }
        late.splice(0).forEach((write) => write());
        const writes = writesOf(world, state);
        writes.slice(0, life.writes).forEach((write) => write());
        if (life.zombie) late.push(...writes.slice(life.writes));
      }
      const last = world.resume();
      for (const record of log.slice(last.nextOffset)) foldRecord(last, record, knowledge);
      for (const write of writesOf(world, last)) write();
      late.forEach((write) => write());
      expect(contentOf(world)).toEqual(contentOf(foldAtOnce(scenario)));
    }),
    { numRuns: 500 },
  );
});

test('hours of a source partition are composed in order, history only when all of it is closed', () => {
  fc.assert(
    fc.property(scenarios, ({ log }) => {
      const state = stateAt(0);
      const composed = new Map<string, Hour[]>();
      for (const record of log) {
        foldRecord(state, record, knowledge);
        for (const due of cut(state).due) {
          const name = partitionName(due.at);
          composed.set(name, [...(composed.get(name) ?? []), due.hour]);
        }
        const run = composed.get(`${RUN.topic}/1[0]`)?.length ?? 0;
        expect([0, 4]).toContain(run);
      }
      for (const hours of composed.values()) {
        expect(hours).toEqual(hours.map((_, n) => hour(n)));
      }
      expect([...composed.values()].map((hours) => hours.length).sort()).toEqual([4, 5, 5]);
    }),
    { numRuns: 200 },
  );
});
