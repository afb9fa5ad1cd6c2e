import { hour, sourceOf } from '../../../test/support/bridge/aggregates-log.ts';
import { uriOf } from '../../../test/support/bridge/examples.ts';
import { partitionOfKey, resourceKey } from '../model/placement.ts';
import { sourceName, type Source } from '../model/source.ts';
import { carryTarget } from './carry-target.ts';

const OPEN = sourceOf();
const SEALED = sourceOf({ state: 'sealed' });
const NEXT = sourceOf({ epoch: 2, partitions: 7 });
const AT = { topic: OPEN.topic, epoch: 1, partition: 0 };

const targetOf = (...sources: readonly Source[]) =>
  carryTarget(new Map(sources.map((source) => [sourceName(source), source])), AT, uriOf('VM'));

test('a quantity stays where its resource lives', () => {
  expect(targetOf(OPEN)).toEqual({ kind: 'here' });
  expect(targetOf(sourceOf({ namespaces: ['*'] }))).toEqual({ kind: 'here' });
});

test('of an epoch that has ended it goes to the next one, to the partition of its resource', () => {
  expect(targetOf(SEALED, NEXT)).toEqual({
    kind: 'elsewhere',
    to: { topic: NEXT.topic, epoch: 2, partition: partitionOfKey(resourceKey(uriOf('VM')), 7) },
  });
});

test('if its resource provider has moved, it goes to the source that serves it now', () => {
  const other = sourceOf({ topic: 'usage.events.other', firstHour: hour(3) });
  const elsewhere = { kind: 'elsewhere', to: { topic: 'usage.events.other' } };
  expect(targetOf(sourceOf({ namespaces: ['microsoft.storage'] }), other)).toMatchObject(elsewhere);
  // Also while the register still says that both serve it, or when nobody does any more.
  expect(targetOf(OPEN, other)).toMatchObject(elsewhere);
  const takenUp = [{ namespace: 'microsoft.compute', from: hour(3) }];
  expect(targetOf(OPEN, { ...other, namespaces: [], takenUp })).toMatchObject(elsewhere);
});

test('it waits in its own source partition while nobody serves it', () => {
  expect(targetOf(SEALED)).toEqual({ kind: 'here' });
  expect(targetOf(SEALED, { ...NEXT, state: 'declared' })).toEqual({ kind: 'here' });
});

test('history is not carried, nor what no source has', () => {
  expect(targetOf(sourceOf({ kind: 'history' }), NEXT)).toMatchObject({ kind: 'nowhere' });
  expect(targetOf(NEXT)).toMatchObject({ kind: 'nowhere' });
});
