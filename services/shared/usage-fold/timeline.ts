import {
  CONTROL_HEADER,
  controlKeyId,
  isSignedFor,
  type ControlKind,
} from '../model/control-record.ts';
import type { DeadLetterCode } from '../model/dead-letter.ts';
import { parseFloor } from '../model/ledger-floor.ts';
import { parseRules } from '../model/rules.ts';
import type { Source } from '../model/source.ts';
import { hourOf, nextHour, type Hour, type Millis } from '../model/time.ts';
import { classify } from './classify.ts';
import type { Halt } from './halt.ts';
import { activate, cannotApply, findKey, type ActiveRules, type Knowledge } from './knowledge.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Place } from './place.ts';
import type { Verdict } from './verdict.ts';

/** What a partition's records so far say about time and rules. It is never changed, only replaced. */
export interface Timeline {
  /** Reported time of the last record: the running maximum over all of them. */
  readonly watermark: Millis;
  /** The hour that is open. Every hour before it is closed and never changes again. */
  readonly openHour: Hour;
  /** Whether the `end` record has been read. */
  readonly sealed: boolean;
  /**
   * Usage that started before this instant is refused, because the ledger was trimmed; null if it was not.
   */
  readonly floor: Millis | null;
  readonly rules: ActiveRules | null;
}

/** A record judged by everything except the ids seen before, and the timeline after it. */
export interface Step {
  readonly record: LogRecord;
  readonly after: Timeline;
  readonly verdict: Verdict;
}

/** A source's running maximum begins with the start of its first hour. */
export const timelineStart = (source: Source): Timeline => ({
  watermark: source.firstHour,
  openHour: source.firstHour,
  sealed: false,
  floor: null,
  rules: null,
});

/**
 * Takes the next record of the log:
 *
 * | record                                   | timeline                     | verdict                     |
 * |------------------------------------------|------------------------------|-----------------------------|
 * | after `end`, any other                   | stays                        | dead letter `after-end`     |
 * | history, outside the run's hours         | stays                        | dead letter `outside-run`   |
 * | after `end`, a signed `end` again        | stays                        | control                     |
 * | first `rules`, not signed as we know it  | stays                        | halt                        |
 * | control, not signed for this place       | watermark                    | dead letter `forged-control`|
 * | control, unreadable or not allowed here  | watermark                    | dead letter `invalid-control`|
 * | `rules` that this process cannot apply   | stays                        | halt                        |
 * | `rules`, higher version                  | watermark, rules             | control                     |
 * | `rules`, the same again                  | watermark                    | control                     |
 * | `tick` (live)                            | watermark                    | control                     |
 * | `floor`, higher, below what may be used  | watermark, floor             | control                     |
 * | `floor`, not higher                      | watermark                    | control                     |
 * | `end`                                    | sealed, its last hour closes | control                     |
 * | other, before the first rules            | watermark                    | dead letter `no-rules`      |
 * | other                                    | watermark                    | by `classify`               |
 */
export const advance = (
  place: Place,
  timeline: Timeline,
  record: LogRecord,
  knowledge: Knowledge,
): Step => {
  const { source } = place;
  const kind = record.headers[CONTROL_HEADER];
  if (timeline.sealed) {
    return kind === 'end' && isSigned(place, timeline, record, knowledge)
      ? { record, after: timeline, verdict: CONTROL }
      : refuse(record, timeline, 'after-end', 'the source was sealed before it');
  }
  if (isOutsideRun(source, record.timestamp)) {
    return refuse(record, timeline, 'outside-run', 'its timestamp is outside the hours of the run');
  }
  const after = advanceTo(timeline, record.timestamp, source.hourMillis);
  if (kind !== undefined) return applyControl(place, timeline, after, record, kind, knowledge);
  if (after.rules === null) return refuse(record, after, 'no-rules', 'no rules are in force yet');
  const classified = classify(record, place, after.rules, after, knowledge);
  return { record, after, verdict: classified };
};

const CONTROL: Verdict = { kind: 'control' };

const refuse = (
  record: LogRecord,
  after: Timeline,
  code: DeadLetterCode,
  message: string,
): Step => ({
  record,
  after,
  verdict: { kind: 'dead-letter', code, message },
});

const isOutsideRun = (source: Source, timestamp: Millis): boolean =>
  source.kind === 'history' &&
  source.lastHour !== null &&
  (timestamp < source.firstHour || timestamp >= nextHour(source.lastHour, source.hourMillis));

const advanceTo = (timeline: Timeline, timestamp: Millis, hourMillis: number): Timeline =>
  timestamp <= timeline.watermark
    ? timeline
    : {
        watermark: timestamp,
        openHour: hourOf(timestamp, hourMillis),
        sealed: timeline.sealed,
        floor: timeline.floor,
        rules: timeline.rules,
      };

const isSigned = (
  place: Place,
  timeline: Timeline,
  record: LogRecord,
  knowledge: Knowledge,
): boolean => {
  const keyId = controlKeyId(record.headers);
  if (timeline.rules && !timeline.rules.controlKeyIds.has(keyId)) return false;
  const key = findKey(knowledge, keyId);
  return key !== null && isSignedFor(place, record.headers, record.value, key);
};

/**
 * This process may lack the key, or have another secret under its id, so it must not judge the signature.
 */
const unverifiable = (keyId: string): Halt => ({
  code: 'unknown-rules',
  message:
    `the first rules of this partition are signed by key "${keyId}", and this process cannot verify them: ` +
    'add that key, with the secret that signed, to USAGE_CONTROL_KEYS',
});

/** The effect of a signed control record: the timeline after it, why it is invalid, or a halt. */
type ControlEffect =
  | { readonly kind: 'applied'; readonly after: Timeline }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'halt'; readonly halt: Halt };

const applied = (after: Timeline): ControlEffect => ({ kind: 'applied', after });
const invalid = (message: string): ControlEffect => ({ kind: 'invalid', message });

const applyControl = (
  place: Place,
  before: Timeline,
  after: Timeline,
  record: LogRecord,
  kind: string,
  knowledge: Knowledge,
): Step => {
  const halts = (halt: Halt): Step => ({
    record,
    after: before,
    verdict: { kind: 'halt', halt },
  });

  const keyId = controlKeyId(record.headers);
  if (!isSigned(place, before, record, knowledge)) {
    if (before.rules === null && kind === 'rules') return halts(unverifiable(keyId));
    return refuse(
      record,
      after,
      'forged-control',
      'it is not signed for this place by an accepted key',
    );
  }
  const effect = effectOf(kind, record.value?.toString('utf8') ?? '', place, after, knowledge);
  switch (effect.kind) {
    case 'applied':
      return { record, after: effect.after, verdict: CONTROL };
    case 'invalid':
      return refuse(record, after, 'invalid-control', effect.message);
    case 'halt':
      return halts(effect.halt);
  }
};

const effectOf = (
  kind: string,
  text: string,
  place: Place,
  timeline: Timeline,
  knowledge: Knowledge,
): ControlEffect => {
  switch (kind as ControlKind) {
    case 'rules':
      return effectOfRules(text, place, timeline, knowledge);
    case 'tick':
      return place.source.kind === 'live'
        ? applied(timeline)
        : invalid('ticks go to live topics only');
    case 'floor':
      return effectOfFloor(text, timeline);
    case 'end': {
      const lastHour = place.source.lastHour ?? timeline.openHour;
      const openHour = nextHour(lastHour, place.source.hourMillis);
      return applied({ ...timeline, openHour, sealed: true });
    }
    default:
      return invalid(`control records of kind "${kind}" are not known to this fold`);
  }
};

const effectOfRules = (
  text: string,
  place: Place,
  timeline: Timeline,
  knowledge: Knowledge,
): ControlEffect => {
  if (timeline.rules?.text === text) return applied(timeline);
  const rules = parseRules(text);
  if (rules === null) return invalid('the rules cannot be read');
  if (rules.hourMillis !== place.source.hourMillis) {
    return invalid('the length of an hour never changes within a source');
  }
  if (timeline.rules && rules.version <= timeline.rules.rules.version) {
    return invalid(`rules version ${String(rules.version)} does not follow the one in force`);
  }
  const halt = cannotApply(rules, knowledge);
  return halt ? { kind: 'halt', halt } : applied({ ...timeline, rules: activate(rules, text) });
};

const effectOfFloor = (text: string, timeline: Timeline): ControlEffect => {
  const floor = parseFloor(text);
  if (floor === null || timeline.rules === null) return invalid('the floor cannot be read');
  if (floor > timeline.watermark - timeline.rules.rules.maxUsageAgeMillis) {
    return invalid('usage that may still be reported lies below that floor');
  }
  return applied(floor > (timeline.floor ?? 0) ? { ...timeline, floor } : timeline);
};
