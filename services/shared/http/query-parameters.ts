import { closest, distance } from 'fastest-levenshtein';

/** What is wrong with the parameters of a query. */
export interface ParameterProblem {
  readonly kind: 'unknown' | 'repeated' | 'empty';
  /** A known one as it should be written, an unknown one as it was. */
  readonly name: string;
  /** What is wrong, to follow the name. */
  readonly problem: string;
}

export interface ParameterRules {
  /** As they should be written. They are taken in any case. */
  readonly known: readonly string[];
  /** Those that may be there with nothing in them, as forms send them. */
  readonly mayBeEmpty?: readonly string[];
}

export interface QueryParameters {
  /** By the names of `known`; without those that have a problem. */
  readonly values: ReadonlyMap<string, string>;
  /** Each name once, in the order in which they came. */
  readonly problems: readonly ParameterProblem[];
}

/**
 * Reads the parameters of a query. One that is not known is a problem, because the caller expects
 * something of it: whoever misspells a filter would be given everything. For the same reason one
 * that is empty is not taken for one that is missing.
 */
export const readParameters = (
  search: URLSearchParams,
  { known, mayBeEmpty = [] }: ParameterRules,
): QueryParameters => {
  const names = new Map(known.map((name) => [name.toLowerCase(), name]));
  const given = new Map<string, string[]>();
  for (const [name, value] of search) {
    const key = names.get(name.toLowerCase()) ?? printable(name);
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  const values = new Map<string, string>();
  const problems: ParameterProblem[] = [];
  for (const [name, [value = '', ...others]] of given) {
    if (!known.includes(name))
      problems.push({ kind: 'unknown', name, problem: unknown(name, known) });
    else if (others.length > 0)
      problems.push({ kind: 'repeated', name, problem: 'is given twice' });
    else if (value === '' && !mayBeEmpty.includes(name)) {
      problems.push({ kind: 'empty', name, problem: 'is empty: give it a value, or leave it out' });
    } else values.set(name, value);
  }
  return { values, problems };
};

/** A name that nobody knows is repeated in messages, which end on terminals. */
const printable = (name: string): string => name.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');

const unknown = (name: string, known: readonly string[]): string => {
  if (known.length === 0) return 'is not known: there are no parameters here';
  const nearest = nearestName(name, known);
  return nearest === null
    ? `is not known: the parameters are ${known.join(', ')}`
    : `is not known: did you mean '${nearest}'? The parameters are ${known.join(', ')}`;
};

/** The known name that somebody who wrote this may have meant; null where none is like it. */
const nearestName = (name: string, known: readonly string[]): string | null => {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z\d]/g, '');
  const written = bare(name);
  const part = known.filter((each) => written.length >= 4 && bare(each).includes(written));
  if (part[0] !== undefined) return part[0];
  const nearest = closest(written, known.map(bare));
  const isLike = distance(written, nearest) <= 0.4 * Math.max(written.length, nearest.length);
  return known.find((each) => isLike && bare(each) === nearest) ?? null;
};

/** The parameters of a request's URL, which need not be a valid one. */
export const searchOf = (url: string): URLSearchParams => {
  const [path = ''] = url.split('?', 1);
  return new URLSearchParams(url.slice(path.length));
};
