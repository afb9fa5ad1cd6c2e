import { hour, sourceOf } from '../../../test/support/bridge/aggregates-log.ts';
import { TurnsToBill } from '../../operations/audit/turns-to-bill.ts';
import { uriOf } from '../../../test/support/bridge/examples.ts';
import type { Source } from '../model/source.ts';
import { billsIn, ownerOf } from './owner.ts';

const COMPUTE = 'microsoft.compute';
const A = sourceOf({ topic: 'a' });
const B = sourceOf({ topic: 'b', firstHour: hour(5) });

/** The topics that bill compute in hours 0, 4, 5, 9, 10 and from now on. */
const turnsOf = (...sources: readonly Source[]): string =>
  [0, 4, 5, 9, 10]
    .map(hour)
    .concat([Infinity as ReturnType<typeof hour>])
    .map((at) => ownerOf(sources, COMPUTE, at) ?? '-')
    .join(' ');

const left = (source: Source): Source => ({
  ...source,
  namespaces: [],
  takenUp: [{ namespace: COMPUTE, from: source.firstHour }],
});

test('a source bills what it begins with, from its first hour on', () => {
  expect(turnsOf(A)).toBe('a a a a a a');
  expect(turnsOf(B)).toBe('- - b b b b');
  expect(turnsOf(sourceOf({ topic: 'all', namespaces: ['*'] }))).toBe('all all all all all all');
  expect(turnsOf(sourceOf({ namespaces: ['microsoft.storage'] }))).toBe('- - - - - -');
});

test('what another source takes up, that one bills from then on, also before its topic is ready', () => {
  expect(turnsOf(left(A), B)).toBe('a a b b b b');
  expect(turnsOf(B, left(A))).toBe('a a b b b b');
  expect(turnsOf(left(A), { ...B, state: 'declared' })).toBe('a a b b b b');
});

test('what comes back is billed by the first again, and hours of before by who billed them then', () => {
  const back = [...(left(A).takenUp ?? []), { namespace: COMPUTE, from: hour(10) }];
  expect(turnsOf({ ...A, takenUp: back }, left(B))).toBe('a a b b a a');
});

test('of what nobody serves any more, the last one bills what is still to come', () => {
  expect(turnsOf(left(A), left(B))).toBe('a a b b b b');
});

test('the next epoch goes on with what its topic has taken up, and takes nothing up by beginning', () => {
  const sealed = { ...left(A), state: 'sealed' as const };
  const next = { ...A, epoch: 2, predecessor: 1, firstHour: hour(9) };
  expect(turnsOf(sealed, next, B)).toBe('a a b b b b');
  expect(turnsOf({ ...A, state: 'sealed' }, next)).toBe('a a a a a a');
});

test('history bills its own hours, and a resource that no source has taken up stays where it is', () => {
  expect(billsIn([A], { kind: 'history', topic: 'run' }, COMPUTE, hour(0))).toBe(true);
  expect(billsIn([A], { kind: 'live', topic: 'b' }, COMPUTE, hour(0))).toBe(false);
  expect(billsIn([A], { kind: 'live', topic: 'b' }, 'nobody', hour(0))).toBe(true);
});

test('the audit finds the same turns by itself', () => {
  const back = [...(left(A).takenUp ?? []), { namespace: COMPUTE, from: hour(10) }];
  const register = [{ ...A, takenUp: back }, left(B)];
  const audit = new TurnsToBill(register);
  for (const at of [0, 4, 5, 9, 10, 99].map(hour)) {
    for (const own of [A, B, sourceOf({ topic: 'run', kind: 'history' })]) {
      expect(audit.isElsewhere(own, uriOf('VM'), at)).toBe(!billsIn(register, own, COMPUTE, at));
    }
  }
});
