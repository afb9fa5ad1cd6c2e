import { closest, distance } from 'fastest-levenshtein';

/** What is wrong with the parameters of a query. */
export interface ParameterProblem {
  readonly kind: 'unknown' | 'repeated' | 'empty';
  /** A known name as it should be written, an unknown name as it was written. */
  readonly name: string;
  /** What is wrong, as a text after the name. */
  readonly problem: string;
}

export interface ParameterRules {
  /** The names as they should be written. Any case is accepted. */
  readonly known: readonly string[];
  /** Parameters that may be empty, as forms send them. */
  readonly mayBeEmpty?: readonly string[];
}

export interface QueryParameters {
  /** The values by the names in `known`, without those that have a problem. */
  readonly values: ReadonlyMap<string, string>;
  /** Each name once, in the order of the query. */
  readonly problems: readonly ParameterProblem[];
}

/**
 * Reads the parameters of a query. An unknown parameter is a problem, because the caller expects an effect:
 * with a misspelled filter the caller would get everything. For the same reason an empty parameter is not
 * treated as missing.
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

/** An unknown name is repeated in messages, which end up on terminals. */
const printable = (name: string): string => name.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');

const unknown = (name: string, known: readonly string[]): string => {
  if (known.length === 0) return 'is not known: there are no parameters here';
  const nearest = nearestName(name, known);
  return nearest === null
    ? `is not known: the parameters are ${known.join(', ')}`
    : `is not known: did you mean '${nearest}'? The parameters are ${known.join(', ')}`;
};

/** The known name that the caller may have meant; null if none is similar. */
const nearestName = (name: string, known: readonly string[]): string | null => {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z\d]/g, '');
  const written = bare(name);
  const part = known.filter((each) => written.length >= 4 && bare(each).includes(written));
  if (part[0] !== undefined) return part[0];
  const nearest = closest(written, known.map(bare));
  const isLike = distance(written, nearest) <= 0.4 * Math.max(written.length, nearest.length);
  return known.find((each) => isLike && bare(each) === nearest) ?? null;
};

/** The parameters of a request's URL, which need not be valid. */
export const searchOf = (url: string): URLSearchParams => {
  const [path = ''] = url.split('?', 1);
  return new URLSearchParams(url.slice(path.length));
};
