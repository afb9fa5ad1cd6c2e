import { HOUR_MILLIS } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { daysAlone, restatedWindows } from './restated-windows.ts';

const FIRST_DAY = timeOf('2025-03-01T00:00:00Z');
const NEXT_DAY = timeOf('2025-03-02T00:00:00Z');
const FIRST_HOUR = timeOf('2025-03-01T20:00:00Z');
const RESTATED_HOUR = timeOf('2025-03-02T01:00:00Z');

const day = (partition: number, reportedDay: number) => ({
  partition,
  reportedDay,
  usageDay: reportedDay,
  meterKey: 'm',
  resourceKey: 'r',
  hourlyQuantity: '1',
  rowQuantity: '2',
});
const differences = [{ partition: 0, reportedHour: RESTATED_HOUR }];

test('a wrong daily row is told beside hourly windows of another day or partition', () => {
  const [alone, other] = [day(0, FIRST_DAY), day(1, NEXT_DAY)];
  expect(daysAlone(differences, [alone, day(0, NEXT_DAY), other], HOUR_MILLIS)).toEqual([
    alone,
    other,
  ]);
});

test('a daily row of the day in which a source begins is recorded at an hour that the source has', () => {
  const days = [day(0, FIRST_DAY), day(0, FIRST_DAY), day(1, NEXT_DAY)];
  const range = { firstHour: FIRST_HOUR, from: FIRST_DAY };
  expect(restatedWindows(differences, days, range)).toEqual([
    { partition: 0, reportedHour: RESTATED_HOUR, windows: 1 },
    { partition: 0, reportedHour: FIRST_HOUR, windows: 2 },
    { partition: 1, reportedHour: NEXT_DAY, windows: 1 },
  ]);
});

test('unfinished-hour-outside-the-range: a daily row is recorded within the range, where a repeated rebuild looks', () => {
  const from = timeOf('2025-03-01T22:00:00Z');
  expect(restatedWindows([], [day(0, FIRST_DAY)], { firstHour: FIRST_HOUR, from })).toEqual([
    { partition: 0, reportedHour: from, windows: 1 },
  ]);
});
