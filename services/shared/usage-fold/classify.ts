import type { RawUsageEvent } from '../model/usage-event.ts';
import { unframe } from '../avro/wire-format.ts';
import type { DeadLetterCode } from '../model/dead-letter.ts';
import { quantityFromBytes } from '../model/decimal.ts';
import { identityKeys } from '../model/placement.ts';
import { hourOf, isoText, millis, type Millis } from '../model/time.ts';
import { placementProblem, valueProblem, type EventProblem } from '../model/usage-event-problem.ts';
import { firstReported } from './first-reported.ts';
import { contentDigest } from './content-digest.ts';
import { isAdjustment } from './is-adjustment.ts';
import type { ActiveRules, Knowledge } from './knowledge.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Place } from './place.ts';
import type { Candidate, JudgedEvent, Verdict } from './verdict.ts';

/**
 * Judges a record by its own content, the rules in force and its reported time. The first line that applies
 * decides:
 *
 * | what is wrong                                                        | code                 |
 * |----------------------------------------------------------------------|----------------------|
 * | not byte 0 and a schema id                                           | `malformed`          |
 * | a schema id that the rules do not accept                             | `unknown-schema`     |
 * | not one whole Avro datum                                             | `malformed`          |
 * | text that is not UTF-8                                               | `invalid-text`       |
 * | field by field: a control character or line separator in an identity | `invalid-text`       |
 * | subscription, meter or resource of 0 or over 1,024 bytes             | `invalid-identity`   |
 * | location over 1,024 bytes, tags or info over 64 KiB                  | `text-too-long`      |
 * | start not before end                                                 | `invalid-period`     |
 * | not inside one hour                                                  | `spans-hours`        |
 * | start after the reported time                                        | `in-future`          |
 * | start longer before it was first reported than maxUsageAge           | `too-old`            |
 * | quantity not in its shortest form, or over 32 bytes                  | `invalid-quantity`   |
 * | quantity below 0                                                     | `negative-quantity`  |
 * | quantity of 10^15 or more                                            | `quantity-too-large` |
 * | start before the floor of a trimmed ledger                           | `below-floor`        |
 * | key other than the resource in lower case                            | `wrong-key`          |
 * | partition other than the key's                                       | `wrong-partition`    |
 * | a namespace that this topic does not serve                           | `wrong-provider`     |
 * | a resource of another subscription                                   | `wrong-subscription` |
 *
 * An adjustment that is signed for this place may be older, and below zero, down to -10^15.
 */
export const classify = (
  record: LogRecord,
  place: Place,
  active: ActiveRules,
  { watermark, floor }: ReportedTimes,
  knowledge: Knowledge,
): Verdict => {
  const framed = record.value && unframe(record.value);
  if (!framed) return refusal('malformed', 'it is not in the Confluent wire format');
  const decode = active.schemaIds.has(framed.schemaId) && knowledge.decoders.get(framed.schemaId);
  if (!decode) {
    return refusal('unknown-schema', `schema id ${String(framed.schemaId)} is not accepted here`);
  }
  const decoded = decode(framed.datum);
  if (!decoded.ok) return refusal(decoded.error.code, decoded.error.message);
  const event = decoded.value;
  const firstReportedTime = firstReported(record, place, active, watermark, knowledge);
  const problem =
    valueProblem(
      event,
      active.rules,
      watermark,
      firstReportedTime,
      isAdjustment(record, place, active, knowledge),
    ) ??
    floorProblem(event, floor) ??
    placementProblem(event, record.key, {
      partition: place.partition,
      partitions: place.source.partitions,
      namespaces: active.namespaces,
    });
  return problem === null
    ? { kind: 'candidate', candidate: candidateOf(judged(event), active.rules.hourMillis) }
    : refusal(problem.code, problem.message);
};

/**
 * What the timeline says about a record's time: its reported time, and how far the ledger has been trimmed.
 */
export interface ReportedTimes {
  readonly watermark: Millis;
  readonly floor: Millis | null;
}

const floorProblem = (
  { usageStartTime }: RawUsageEvent,
  floor: Millis | null,
): EventProblem | null =>
  floor !== null && usageStartTime < floor
    ? {
        code: 'below-floor',
        message: `the usage started before ${isoText(floor)}, up to which the ledger was trimmed`,
      }
    : null;

const refusal = (code: DeadLetterCode, message: string): Verdict => ({
  kind: 'dead-letter',
  code,
  message,
});

/** The times of a valid event lie near its reported time, where doubles are exact. */
const judged = (event: RawUsageEvent): JudgedEvent => ({
  ...event,
  usageStartTime: millis(Number(event.usageStartTime)),
  usageEndTime: millis(Number(event.usageEndTime)),
});

const candidateOf = (event: JudgedEvent, hourMillis: number): Candidate => ({
  event,
  ...identityKeys(event),
  quantity: quantityFromBytes(event.quantity),
  usageHour: hourOf(event.usageStartTime, hourMillis),
  digest: contentDigest(event),
});
