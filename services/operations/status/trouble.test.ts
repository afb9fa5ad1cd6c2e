import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import { troubleOf, type PartitionProgress } from './trouble.ts';

const HOUR = Date.UTC(2026, 0, 1, 10) as Hour;
const NOW = HOUR + 10 * 60_000;
const MINUTE = 60_000;

const sound: PartitionProgress = {
  kind: 'live',
  hourMillis: HOUR_MILLIS,
  nextOffset: 100,
  openHour: HOUR,
  isSealed: false,
  quietFor: 9 * MINUTE,
  log: { high: 100, firstRecent: 100 },
};

test.each<[string, Partial<PartitionProgress>, string | null]>([
  ['an idle partition whose hour is open', {}, null],
  ['records that have just come', { log: { high: 105, firstRecent: 100 } }, null],
  [
    'a frozen aggregator: old records are unread, and nothing was stored since',
    { log: { high: 105, firstRecent: 103 } },
    'it is stuck: 5 records are unread, some for over a minute',
  ],
  [
    'an aggregator that catches up',
    { log: { high: 105, firstRecent: 103 }, quietFor: 1_000 },
    null,
  ],
  [
    'a frozen aggregator without usage: an hour does not close',
    { openHour: (HOUR - HOUR_MILLIS) as Hour },
    'its hour from 2026-01-01T09:00:00Z ended at 2026-01-01T10:00:00Z and is not closed',
  ],
  ['a topic that is gone', { log: null }, 'its topic is gone: see "usagectl loss show"'],
  [
    'another log that is shorter',
    { log: { high: 99, firstRecent: 99 } },
    'its log ends at offset 99, before what was counted',
  ],
  ['history that waits', { kind: 'history', log: { high: 105, firstRecent: 105 } }, 'it is stuck'],
  [
    'history that is being read',
    { kind: 'history', log: { high: 105, firstRecent: 105 }, quietFor: 100 },
    null,
  ],
  ['a sealed run whose topic was deleted', { kind: 'history', isSealed: true, log: null }, null],
])('%s', (_, changes, trouble) => {
  const found = troubleOf({ ...sound, ...changes }, NOW);
  if (trouble === null) expect(found).toBeNull();
  else expect(found).toContain(trouble);
});
