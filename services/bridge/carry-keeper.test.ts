import { pino } from 'pino';
import {
  BILLABLE,
  carryRecord,
  hour,
  hourRecords,
  knowledgeOf,
  logOf,
  moveRecord,
  sourceOf,
  termsOfAll,
  type Unplaced,
} from '../../test/support/bridge/aggregates-log.ts';
import { carryInto, submissionOf, uriOf } from '../../test/support/bridge/examples.ts';
import type { BillingTerms } from '../shared/billing/billing-terms.ts';
import type { Quantity } from '../shared/model/decimal.ts';
import type { Source } from '../shared/model/source.ts';
import { CarryKeeper } from './carry-keeper.ts';
import type { LeavingCarry } from './fold/source-progress.ts';
import { foldRecord, stateAt, type BridgeState } from './fold/bridge-fold.ts';
import { compose } from './fold/compose.ts';
import type { Pending } from './ports.ts';
import { SourceRegister } from './source-register.ts';

const SEALED = sourceOf({ state: 'sealed', partitions: 1 });
const NEXT = sourceOf({ epoch: 2, partitions: 1 });
const AT = { topic: SEALED.topic, epoch: 1, partition: 0 };
const TO = { topic: SEALED.topic, epoch: 2, partition: 0 };
const ID = '00000000-0000-4000-8000-00000000000a';
const CARRY = carryInto(AT, { submissionId: ID, quantity: 1n as Quantity });

const heldOf = (meter: string): Pending => ({
  at: AT,
  hour: hour(0),
  submission: { ...submissionOf(ID, uriOf('a'), 0), dimension: meter, meters: [meter] },
});

interface Settings {
  readonly sources?: readonly Source[];
  readonly terms?: readonly BillingTerms[];
  readonly held?: readonly Pending[];
  readonly leaving?: readonly LeavingCarry[];
  /** The step that fails once, as if the process had died there. */
  readonly dies?: string;
}

const open = async ({
  sources = [SEALED, NEXT],
  terms = [],
  held = [],
  leaving = [],
  dies,
}: Settings = {}) => {
  const register = new SourceRegister(() => Promise.resolve(sources));
  await register.refresh();
  const steps: unknown[] = [];
  let dead = dies === undefined;
  let clock = 0;
  const step =
    (name: string) =>
    (...given: readonly unknown[]): Promise<void> => {
      if (name === dies && !dead) {
        dead = true;
        return Promise.reject(new Error('the process was killed'));
      }
      steps.push([name, given.at(-1)]);
      return Promise.resolve();
    };
  const keeper = new CarryKeeper(0, {
    store: {
      terms: () => Promise.resolve(terms),
      held: () => Promise.resolve(held),
      leaving: () => Promise.resolve(leaving),
      writeMoves: step('writeMoves'),
      writeOutcomes: step('writeOutcomes'),
    },
    outbox: {
      appendCarries: step('appendCarries'),
      appendMoves: step('appendMoves'),
      appendMoved: step('appendMoved'),
    },
    register,
    logger: pino({ level: 'silent' }),
    persist: (_, run) => run(),
    now: () => clock,
  });
  const wait = (millis: number): void => {
    clock += millis;
  };
  return { keeper, steps, wait };
};

const fold = (records: readonly Unplaced[], source = SEALED): BridgeState => {
  const state = stateAt(0);
  for (const record of logOf(records)) foldRecord(state, record, knowledgeOf([source]));
  return state;
};

const MOVE = { ...AT, submissionId: ID, moves: 0, to: TO };
const MOVED = { ...CARRY, ...TO, moves: 1 };

test('a carry that waits in a sealed source partition is moved to the next epoch, once', async () => {
  const { keeper, steps } = await open();
  const state = fold([carryRecord(CARRY)]);
  await keeper.keep(state);
  await keeper.keep(state);
  expect(steps).toEqual([['appendMoves', [MOVE]]]);
});

test('a carry is at its new place only when its move is read, and names where it was composed', async () => {
  const { keeper, steps } = await open();
  const state = fold([carryRecord(CARRY), moveRecord(MOVE)]);
  await keeper.keep(state);
  await keeper.keep(state);
  expect(steps).toMatchObject([
    ['writeMoves', [MOVE]],
    ['appendMoved', [MOVED]],
  ]);
});

test('a carry that came back is asked to move again', async () => {
  const { keeper, steps } = await open();
  const [came, left] = [carryRecord({ ...CARRY, moves: 2 }), moveRecord(MOVE)];
  await keeper.keep(fold([carryRecord(CARRY)]));
  await keeper.keep(fold([carryRecord(CARRY), left, came]));
  expect(steps).toMatchObject([
    ['appendMoves', [MOVE]],
    ['appendMoves', [{ ...MOVE, moves: 2 }]],
    ['writeMoves', [MOVE]],
    ['appendMoved', [MOVED]],
  ]);
});

test('a carry is not at its new place before that is noted: no log need be read to know where it is', async () => {
  const { keeper, steps } = await open({ dies: 'writeMoves' });
  const state = fold([carryRecord(CARRY), moveRecord(MOVE)]);
  await expect(keeper.keep(state)).rejects.toThrow('killed');
  expect(steps).toEqual([]);
  await keeper.keep(state);
  expect(steps).toMatchObject([
    ['writeMoves', [MOVE]],
    ['appendMoved', [MOVED]],
  ]);
});

test('what an earlier owner noted, and died before it was at its new place, arrives although the log has lost it', async () => {
  const { keeper, steps } = await open({ leaving: [{ ...CARRY, to: TO }], dies: 'appendMoved' });
  await expect(keeper.keep(stateAt(0))).rejects.toThrow('killed');
  const finished = [
    ['writeMoves', [MOVE]],
    ['appendMoved', [MOVED]],
  ];
  await keeper.keep(stateAt(0));
  await keeper.keep(stateAt(0));
  expect(steps).toMatchObject([finished[0], ...finished]);
  // What other owners noted in the meantime is in the tables that are read again.
  keeper.resumed();
  await keeper.keep(stateAt(0));
  expect(steps).toMatchObject([finished[0], ...finished, ...finished]);
});

test('while nobody serves its resource a carry waits', async () => {
  const { keeper, steps } = await open({ sources: [SEALED] });
  await keeper.keep(fold([carryRecord(CARRY)]));
  expect(steps).toEqual([]);
});

const LIVE = sourceOf({ partitions: 1 });
const UNAWARE = termsOfAll({ billedMeters: [] });
const AWARE = termsOfAll({ effectiveFrom: hour(5) });

/** A state in which hours up to this one are composed. */
const composedTo = (h: number): BridgeState =>
  fold(Array.from({ length: h }, (_, n) => hourRecords(AT, hour(n), [])).flat(), LIVE);

test('held usage is released when the terms of the next hour know its meter, not before', async () => {
  const { keeper, steps } = await open({
    sources: [LIVE],
    terms: [UNAWARE, AWARE],
    held: [heldOf(BILLABLE.toLowerCase())],
  });
  await keeper.keep(composedTo(4));
  expect(steps).toEqual([]);
  await keeper.keep(composedTo(5));
  expect(steps).toMatchObject([
    ['appendCarries', [{ submissionId: ID, reason: 'released', meters: [BILLABLE.toLowerCase()] }]],
    ['writeOutcomes', [{ kind: 'carried', code: 'released' }]],
  ]);
});

test('held usage of an epoch that has ended is released, although no hour of its own is to come', async () => {
  const { keeper, steps } = await open({
    terms: [UNAWARE, AWARE],
    held: [heldOf(BILLABLE.toLowerCase())],
  });
  await keeper.keep(composedTo(1));
  expect(steps).toMatchObject([
    ['appendCarries', [{ submissionId: ID, reason: 'released' }]],
    ['writeOutcomes', [{ kind: 'carried', code: 'released' }]],
  ]);
});

test('new terms release held usage of a log of which no hour is composed any more', async () => {
  const terms = [UNAWARE];
  const { keeper, steps, wait } = await open({ terms, held: [heldOf(BILLABLE.toLowerCase())] });
  const state = composedTo(1);
  await keeper.keep(state);
  terms.push(AWARE);
  wait(599_999);
  await keeper.keep(state);
  expect(steps).toEqual([]);
  wait(1);
  await keeper.keep(state);
  expect(steps).toMatchObject([
    ['appendCarries', [{ submissionId: ID }]],
    ['writeOutcomes', {}],
  ]);
});

test('usage of a meter that stays unknown stays held, and is looked at again by new terms', async () => {
  const { keeper, steps } = await open({
    sources: [LIVE],
    terms: [UNAWARE],
    held: [heldOf('nobody')],
  });
  const state = composedTo(4);
  await keeper.keep(state);
  const [due] = state.due;
  if (!due) throw new Error('no hour is due');
  keeper.composed([compose(due, AWARE, () => true)]);
  await keeper.keep(state);
  expect(steps).toEqual([]);
});

test('held usage of history stays held', async () => {
  const { keeper, steps } = await open({
    sources: [sourceOf({ kind: 'history', state: 'sealed' })],
    terms: [termsOfAll()],
    held: [heldOf(BILLABLE)],
  });
  await keeper.keep(composedTo(1));
  expect(steps).toEqual([]);
});
