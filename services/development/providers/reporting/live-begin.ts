import type { Source } from '../../../shared/model/source.ts';
import type { Hour } from '../../../shared/model/time.ts';

/**
 * The start of the first hour whose usage a provider reports live: where the simulated history of the same
 * cloud ends, or else where the live hours of its topic begin. It must be the same at every start.
 */
export const liveBegin = (
  sources: readonly Source[],
  topic: string,
  { CLOUD_SEED: seed }: { readonly CLOUD_SEED: number },
): Hour => {
  const first = Math.min(
    ...sources.filter((source) => source.topic === topic).map(({ firstHour }) => firstHour),
  ) as Hour;
  const history = sources.find(
    ({ kind, state, origin, lastHour, hourMillis }) =>
      kind === 'history' &&
      state !== 'abandoned' &&
      origin.startsWith(`simulated:${String(seed)}:`) &&
      lastHour !== null &&
      lastHour + hourMillis === first,
  );
  // Usage is reported in the hour after it: the last hour of history reports that of the hour before.
  return history?.lastHour ?? first;
};
