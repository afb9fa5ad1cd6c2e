import type { Quantity } from '../../../services/shared/model/decimal.ts';
import type { HistoricalEvent } from '../../../services/operations/history-runs/history-run.ts';
import { HOUR_MILLIS, millis, nextHour, type Hour } from '../../../services/shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { readMeterCatalog } from '../../../services/shared/meters/meter-catalog.ts';
import { UNKNOWN, uriOf } from './aggregates-log.ts';

const catalog = readMeterCatalog();
const idsOf = (billable: boolean): readonly string[] =>
  catalog.filter((meter) => meter.billable === billable).map(({ meterId }) => meterId);

/** Billable ones most of all, one that is not billed, and one that nobody knows. */
export const METERS = [...idsOf(true).slice(0, 5), idsOf(false)[0] ?? '', UNKNOWN];

/** A quantity with all its digits in use, different for each n; every seventh is zero. */
const quantityOf = (n: number): Quantity =>
  (n % 7 === 0 ? 0n : BigInt(n) * 10n ** 30n + BigInt(n) * 1_234_567_890_123n + 1n) as Quantity;

export const eventOf = (
  resource: string,
  meterId: string,
  usageHour: Hour,
  n: number,
  hourMillis: number = HOUR_MILLIS,
): UsageEvent => {
  const resourceUri = uriOf(resource);
  const event = {
    subscriptionId: resourceUri.split('/')[2] ?? '',
    meterId,
    resourceUri,
    usageStartTime: usageHour,
    usageEndTime: nextHour(usageHour, hourMillis),
  };
  return {
    ...event,
    eventId: usageEventId(event, String(n)),
    quantity: quantityOf(n),
    location: 'local',
    tags: null,
    additionalInfo: null,
  };
};

/**
 * A past of some hours: in each, every resource uses every meter, in two events of which the second
 * comes late, from the usage hour before.
 */
export const pastOf = (
  firstHour: Hour,
  hours: number,
  resources: number,
): readonly HistoricalEvent[] => {
  const events: HistoricalEvent[] = [];
  for (let h = 0; h < hours; h++) {
    const reported = (firstHour + h * HOUR_MILLIS) as Hour;
    for (let r = 0; r < resources; r++) {
      for (const [m, meter] of METERS.entries()) {
        const name = (r + m) % 2 === 0 ? `vm${String(r)}` : `VM${String(r)}`; // identity has no case
        for (const late of [0, 1]) {
          const usageHour = (reported - late * HOUR_MILLIS) as Hour;
          const n = ((h * resources + r) * METERS.length + m) * 2 + late;
          events.push({
            event: eventOf(name, meter, usageHour, m === 0 ? 7 : n),
            reportedTime: millis(reported + r),
          });
        }
      }
    }
  }
  return events;
};
