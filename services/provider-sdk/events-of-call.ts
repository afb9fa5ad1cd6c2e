import { ATTRIBUTES } from '../shared/model/event-texts.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import type { UsageEvent } from '../shared/model/usage-event.ts';
import { eventsOfUsage } from './events-of-usage.ts';
import type { RefusedUsage } from './provider-errors.ts';
import type { Usage } from './usage.ts';

/** The first usage of a call that has an event of this id. */
interface First {
  readonly index: number;
  readonly event: UsageEvent;
}

/**
 * The events of all usages of a call, or all problems of them. Two usages of the same id and different
 * content are refused: only the first one would count.
 */
export const eventsOfCall = (
  usages: readonly Usage[],
  hourMillis: number,
): Result<readonly UsageEvent[], readonly RefusedUsage[]> => {
  const all: UsageEvent[] = [];
  const problems: RefusedUsage[] = [];
  const firstOf = new Map<string, First>();
  // Of an array with holes, `forEach` would leave those out in silence.
  for (const [index, usage] of usages.entries()) {
    const events = eventsOfUsage(usage, hourMillis);
    if (!events.ok) {
      problems.push(...events.error.map((problem) => ({ ...problem, index })));
      continue;
    }
    let rival: number | null = null;
    for (const event of events.value) {
      all.push(event);
      if (usages.length > 1) rival ??= rivalOf({ index, event }, firstOf);
    }
    if (rival !== null) {
      const problem = `is missing: usage ${String(rival)} has the same subscription, meter, resource and period, and differs in something else`;
      problems.push({ index, field: 'discriminator', problem });
    }
  }
  return problems.length > 0 ? fail(problems) : succeed(all);
};

/** Which earlier usage has an event of the same id and other content; null if none has. */
const rivalOf = (given: First, firstOf: Map<string, First>): number | null => {
  const { eventId } = given.event;
  const id = Buffer.from(eventId.buffer, eventId.byteOffset, eventId.byteLength).toString('latin1');
  const first = firstOf.get(id);
  if (first === undefined) firstOf.set(id, given);
  return first === undefined || isSame(first.event, given.event) ? null : first.index;
};

const isSame = (one: UsageEvent, other: UsageEvent): boolean =>
  one.quantity === other.quantity && ATTRIBUTES.every(({ name }) => one[name] === other[name]);
