import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../services/shared/model/rules.ts';
import {
  hourOf,
  HOUR_MILLIS,
  millis,
  type Hour,
  type Millis,
} from '../../services/shared/model/time.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import type { Random } from '../support/workload/random.ts';
import {
  endContent,
  eventContent,
  floorContent,
  forgedContent,
  machinesOn,
  malformedContent,
  misplacedContent,
  partitionOf,
  redrivenContent,
  rulesContent,
  tickContent,
  unknownSchemaContent,
  type EventChoice,
  type Written,
} from './contents.ts';
import type { RulesIntent, SimulatedLog } from './simulated-log.ts';

const MINUTE = 60_000;
const LONG = DEFAULT_MAX_USAGE_AGE_MILLIS;
const AGES = [LONG, LONG, LONG, 90 * MINUTE, 150 * MINUTE] as const;

/**
 * Writes to the topics of one schedule, one record at a time. It keeps to few ids, hours and
 * resources, so that they meet often.
 */
export class Workload {
  private readonly random: Random;
  /** Every event written so far, for duplicates: also those of an earlier epoch of the topic. */
  private readonly sent: EventChoice[] = [];
  private readonly rules = new Map<SimulatedLog, RulesIntent>();

  constructor(random: Random) {
    this.random = random;
  }

  /** The newest rules of a log as they stand in it; null before the first. */
  rulesTextOf({ written }: SimulatedLog): string | null {
    const newest = written.findLast(({ intent }) => intent.kind === 'rules');
    return newest?.intent.kind === 'rules' ? newest.intent.text : null;
  }

  /** The first records of a partition: its rules, now and then not quite the first. */
  begin(log: SimulatedLog, now: Millis): void {
    const { place } = log;
    if (this.random.chance(0.06)) this.write(log, now, malformedContent);
    const served = place.source.kind === 'history' ? ['*'] : ['microsoft.compute'];
    const first = { version: 1, maxUsageAge: this.random.pick(AGES), namespaces: served };
    this.applyRules(log, now, first);
  }

  /** One more record, now and then two of the same or offsets without any. */
  next(log: SimulatedLog, now: Millis): void {
    const { random } = this;
    if (random.chance(0.05)) log.skip();
    const written = this.content(log, now);
    if (written === null) return;
    this.write(log, now, written);
    // The answer to an append was lost, so it was sent again.
    if (random.chance(0.1)) this.write(log, now, written);
  }

  end(log: SimulatedLog, now: Millis): void {
    const { random } = this;
    const lastHour = log.place.source.lastHour;
    this.write(log, lastHour ?? now, endContent(log.place));
    if (random.chance(0.2)) this.write(log, lastHour ?? now, endContent(log.place));
    if (random.chance(0.1)) this.next(log, lastHour ?? now);
  }

  private write(log: SimulatedLog, now: Millis, { content, intent }: Written): void {
    log.append(content, now, intent);
  }

  private applyRules(log: SimulatedLog, now: Millis, rules: RulesIntent): void {
    this.rules.set(log, rules);
    this.write(log, now, rulesContent(log.place, rules));
  }

  /** Null where something else than one record was written. */
  private content(log: SimulatedLog, now: Millis): Written | null {
    const { random } = this;
    const { place } = log;
    const draw = random.below(100);
    if (draw < 72) return eventContent(this.choice(place, now));
    if (draw < 76) return redrivenContent(place, this.choice(place, now));
    if (draw < 80) return random.chance(0.5) ? malformedContent : unknownSchemaContent;
    if (draw < 82) return misplacedContent(this.choice(place, now), 'wrong-key');
    if (draw < 84) return this.onOtherPartition(place, now);
    if (draw < 87) return forgedContent(place);
    if (draw < 91) return tickContent(place);
    const before = this.rules.get(log);
    if (before === undefined) return malformedContent;
    if (draw < 93) {
      const floor = millis(now - before.maxUsageAge - random.below(3) * MINUTE + MINUTE);
      this.write(log, now, floorContent(place, floor));
      // Usage below the floor would be young enough now.
      if (random.chance(0.5)) {
        this.applyRules(log, now, { ...before, version: before.version + 1, maxUsageAge: LONG });
      }
      return null;
    }
    if (draw < 95) return rulesContent(place, before); // sent again
    this.applyRules(log, now, {
      version: before.version + 1,
      maxUsageAge: random.pick(AGES),
      namespaces: random.pick([
        before.namespaces,
        ['microsoft.compute', 'microsoft.storage'],
        ['microsoft.compute'],
      ]),
    });
    return null;
  }

  private choice(place: Place, now: Millis): EventChoice {
    const { random } = this;
    const { partitions } = place.source;
    if (this.sent.length > 0 && random.chance(0.4)) {
      const again = random.pick(this.sent);
      if (partitionOf(again, partitions) === place.partition) {
        if (random.chance(0.15)) return { ...again, quantity: again.quantity + 1 };
        return random.chance(0.15) ? { ...again, lower: !again.lower } : again;
      }
    }
    const open = hourOf(now, HOUR_MILLIS);
    const id = random.below(5);
    const namespace = random.chance(0.88) ? 'Microsoft.Compute' : 'Microsoft.Storage';
    const choice: EventChoice = {
      machine: random.pick(machinesOn(namespace, place.partition, partitions)),
      namespace,
      meter: random.chance(0.8) ? 'METER-A' : 'METER-B',
      usageHour: (open - (random.chance(0.35) ? 1 + random.below(2) : 0) * HOUR_MILLIS) as Hour,
      id,
      quantity: 1 + id,
      lower: random.chance(0.1),
    };
    if (random.chance(0.03)) {
      return { ...choice, usageHour: (open + HOUR_MILLIS) as Hour }; // not begun yet
    }
    this.sent.push(choice);
    return choice;
  }

  private onOtherPartition(place: Place, now: Millis): Written {
    if (place.source.partitions === 1) return malformedContent;
    const other = { ...place, partition: 1 - place.partition };
    return misplacedContent(this.choice(other, now), 'wrong-partition');
  }
}
