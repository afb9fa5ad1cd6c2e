import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import { readMeterCatalog } from '../../../services/shared/meters/meter-catalog.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../../services/shared/model/rules.ts';
import {
  DAY_MILLIS,
  hourOf,
  millis,
  type Hour,
  type Millis,
} from '../../../services/shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { isPossible, spoiler, type Spoil } from './bad-records.ts';
import { simulateCloud, type CloudResource, type CloudSize } from './cloud.ts';
import {
  BAD_RECORD_CODES,
  type BadKind,
  type Emission,
  type EmissionKind,
  type Shares,
  type WorkloadTopic,
} from './emission.ts';
import { quantityOf, someQuantity } from './quantities.ts';
import { seededRandom, weightedChoice, type Random } from './random.ts';

export interface WorkloadOptions extends CloudSize {
  /** The same seed and options give the same records, byte for byte. */
  readonly seed: number;
  /** How many records, duplicates and bad ones included. */
  readonly events: number;
  readonly topics: readonly WorkloadTopic[];
  /**
   * The time in which the records are meant to be reported, spread evenly over them; the second may
   * equal the first. For history topics the hours of the run, for live topics shortly before now:
   * usage that starts after it is reported is refused.
   */
  readonly reportedFrom: Millis;
  readonly reportedTo: Millis;
  /** By default `USUAL_SHARES`; `{}` gives nothing but fresh events. */
  readonly shares?: Shares;
  /** As the rules in the log have it. */
  readonly maxUsageAgeMillis?: number;
}

const BAD_KINDS = Object.keys(BAD_RECORD_CODES) as BadKind[];

/** Everything that goes wrong in a real cloud, more often than there. */
export const USUAL_SHARES: Shares = {
  'near-duplicate': 0.03,
  'far-duplicate': 0.02,
  'late-by-hours': 0.08,
  'late-by-days': 0.03,
  conflict: 0.002,
  'in-future': 0.001,
  'too-old': 0.001,
  'outside-run': 0.001,
  ...Object.fromEntries(BAD_KINDS.map((kind) => [kind, 0.001])),
};

const NEAR = 100;
const FAR = 5_000;

/** Records that were sent, to be sent again: the last ones, and a sample of all. */
interface Sent {
  readonly near: Emission[];
  readonly far: Emission[];
  count: number;
}

const remember = (sent: Sent, emission: Emission, random: Random): void => {
  const { near, far } = sent;
  near[sent.count % NEAR] = emission;
  sent.count++;
  // Each event ends up in the sample with the same probability.
  const at = far.length < FAR ? far.length : random.below(sent.count);
  if (at < FAR) far[at] = emission;
};

/**
 * Generates records lazily, from the seed alone: usage of a simulated cloud with its duplicates,
 * its late and its bad records. What each window must hold in the end depends on what the broker
 * acknowledged, and when: see `ExpectedTotals`.
 */
export function* generateWorkload(options: WorkloadOptions): Generator<Emission, void, undefined> {
  const random = seededRandom(options.seed);
  const schemas = readSchemaDirectory();
  const encode = usageEventEncoder(schemas);
  const spoil = spoiler(schemas, encode);
  const cloud = simulateCloud(random, options.topics, options, readMeterCatalog());
  const choose = kindChooser(options.shares ?? USUAL_SHARES);
  const populated = options.topics.filter((topic) => (cloud.get(topic) ?? []).length > 0);
  const maxAge = options.maxUsageAgeMillis ?? DEFAULT_MAX_USAGE_AGE_MILLIS;
  const sent: Sent = { near: [], far: [], count: 0 };

  for (let n = 0; n < options.events; n++) {
    const resource = random.pick(cloud.get(random.pick(populated)) ?? []);
    const clock = clockAt(options, n);
    const timestamp = statedTime(options, clock, random);
    const kind = possible(choose(random), resource.topic, sent);
    const discriminator = `${String(options.seed)}.${String(n)}`;

    let emission: Emission;
    if (kind === 'near-duplicate' || kind === 'far-duplicate') {
      const earlier = random.pick(kind === 'near-duplicate' ? sent.near : sent.far);
      emission = resent(earlier, kind, timestamp, random, encode);
    } else if (kind === 'conflict') {
      const earlier = random.pick(random.pick([sent.near, sent.far]));
      emission = contradicted(earlier, timestamp, random, encode);
    } else if (isBad(kind)) {
      const event = eventOf(
        random,
        resource,
        freshPeriod(random, resource, timestamp),
        discriminator,
      );
      emission = spoilt(kind, resource, event, timestamp, random, spoil);
    } else {
      const period = periodOf(kind, random, resource, timestamp, maxAge);
      const event = eventOf(random, resource, period, discriminator);
      const outside = random.pick([-1, 1]) * 400 * DAY_MILLIS;
      emission = {
        ...placeOf(resource),
        kind,
        value: encode(event),
        headers: {},
        timestamp: kind === 'outside-run' ? millis(timestamp + outside) : timestamp,
        intent: { kind: 'event', event },
      };
    }
    if (emission.intent.kind === 'event') remember(sent, emission, random);
    yield emission;
  }
}

const kindChooser = (shares: Shares): ((random: Random) => EmissionKind) => {
  const troubled = Object.values(shares).reduce((sum, share) => sum + share, 0);
  return weightedChoice<EmissionKind>({ fresh: Math.max(0, 1 - troubled), ...shares });
};

const isBad = (kind: EmissionKind): kind is BadKind => kind in BAD_RECORD_CODES;

/** Fresh where the topic, or what was sent so far, does not allow the kind. */
const possible = (kind: EmissionKind, topic: WorkloadTopic, sent: Sent): EmissionKind => {
  const isAgain = kind === 'near-duplicate' || kind === 'far-duplicate' || kind === 'conflict';
  if (isAgain && sent.count === 0) return 'fresh';
  if (kind === 'outside-run' && topic.kind !== 'history') return 'fresh';
  return isBad(kind) && !isPossible(kind, topic) ? 'fresh' : kind;
};

/** The time that goes by evenly from the first record to the last. */
const clockAt = ({ reportedFrom, reportedTo, events }: WorkloadOptions, n: number): number =>
  reportedFrom + Math.floor(((reportedTo - reportedFrom) * n) / events);

/** One record in twenty states a time that has passed: reported time is a running maximum. */
const statedTime = (options: WorkloadOptions, clock: number, random: Random): Millis => {
  const back = random.chance(0.05) ? random.below(5_400_000) : 0;
  return millis(Math.max(options.reportedFrom, clock - back));
};

interface UsagePeriod {
  readonly usageStartTime: Millis;
  readonly usageEndTime: Millis;
}

/** A whole hour, or some seconds inside it. */
const periodIn = (hour: number, hourMillis: number, random: Random): UsagePeriod => {
  if (random.chance(0.8)) {
    return { usageStartTime: millis(hour), usageEndTime: millis(hour + hourMillis) };
  }
  const start = random.below(hourMillis);
  const length = 1 + random.below(hourMillis - start);
  return { usageStartTime: millis(hour + start), usageEndTime: millis(hour + start + length) };
};

/** Usage of the hour before, or of the running one from its start: providers send both. */
const freshPeriod = (random: Random, { topic }: CloudResource, at: Millis): UsagePeriod => {
  const { hourMillis } = topic;
  const running = hourOf(at, hourMillis);
  return random.chance(0.5)
    ? periodIn(running - hourMillis, hourMillis, random)
    : { usageStartTime: running, usageEndTime: millis(running + hourMillis) };
};

const periodOf = (
  kind: EmissionKind,
  random: Random,
  resource: CloudResource,
  at: Millis,
  maxAge: number,
): UsagePeriod => {
  const { hourMillis } = resource.topic;
  const hoursBack = (hours: number): UsagePeriod =>
    periodIn(hourOf(at, hourMillis) - hours * hourMillis, hourMillis, random);
  switch (kind) {
    case 'late-by-hours':
      return hoursBack(2 + random.below(22));
    case 'late-by-days': {
      // Two days short of the limit, so that a slow run does not make it too old.
      const hours = Math.floor((maxAge - 2 * DAY_MILLIS) / hourMillis);
      return hoursBack(Math.min(24 * (1 + random.below(42)), Math.max(24, hours)));
    }
    case 'in-future':
      return hoursBack(-24 * (400 + random.below(10)));
    case 'too-old': {
      if (resource.topic.kind === 'history' && random.chance(0.5))
        return atTheLimit(at, maxAge, hourMillis, random);
      return hoursBack(Math.ceil(maxAge / hourMillis) + 2 + random.below(1000));
    }
    default:
      return freshPeriod(random, resource, at);
  }
};

/** As old as is allowed, or one millisecond older. */
const atTheLimit = (
  at: Millis,
  maxAge: number,
  hourMillis: number,
  random: Random,
): UsagePeriod => {
  const usageStartTime = millis(at - maxAge - random.below(2));
  const end: Hour = hourOf(usageStartTime, hourMillis);
  return { usageStartTime, usageEndTime: millis(end + hourMillis) };
};

const placeOf = ({ topic, partition, key }: CloudResource) => ({
  topic: topic.topic,
  epoch: topic.epoch,
  partition,
  key,
});

const eventOf = (
  random: Random,
  resource: CloudResource,
  period: UsagePeriod,
  discriminator: string,
): UsageEvent => {
  const identity = {
    subscriptionId: resource.subscriptionId,
    meterId: random.pick(resource.meterIds),
    resourceUri: resource.resourceUri,
    ...period,
  };
  const eventId = usageEventId(identity, discriminator);
  const event = {
    eventId,
    ...identity,
    quantity: someQuantity(random),
    location: resource.location,
    tags: resource.tags,
    additionalInfo: resource.additionalInfo,
  };
  if (random.chance(0.05)) return inOtherLetters(event, random);
  return random.chance(0.05) ? { ...event, tags: `{"n":${discriminator}}` } : event;
};

/** The same identity, written differently, as ids from several systems are. */
const inOtherLetters = (event: UsageEvent, random: Random): UsageEvent => {
  const rewrite = random.pick([asciiUpper, asciiLower]);
  return {
    ...event,
    subscriptionId: rewrite(event.subscriptionId),
    meterId: rewrite(event.meterId),
    resourceUri: rewrite(event.resourceUri),
  };
};

const asciiUpper = (text: string): string =>
  text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
const asciiLower = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Sent again: the same bytes mostly, now and then the same usage in other letters. */
const resent = (
  earlier: Emission,
  kind: EmissionKind,
  timestamp: Millis,
  random: Random,
  encode: (event: UsageEvent) => Buffer,
): Emission => {
  const { intent } = earlier;
  if (intent.kind === 'bad' || random.chance(0.9)) return { ...earlier, kind, timestamp };
  const event = inOtherLetters(intent.event, random);
  return { ...earlier, kind, timestamp, value: encode(event), intent: { kind: 'event', event } };
};

const contradicted = (
  earlier: Emission,
  timestamp: Millis,
  random: Random,
  encode: (event: UsageEvent) => Buffer,
): Emission => {
  if (earlier.intent.kind === 'bad') throw new Error('only events are remembered');
  const { event } = earlier.intent;
  const other: UsageEvent = {
    ...event,
    ...random.pick<Partial<UsageEvent>>([
      { quantity: event.quantity === 0n ? quantityOf('1') : quantityOf('0') },
      { tags: event.tags === null ? '' : null },
      { location: `${event.location}2` },
    ]),
  };
  return {
    ...earlier,
    kind: 'conflict',
    timestamp,
    value: encode(other),
    intent: { kind: 'event', event: other },
  };
};

const spoilt = (
  kind: BadKind,
  resource: CloudResource,
  event: UsageEvent,
  timestamp: Millis,
  random: Random,
  spoil: Spoil,
): Emission => {
  const sound = { topic: resource.topic, partition: resource.partition, key: resource.key, event };
  return {
    ...placeOf(resource),
    ...spoil(kind, sound, random),
    kind,
    timestamp,
    intent: { kind: 'bad', code: BAD_RECORD_CODES[kind] },
  };
};
