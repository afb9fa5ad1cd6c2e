import { distance } from 'fastest-levenshtein';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** What a cmdlet was called with, by the names of its parameters. */
export type CmdletParameters<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** PowerShell takes a dash of any length for the beginning of a name, as word processors write it. */
const NAME = /^[-–—―]([A-Za-z?][\w]*)(?::(.*))?$/s;

/**
 * Reads parameters as PowerShell does: `-Name value` or `-Name:value`, in any case, and a name may be cut as
 * long as only one begins so. Every parameter has a value. The error is for people.
 */
export const parseCmdlet = <Name extends string>(
  words: readonly string[],
  names: readonly Name[],
): Result<CmdletParameters<Name>, string> => {
  const given: Partial<Record<Name, string>> = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, written, inline] = NAME.exec(word) ?? [];
    if (written === undefined) {
      return fail(`"${word}" belongs to no parameter: they are ${listOf(names)}`);
    }
    const name = nameOf(written, names);
    if (!name.ok) return name;
    if (given[name.value] !== undefined) return fail(`-${name.value} is given twice`);
    const value = inline === undefined || inline === '' ? words[++at] : inline;
    if (value === undefined || (value !== word && NAME.test(value))) {
      return fail(`-${name.value} has no value`);
    }
    given[name.value] = value;
  }
  return succeed(given);
};

const listOf = (names: readonly string[]): string => names.map((name) => `-${name}`).join(', ');

const nameOf = <Name extends string>(
  written: string,
  names: readonly Name[],
): Result<Name, string> => {
  const lower = written.toLowerCase();
  const exact = names.find((name) => name.toLowerCase() === lower);
  if (exact !== undefined) return succeed(exact);
  const found = names.filter((name) => name.toLowerCase().startsWith(lower));
  const [only] = found;
  if (only !== undefined && found.length === 1) return succeed(only);
  if (only !== undefined) return fail(`-${written} can mean ${listOf(found)}`);
  const [closest] = [...names].sort(
    (a, b) => distance(lower, a.toLowerCase()) - distance(lower, b.toLowerCase()),
  );
  const nearest = names.find((name) => name.toLowerCase().includes(lower)) ?? closest ?? '';
  // Of two words that have next to nothing in common, nobody has meant the other.
  const isNear =
    nearest.toLowerCase().includes(lower) ||
    distance(lower, nearest.toLowerCase()) <= nearest.length / 2;
  return fail(
    `there is no parameter -${written}${isNear ? `: did you mean -${nearest}?` : '.'} They are ${listOf(names)}`,
  );
};
