import { distance } from 'fastest-levenshtein';
import { asciiLower } from '../../shared/model/placement.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { Meter } from '../../shared/meters/meter-catalog.ts';

/** Errors of typing in a name of usual length. */
const MOST_TYPING_ERRORS = 3;

/** A name that a meter has taken over from a deprecated one means the new one. */
const withoutDeprecated = (named: readonly Meter[]): readonly Meter[] => {
  const inUse = named.filter(({ deprecated }) => !deprecated);
  return inUse.length === 0 ? named : inUse;
};

const described = ({ meterId, name, category, deprecated }: Meter): string =>
  `${meterId} (${name}, ${category}${deprecated ? ', deprecated' : ''})`;

/**
 * The id of a meter that a person has named by its id or its name. Any other text is an id that the catalog
 * does not know, unless it is nearly a name: that would be a meter that nobody ever bills.
 */
export const findMeterId = (text: string, catalog: readonly Meter[]): Result<string, string> => {
  const key = asciiLower(text.trim());
  const byId = catalog.find(({ meterId }) => asciiLower(meterId) === key);
  if (byId) return succeed(byId.meterId);
  const named = withoutDeprecated(
    catalog.filter(({ name }) => name.toLowerCase() === text.trim().toLowerCase()),
  );
  const [only, ...others] = named;
  if (only && others.length === 0) return succeed(only.meterId);
  if (only) {
    return fail(
      `is the name of ${String(named.length)} meters: give one by its id: ${named.map(described).join(', ')}`,
    );
  }
  const alike = catalog.filter(
    ({ name, meterId }) => isNearly(key, name.toLowerCase()) || isNearly(key, asciiLower(meterId)),
  );
  return alike.length === 0
    ? succeed(text)
    : fail(
        `is not in the catalog. Is one of these meant? ${alike.map(described).join(', ')}. ` +
          'A meter that really has this id can be emitted from a file (--file)',
      );
};

const isNearly = (text: string, known: string): boolean =>
  distance(text, known) <= Math.min(MOST_TYPING_ERRORS, Math.floor(known.length / 4));
