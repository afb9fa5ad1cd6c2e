import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../../services/shared/model/rules.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../../services/shared/model/time.ts';
import { uuidText } from '../../../services/shared/model/usage-event.ts';
import { BAD_RECORD_CODES, type Emission, type WorkloadTopic } from './emission.ts';
import { generateWorkload, USUAL_SHARES, type WorkloadOptions } from './generate-workload.ts';

const live: WorkloadTopic = {
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 4,
  namespaces: ['microsoft.compute'],
  hourMillis: HOUR_MILLIS,
};
const history: WorkloadTopic = {
  ...live,
  topic: 'usage.history.run',
  kind: 'history',
  namespaces: ['*'],
};

const options: WorkloadOptions = {
  seed: 20_191_210,
  events: 20_000,
  tenants: 5,
  resourcesPerTenant: 6,
  topics: [live, history],
  reportedFrom: millis(Date.UTC(2026, 0, 10)),
  reportedTo: millis(Date.UTC(2026, 0, 11)),
};

const generate = (changes: Partial<WorkloadOptions> = {}): Emission[] => [
  ...generateWorkload({ ...options, ...changes }),
];

/** Many tests look at the same records. */
const usual = generate();

const eventsOf = (emissions: readonly Emission[]) =>
  emissions.flatMap(({ intent }) => (intent.kind === 'event' ? [intent.event] : []));

describe('a workload', () => {
  test('is the same for the same seed and another one for another', () => {
    expect(generate({ events: 500 })).toEqual(generate({ events: 500 }));
    expect(generate({ events: 500 })).not.toEqual(generate({ events: 500, seed: 1 }));
  });

  test('is generated lazily', () => {
    const first = generateWorkload({ ...options, events: Number.MAX_SAFE_INTEGER }).next();
    expect(first.done).toBe(false);
  });

  test('has every kind of trouble in about its share', () => {
    const emissions = usual;
    const counts = new Map<string, number>();
    for (const { kind } of emissions) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    expect(emissions).toHaveLength(options.events);
    for (const [kind, share] of Object.entries(USUAL_SHARES)) {
      // Some kinds are possible on one of the topics alone.
      const atLeast = (share * options.events) / 6;
      expect({ kind, few: (counts.get(kind) ?? 0) < atLeast }).toEqual({ kind, few: false });
    }
  });

  test('without shares is fresh usage alone, each event with an id of its own', () => {
    const emissions = generate({ shares: {}, events: 3_000 });
    expect(new Set(emissions.map(({ kind }) => kind))).toEqual(new Set(['fresh']));
    const ids = new Set(eventsOf(emissions).map(({ eventId }) => uuidText(eventId)));
    expect(ids.size).toBe(3_000);
  });

  test('sends duplicates again as they were, to the same place, or in other letters', () => {
    const seen = new Map<string, Emission>();
    let sameBytes = 0;
    let otherLetters = 0;
    for (const emission of usual) {
      if (emission.intent.kind === 'bad') continue;
      const id = uuidText(emission.intent.event.eventId);
      const earlier = seen.get(id);
      seen.set(id, emission);
      if (emission.kind !== 'near-duplicate' && emission.kind !== 'far-duplicate') continue;
      expect(earlier).toMatchObject({ topic: emission.topic, partition: emission.partition });
      expect(emission.key).toEqual(earlier?.key);
      if (emission.value && earlier?.value?.equals(emission.value)) sameBytes++;
      else otherLetters++;
    }
    expect(sameBytes).toBeGreaterThan(otherLetters);
    expect(otherLetters).toBeGreaterThan(0);
  });

  test('asks for nothing that a topic cannot have', () => {
    const one = { ...history, partitions: 1 };
    const kinds = new Set(generate({ topics: [one], events: 5_000 }).map(({ kind }) => kind));
    expect(kinds.has('wrong-partition')).toBe(false);
    expect(kinds.has('wrong-provider')).toBe(false);
    expect(kinds.has('outside-run')).toBe(true);
  });

  test('holds quantities that no double and no 128-bit integer can', () => {
    const quantities = eventsOf(usual).map(({ quantity }) => quantity);
    expect(quantities).toContain(0n);
    expect(quantities.some((quantity) => quantity >= 2n ** 127n)).toBe(true);
    expect(quantities.some((quantity) => quantity === 1_250_000_000_000_000_000n)).toBe(true);
    expect(
      quantities.some((quantity) => BigInt(Number(quantity)) !== quantity && quantity > 10n ** 44n),
    ).toBe(true);
  });

  test('keeps late usage within the age limit and old usage beyond it', () => {
    const ages = (wanted: string): number[] =>
      usual.flatMap(({ kind, intent, timestamp }) =>
        kind === wanted && intent.kind === 'event' ? [timestamp - intent.event.usageStartTime] : [],
      );
    expect(Math.max(...ages('late-by-days'))).toBeLessThan(DEFAULT_MAX_USAGE_AGE_MILLIS);
    expect(Math.min(...ages('too-old'))).toBeGreaterThanOrEqual(DEFAULT_MAX_USAGE_AGE_MILLIS);
    expect(Math.max(...ages('in-future'))).toBeLessThan(-365 * 86_400_000);
  });

  test('has usage inside shortened hours where a source has them', () => {
    const short = { ...live, hourMillis: 2_000 };
    const events = eventsOf(generate({ topics: [short], events: 3_000 }));
    const outside = events.filter(
      ({ usageStartTime: start, usageEndTime: end }) =>
        start >= end || hourOf(start, 2_000) !== hourOf(millis(end - 1), 2_000),
    );
    expect(outside).toEqual([]);
  });

  test('states times that go back now and then in a history, never before its start', () => {
    const times = usual.map(({ timestamp }) => timestamp);
    expect(times.some((time, n) => n > 0 && time < (times[n - 1] ?? 0))).toBe(true);
    const inRun = generate({ shares: {}, events: 2_000 }).map(({ timestamp }) => timestamp);
    expect(Math.min(...inRun)).toBeGreaterThanOrEqual(options.reportedFrom);
    expect(Math.max(...inRun)).toBeLessThan(options.reportedTo);
  });

  test('says of each bad record which code it must get', () => {
    const wrong = usual.filter(
      ({ kind, intent }) =>
        intent.kind === 'bad' &&
        intent.code !== BAD_RECORD_CODES[kind as keyof typeof BAD_RECORD_CODES],
    );
    expect(wrong).toEqual([]);
  });
});
