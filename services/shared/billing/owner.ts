import { takenUpBy, type Source } from '../model/source.ts';

/**
 * The live topic that bills usage of a namespace in a reported hour: of those that have taken the namespace up by then, the
 * one that did so last. Null if none did.
 *
 * Commerce takes one quantity for a resource, dimension and hour, so two sources must never submit the same. A topic takes
 * a namespace up from an hour on that is open nowhere when the register says so. So whoever composes an hour that is over,
 * and reads the register for it, finds the same owner.
 *
 * @param hour the reported hour; `Infinity` for the topic that bills it from now on
 */
export const ownerOf = (
  sources: Iterable<Source>,
  namespace: string,
  hour: number,
): string | null => {
  let owner: string | null = null;
  let since = -1;
  for (const source of sources) {
    if (source.kind !== 'live') continue;
    for (const { namespace: taken, from } of takenUpBy(source)) {
      if ((taken !== '*' && taken !== namespace) || from > hour || from <= since) continue;
      owner = source.topic;
      since = from;
    }
  }
  return owner;
};

/** Whether a source bills usage of a namespace in a reported hour. History bills its own hours, which no live source has. */
export const billsIn = (
  sources: readonly Source[],
  own: Pick<Source, 'kind' | 'topic'>,
  namespace: string,
  hour: number,
): boolean =>
  own.kind === 'history' || (ownerOf(sources, namespace, hour) ?? own.topic) === own.topic;
