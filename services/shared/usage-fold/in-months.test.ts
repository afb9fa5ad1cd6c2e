import { isoText, type Hour } from '../model/time.ts';
import { inMonths } from './in-months.ts';

const at = (time: string): { reportedHour: Hour } => ({
  reportedHour: Date.UTC(
    ...(time.split(' ').map(Number) as [number, number, number, number]),
  ) as Hour,
});

test('chunks stay in their order, and those of one month together', () => {
  const chunks = [
    at('2026 0 31 22'),
    at('2026 0 31 23'),
    at('2026 1 1 0'),
    at('2027 1 1 0'), // the same month of another year
    at('2027 1 1 1'),
  ];
  expect(
    inMonths(chunks).map((month) => month.map(({ reportedHour }) => isoText(reportedHour))),
  ).toEqual([
    ['2026-01-31T22:00:00Z', '2026-01-31T23:00:00Z'],
    ['2026-02-01T00:00:00Z'],
    ['2027-02-01T00:00:00Z', '2027-02-01T01:00:00Z'],
  ]);
  expect(inMonths([])).toEqual([]);
});
