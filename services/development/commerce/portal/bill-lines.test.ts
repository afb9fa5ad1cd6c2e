import { formatQuantity } from '../../../shared/model/decimal.ts';
import { millis } from '../../../shared/model/time.ts';
import { timeOf } from '../../../shared/model/time-text.ts';
import type { AcceptedEvent } from '../metering-event.ts';
import { BillLines, partsOf } from './bill-lines.ts';

const event = (changes: Partial<AcceptedEvent> = {}): AcceptedEvent => ({
  resource: { resourceUri: '/R' },
  quantity: 5,
  dimension: 'Dim',
  effectiveStartTime: '2026-03-10T11:00:00Z',
  hour: timeOf('2026-03-10T11:00:00Z'),
  planId: 'p',
  additionalInfo: null,
  registration: 'stamp',
  tenantSubscription: 's',
  billedTo: 'payer',
  usageEventId: 'id',
  messageTime: millis(0),
  ...changes,
});

const parts = (
  quantity: number,
  ...months: readonly (readonly [string, string])[]
): readonly string[] => {
  const usageMonths = months.map(([month, text]) => ({ month, quantity: text }));
  const additionalInfo = months.length === 0 ? null : { usageMonths };
  return partsOf(event({ quantity, additionalInfo })).map(
    (part) => `${part.month} ${formatQuantity(part.quantity)}`,
  );
};

describe('the parts of a quantity by month', () => {
  test('are all of it for usage of the month itself', () => {
    expect(parts(9.123456789012346)).toEqual(['2026-03 9.123456789012346']);
  });

  test('are exact for earlier months, and the rest of the accepted double for the month itself', () => {
    expect(parts(0.3, ['2026-02', '0.1'], ['2026-03', '0.200000000000000001'])).toEqual([
      '2026-02 0.1',
      '2026-03 0.2',
    ]);
    expect(parts(3, ['2026-02', '1'], ['2026-01', '0.5'], ['2026-03', '1.5'])).toEqual([
      '2026-01 0.5',
      '2026-02 1',
      '2026-03 1.5',
    ]);
  });

  test('leave no last digit of a double for a month in which nothing was used', () => {
    expect(parts(2168.8860530313104, ['2026-02', '2168.886053031310419'])).toEqual([
      '2026-02 2168.8860530313104',
    ]);
    expect(parts(0.3, ['2026-01', '0.1'], ['2026-02', '0.200000000000000000001'])).toEqual([
      '2026-01 0.1',
      '2026-02 0.2',
    ]);
  });
});

test('events of one day, payer, subscription, meter and resource are one line, whatever their case', () => {
  const lines = new BillLines();
  lines.add(event({ quantity: 0.1 }));
  lines.add(event({ quantity: 0.2, dimension: 'DIM', hour: timeOf('2026-03-10T23:00:00Z') }));
  lines.add(event({ resource: { resourceUri: '/r' } }));
  expect(lines.all().map((line) => [line.resource, formatQuantity(line.quantity)])).toEqual([
    ['/R', '5.3'],
  ]);
  expect(lines.events).toBe(3);
});

test('what differs in any of these is a line of its own', () => {
  const lines = new BillLines();
  const all = [
    event(),
    event({ hour: timeOf('2026-03-11T00:00:00Z') }),
    event({ billedTo: 'other' }),
    event({ registration: 'other' }),
    event({ tenantSubscription: null }),
    event({ dimension: 'other' }),
    event({ resource: { resourceUri: '/other' } }),
    event({ additionalInfo: { usageMonths: [{ month: '2026-02', quantity: '5' }] } }),
  ];
  for (const each of all) lines.add(each);
  expect(lines.all()).toHaveLength(all.length);
});
