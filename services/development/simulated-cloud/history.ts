import type { HistoricalEvent } from '../../operations/history-runs/history-run.ts';
import { millis, nextHour, type Hour } from '../../shared/model/time.ts';
import { withWorkers } from './app-service-workers.ts';
import { usageOf } from './consumption.ts';
import { drawer } from './draw.ts';
import { eventsOf } from './events-of.ts';
import type { CloudResource } from './resource.ts';
import { seededCloud } from './seeded-cloud.ts';
import type { CloudSeed } from './tenant.ts';

/** The shares of usage reports that are hours late, and that are sent twice. */
const LATE_SHARE = 0.02;
const REPEATED_SHARE = 0.01;
const MAX_LATE_HOURS = 3;

/** Resources that have come and gone are not kept: the cloud is drawn again after so many hours. */
const HOURS_AT_ONCE = 168;

export interface SimulatedPast extends CloudSeed {
  /** Reported hours, both included. */
  readonly firstHour: Hour;
  readonly lastHour: Hour;
  readonly hourMillis: number;
  /** The operator's subscription. */
  readonly operator: string;
}

/**
 * What a cloud reports in a range of hours, in the order of reported time. Usage is reported in the hour
 * after it was used, some of it hours late and some of it twice. So a range that ends before an hour H holds
 * all usage from before the hour that precedes H; live providers go on from there.
 *
 * Only the reports of one hour, and the late ones, are in memory.
 */
export function* simulatedHistory(
  past: SimulatedPast,
): Generator<HistoricalEvent, void, undefined> {
  const { firstHour, lastHour, hourMillis, operator } = past;
  const late = new Map<Hour, HistoricalEvent[]>();
  let cloud: readonly CloudResource[] = [];
  for (let hour = firstHour; hour <= lastHour; hour = nextHour(hour, hourMillis)) {
    const usageHour = (hour - hourMillis) as Hour;
    if (((hour - firstHour) / hourMillis) % HOURS_AT_ONCE === 0) {
      const to = millis(usageHour + HOURS_AT_ONCE * hourMillis);
      cloud = withWorkers(seededCloud({ ...past, from: usageHour, to }), operator);
    }
    const reports = late.get(hour) ?? [];
    late.delete(hour);
    for (const resource of cloud) {
      const used = usageOf(resource, usageHour, hour, hourMillis);
      for (const event of used.flatMap((usage) => eventsOf(usage, hourMillis))) {
        const chance = drawer(resource.resourceUri, event.meterId, event.usageStartTime, 'report');
        const lateBy = chance(0) < LATE_SHARE ? 1 + Math.floor(chance(1) * MAX_LATE_HOURS) : 0;
        const reportedHour = Math.min(hour + lateBy * hourMillis, lastHour) as Hour;
        const reportedTime = millis(reportedHour + Math.floor(chance(2) * hourMillis));
        const into = reportedHour === hour ? reports : (late.get(reportedHour) ?? []);
        into.push({ event, reportedTime });
        if (chance(3) < REPEATED_SHARE) into.push({ event, reportedTime });
        if (reportedHour !== hour) late.set(reportedHour, into);
      }
    }
    yield* reports.sort((a, b) => a.reportedTime - b.reportedTime);
  }
}
