import { eventOf, minute, placeOf, recordOf } from '../../../test/support/fold/fixtures.ts';
import { hourOf, HOUR_MILLIS } from '../model/time.ts';
import { uuidText } from '../model/usage-event.ts';
import type { Outcome } from './fold.ts';
import { contradiction, skippedContradiction, type LedgerTail } from './ledger-tail.ts';
import { timelineStart, type Step } from './timeline.ts';

const event = eventOf({}, 'here');
const HERE = uuidText(event.eventId);

const tail = (...entries: [number, string][]): LedgerTail => ({
  ids: new Map(entries),
  lastOffset: Math.max(-1, ...entries.map(([offset]) => offset)),
});

const step = (offset: number, isCandidate = true): Step => ({
  record: recordOf(event, offset),
  after: timelineStart(placeOf().source),
  verdict: isCandidate
    ? {
        kind: 'candidate',
        candidate: {
          event: { ...event, quantity: Buffer.alloc(1) },
          quantity: event.quantity,
          usageHour: hourOf(minute(0), HOUR_MILLIS),
          subscriptionKey: '',
          meterKey: '',
          resourceKey: '',
          digest: 0n,
        },
      }
    : { kind: 'control' },
});

/** The next offset before the step is the record's, unless the log skips some. */
const check = (held: LedgerTail, at: number, outcome: Outcome, nextOffset = at): string | null =>
  contradiction(held, nextOffset, step(at, outcome !== 'control'), outcome)?.message ?? null;

test.each<[string, LedgerTail, number, Outcome]>([
  ['the same event', tail([5, HERE]), 5, 'accepted'],
  ['nothing, where nothing was accepted', tail([9, 'later']), 5, 'duplicate'],
  ['nothing, at a dead letter', tail([9, 'later']), 5, 'dead-lettered'],
  ['nothing, at a control record', tail([9, 'later']), 5, 'control'],
  ['nothing any more', tail([4, 'before']), 5, 'accepted'],
  ['nothing at all', tail(), 5, 'accepted'],
])('a ledger that holds %s agrees', (_, held, at, outcome) => {
  expect(check(held, at, outcome)).toBeNull();
});

test.each<[string, LedgerTail, number, Outcome, string]>([
  [
    'another event',
    tail([5, 'other']),
    5,
    'accepted',
    `offset 5 the ledger holds other and the log gives ${HERE}`,
  ],
  [
    'nothing where it goes on later',
    tail([9, 'later']),
    5,
    'accepted',
    `holds nothing and the log gives ${HERE}`,
  ],
  [
    'an event at a duplicate',
    tail([5, HERE]),
    5,
    'duplicate',
    `holds ${HERE} and the log gives duplicate`,
  ],
  ['an event at a dead letter', tail([5, HERE]), 5, 'dead-lettered', 'the log gives dead-lettered'],
  ['an event at a control record', tail([5, HERE]), 5, 'control', 'the log gives control'],
])('a ledger that holds %s contradicts', (_, held, at, outcome, text) => {
  expect(check(held, at, outcome)).toContain(text);
});

test('an event at an offset that the log skips contradicts, also as the last one', () => {
  expect(check(tail([3, 'x']), 5, 'accepted', 2)).toContain('offset 3 the ledger holds x');
  expect(check(tail([3, 'x'], [5, HERE]), 5, 'accepted', 2)).toContain('offset 3');
  expect(check(tail([5, HERE]), 5, 'accepted', 2)).toBeNull();
});

test('an event at an offset that was passed without a record contradicts', () => {
  const held = tail([3, 'x'], [7, 'y']);
  expect(skippedContradiction(held, 2, 5)?.message).toContain('offset 3 the ledger holds x');
  expect(skippedContradiction(held, 4, 7)).toBeNull();
  expect(skippedContradiction(held, 4, 8)?.message).toContain('offset 7');
  expect(skippedContradiction(held, 8, 1_000)).toBeNull();
});
