import {
  carryRecord,
  hour,
  hourRecords,
  knowledgeOf,
  logOf,
  sourceOf,
  termsOfAll,
  aggregateOf,
  uriOf,
} from '../../test/support/bridge/aggregates-log.ts';
import { carryInto } from '../../test/support/bridge/examples.ts';
import type { Quantity } from '../shared/model/decimal.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import { cut, stateAt, foldRecord } from './fold/bridge-fold.ts';
import { compose } from './fold/compose.ts';
import { flush } from './flush.ts';

const SOURCE = sourceOf();
const AT = { topic: SOURCE.topic, epoch: SOURCE.epoch, partition: 0 };

const RESUBMITTED = carryInto(AT, {
  submissionId: '00000000-0000-4000-8000-00000000000a',
  quantity: 1n as Quantity,
  reason: 'resubmitted',
});

/** A closed hour with a carry that a person asked for, and a record that is not believed. */
const due = () => {
  const state = stateAt(0);
  const records = hourRecords(AT, hour(0), [aggregateOf(AT, hour(0), uriOf('a'))]);
  const [first] = records;
  if (!first) throw new Error('the hour has no record');
  for (const record of logOf([{ ...first, headers: {} }, carryRecord(RESUBMITTED), ...records])) {
    foldRecord(state, record, knowledgeOf([SOURCE]));
  }
  const chunk = cut(state);
  return { chunk, compositions: chunk.due.map((each) => compose(each, termsOfAll(), () => true)) };
};

const STEPS = [
  'writeRefused',
  'writeSubmissions',
  'writeCompositions',
  'writeOutcomes',
  'writeCheckpoint',
] as const;
type Step = (typeof STEPS)[number];

/** A store that notes when each write begins and ends, and dies in one of them. */
const noting = (dies: Step | null = null) => {
  const noted: string[] = [];
  const write = (step: Step) => async (): Promise<void> => {
    noted.push(`${step} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    if (step === dies) throw new Error('the process was killed');
    noted.push(`${step} ends`);
  };
  const store = Object.fromEntries(STEPS.map((step) => [step, write(step)])) as Record<
    Step,
    () => Promise<void>
  >;
  return { noted, store };
};

const whole = (steps: readonly string[]): readonly string[] =>
  steps.flatMap((step) => [`${step} begins`, `${step} ends`]);

test('submissions are stored before the compositions by which they count, and the checkpoint last', async () => {
  const { chunk, compositions } = due();
  expect([chunk.refused.length, compositions.length]).toEqual([1, 1]);
  const { noted, store } = noting();
  await flush(0, chunk, compositions, store);
  expect(noted).toEqual(whole(STEPS));
});

test('what was resubmitted into an hour is recorded as carried, though who asked for it has died', async () => {
  const { chunk, compositions } = due();
  const outcomes: Outcome[] = [];
  const { store } = noting();
  await flush(0, chunk, compositions, {
    ...store,
    writeOutcomes: (written) => Promise.resolve(void outcomes.push(...written)),
  });
  expect(outcomes).toMatchObject([
    {
      kind: 'carried',
      code: 'resubmitted',
      pending: { at: AT, hour: hour(0), submission: { submissionId: RESUBMITTED.submissionId } },
    },
  ]);
});

test.each(STEPS.map((step, index) => [step, index] as const))(
  'nothing that follows %s is stored where that fails',
  async (step, index) => {
    const { chunk, compositions } = due();
    const { noted, store } = noting(step);
    await expect(flush(0, chunk, compositions, store)).rejects.toThrow('killed');
    expect(noted).toEqual([...whole(STEPS.slice(0, index)), `${step} begins`]);
  },
);

test('where nothing is due the checkpoint alone is stored', async () => {
  const { noted, store } = noting();
  await flush(0, cut(stateAt(5)), [], store);
  expect(noted).toEqual(whole(['writeCheckpoint']));
});
