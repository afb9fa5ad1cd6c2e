import { coveredHours, type Source } from '../../shared/model/source.ts';
import { isoText, nextHour, type Millis } from '../../shared/model/time.ts';

/** Why a history run cannot have these hours, in words. */
export type HistoryRefusal =
  | { readonly kind: 'after-live'; readonly message: string }
  | { readonly kind: 'in-future'; readonly message: string }
  | { readonly kind: 'overlap'; readonly message: string };

type Run = Pick<Source, 'topic' | 'firstHour' | 'lastHour'>;

const end = (run: Pick<Source, 'firstHour' | 'lastHour'>): number => run.lastHour ?? run.firstHour;

/**
 * A history run must end before the first live hour, and must not overlap a run that has not been abandoned
 * (docs/design.md, "Sources"). So every reported hour is covered once. Null if the run may be declared.
 */
export const historyRefusal = (
  sources: readonly Source[],
  run: Run & Pick<Source, 'hourMillis'>,
  now: Millis,
): HistoryRefusal | null => {
  const runEnd = nextHour(run.lastHour ?? run.firstHour, run.hourMillis);
  if (runEnd > now) {
    return {
      kind: 'in-future',
      message: `its hours end at ${isoText(runEnd)}, but it is only ${isoText(now)} now. Hours that are not over cannot be imported`,
    };
  }
  const live = sources.find((source) => source.kind === 'live' && source.firstHour <= end(run));
  if (live) {
    return {
      kind: 'after-live',
      message:
        `its hours are not history: live source ${live.topic} covers reported hours ${coveredHours(live)}. ` +
        'History must end before the first live hour',
    };
  }
  const other = sources.find(
    (source) =>
      source.kind === 'history' &&
      source.state !== 'abandoned' &&
      source.topic !== run.topic &&
      source.firstHour <= end(run) &&
      end(source) >= run.firstHour,
  );
  return other
    ? {
        kind: 'overlap',
        message: `source ${other.topic} (${other.state}) covers reported hours ${coveredHours(other)} already`,
      }
    : null;
};
