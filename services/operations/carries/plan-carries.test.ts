import { sourceOf } from '../../../test/support/bridge/aggregates-log.ts';
import { hour, submissionOf, uriOf } from '../../../test/support/bridge/examples.ts';
import { sourceName, type Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, millis } from '../../shared/model/time.ts';
import { ACCEPTED_FOR_MILLIS } from '../../shared/billing/accepted-for.ts';
import { planCarries, type PlanWorld } from './plan-carries.ts';

const SOURCE = sourceOf();
const REFUSED = {
  at: { topic: SOURCE.topic, epoch: 1, partition: 0 },
  hour: hour(0),
  submission: submissionOf('00000000-0000-4000-8000-00000000000a', uriOf('vm'), 0),
  code: 'ResourceNotFound',
  message: 'no such resource',
};
const HELD = { ...REFUSED, code: '', message: '' };
const LATER = millis(hour(0) + ACCEPTED_FOR_MILLIS + HOUR_MILLIS);

const sourcesOf = (...sources: readonly Source[]): ReadonlyMap<string, Source> =>
  new Map(sources.map((source) => [sourceName(source), source]));

const planOf = (submission: typeof REFUSED, world: Partial<PlanWorld> = {}) =>
  planCarries([submission], {
    sources: sourcesOf(SOURCE),
    holdings: [],
    knownMeters: new Set(['dim']),
    now: LATER,
    atOnce: false,
    ...world,
  })[0];

const holdingOf = (quantity: number) => ({
  hour: hour(0),
  resourceUri: uriOf('VM'),
  dimension: 'dim',
  quantity,
});

test('what Commerce refused is carried once it cannot accept the hour any more', () => {
  expect(planOf(REFUSED)).toEqual({ kind: 'carry' });
});

test('what Commerce may still accept is left, because a frozen bridge could send it', () => {
  const soon = { now: millis(LATER - 1) };
  expect(planOf(REFUSED, soon)).toEqual({
    kind: 'left',
    why: expect.stringContaining('--at-once') as string,
  });
  expect(planOf(REFUSED, { ...soon, atOnce: true })).toEqual({ kind: 'carry' });
});

test('held usage was never sent, so it is released at once', () => {
  expect(planOf(HELD, { now: millis(hour(0)) })).toEqual({ kind: 'carry' });
});

test('what Commerce has accepted all the same is not carried', () => {
  expect(planOf(REFUSED, { holdings: [holdingOf(1.5)] })).toEqual({
    kind: 'at-commerce',
    quantity: 1.5,
    isSame: true,
  });
  expect(planOf(REFUSED, { holdings: [holdingOf(2)], atOnce: true })).toMatchObject({
    kind: 'at-commerce',
    isSame: false,
  });
});

test('usage of a meter that is still unknown is left: it would be held again', () => {
  expect(planOf(HELD, { knownMeters: new Set() })).toEqual({
    kind: 'left',
    why: expect.stringContaining('do not know the meter DIM') as string,
  });
});

test('history is left', () => {
  expect(planOf(REFUSED, { sources: sourcesOf(sourceOf({ kind: 'history' })) })).toEqual({
    kind: 'left',
    why: 'History is not carried into another hour.',
  });
});
