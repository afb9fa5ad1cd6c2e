import type { HistoricalEvent } from '../../operations/history-runs/history-run.ts';
import { isoText, millis, nextHour, type Hour } from '../../shared/model/time.ts';
import type { SimulatedResource } from './cloud.ts';
import { draw } from './draw.ts';
import { usageOf } from './hourly-usage.ts';

/** The shares of usage reports that are hours late, and that are sent twice. */
const LATE_SHARE = 0.02;
const REPEATED_SHARE = 0.01;
const MAX_LATE_HOURS = 3;

/**
 * The reports of a cloud for each hour from `first` to `last`, both included, in the order of reported
 * time. Usage is reported in the following hour, some of it hours late and some of it twice.
 */
export function* simulatedHistory(
  resources: readonly SimulatedResource[],
  first: Hour,
  last: Hour,
  hourMillis: number,
): Generator<HistoricalEvent, void, undefined> {
  const late = new Map<Hour, HistoricalEvent[]>();
  for (let hour = first; hour <= last; hour = nextHour(hour, hourMillis)) {
    const reports = late.get(hour) ?? [];
    late.delete(hour);
    const usageHour = (hour - hourMillis) as Hour;
    for (const resource of resources) {
      for (const event of usageOf(resource, usageHour, { hourMillis })) {
        const chance = (what: string): number =>
          draw(resource.resourceUri, event.meterId, isoText(usageHour), what);
        const lateBy =
          chance('late') < LATE_SHARE ? 1 + Math.floor(chance('by') * MAX_LATE_HOURS) : 0;
        const reportedHour = Math.min(hour + lateBy * hourMillis, last) as Hour;
        const report = {
          event,
          reportedTime: millis(reportedHour + Math.floor(chance('at') * hourMillis)),
        };
        const into = reportedHour === hour ? reports : (late.get(reportedHour) ?? []);
        into.push(report);
        if (chance('twice') < REPEATED_SHARE) into.push(report);
        if (reportedHour !== hour) late.set(reportedHour, into);
      }
    }
    yield* reports.sort((a, b) => a.reportedTime - b.reportedTime);
  }
}
