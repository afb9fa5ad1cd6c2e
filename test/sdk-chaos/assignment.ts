import type { Usage } from '../../services/provider-sdk/index.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';

/** What a provider of a run is told, as its argument. */
export interface Assignment {
  readonly seed: number;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly namespace: string;
  /** Null for a provider without a spool. */
  readonly spool: { readonly directory: string; readonly maxBytes: number } | null;
  /** How long the broker may be away before `emit` fails. */
  readonly giveUpMillis: number;
  /** What earlier lives emitted and were not told to be taken: it is emitted again, and nothing else is. */
  readonly again: readonly number[];
  /** The number of the first new usage. */
  readonly first: number;
  /** Counts its lives. */
  readonly life: number;
  /** When the first usage ended, in milliseconds since 1970. */
  readonly base: number;
}

const SUBSCRIPTION = '8a4b0c6e-1d2f-4e3a-9b5c-7d6e8f901234';
const METERS = ['meter-a', 'meter-b', 'meter-c'];
const RESOURCES = 11;
/** In steps of 7 minutes some usage crosses an hour, and is two events then. */
const STEP_MILLIS = 7 * 60_000;
const STEPS = 500;

/** The usage of a number: always the same, in whichever life it is emitted. */
export const usageOf = (
  { seed, namespace, base }: Pick<Assignment, 'seed' | 'namespace' | 'base'>,
  n: number,
): Usage => {
  const to = base - (n % STEPS) * STEP_MILLIS;
  const name = `resource-${String(n % RESOURCES)}-${String(Math.floor(n / STEPS))}`;
  return {
    subscriptionId: SUBSCRIPTION,
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/chaos/providers/${namespace}/things/${name}`,
    meterId: METERS[n % METERS.length] ?? '',
    from: to - (n % 5 === 0 ? HOUR_MILLIS : STEP_MILLIS),
    to,
    quantity: `${String(n)}.${String(seed)}`,
    location: 'local',
    tags: { n: String(n) },
  };
};
