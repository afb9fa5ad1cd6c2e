import { quantityFromNumber, quantityToBytes } from '../../shared/model/decimal.ts';
import { UserError } from '../../shared/process/errors.ts';
import { resourceKey } from '../../shared/model/placement.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../shared/model/rules.ts';
import type { HistoricalEvent } from './history-run.ts';
import { HOUR_MILLIS, isoText, millis } from '../../shared/model/time.ts';
import { usageEventId, uuidText, type UsageEvent } from '../../shared/model/usage-event.ts';
import { placementProblem, valueProblem } from '../../shared/model/usage-event-problem.ts';
import type { RecordedRow, Recording } from './recording.ts';

/** The limits for every event of a recording: those of the rules with which a run begins. */
const LIMITS = { hourMillis: HOUR_MILLIS, maxUsageAgeMillis: DEFAULT_MAX_USAGE_AGE_MILLIS };
const ANYWHERE = { partition: 0, partitions: 1, namespaces: null };

/**
 * The events of a recording. Each row is one event with its own usage time, reported in the last
 * millisecond of the requested range.
 * @throws UserError that names the first row that would not count, or would count as another row
 */
export const recordedEvents = (name: string, recording: Recording): readonly HistoricalEvent[] => {
  const reportedTime = millis(recording.reportedEnd - 1);
  const rowOfId = new Map<string, number>();
  return recording.rows.map((row) => {
    const refuse = (problem: string): never => {
      throw new UserError(`${name} cannot be replayed: row ${String(row.number)}: ${problem}`);
    };
    const event = eventOf(row, isoText(recording.reportedStart), refuse);
    const raw = {
      ...event,
      quantity: quantityToBytes(event.quantity),
      usageStartTime: BigInt(event.usageStartTime),
      usageEndTime: BigInt(event.usageEndTime),
    };
    const problem =
      valueProblem(raw, LIMITS, reportedTime) ??
      placementProblem(raw, Buffer.from(resourceKey(event.resourceUri)), ANYWHERE);
    if (problem) return refuse(`${problem.message} (${problem.code})`);
    const id = uuidText(event.eventId);
    const earlier = rowOfId.get(id);
    if (earlier !== undefined) {
      return refuse(
        `it repeats the subscription, meter, resource and hour of row ${String(earlier)}`,
      );
    }
    rowOfId.set(id, row.number);
    return { event, reportedTime };
  });
};

const eventOf = (
  { number: _number, ...row }: RecordedRow,
  discriminator: string,
  refuse: (problem: string) => never,
): UsageEvent => {
  const quantity =
    quantityFromNumber(row.quantity) ??
    refuse(`quantity ${String(row.quantity)} has more than 30 decimal places`);
  return { ...row, quantity, eventId: usageEventId(row, discriminator) };
};
