import { readInstant, type Usage } from '../../provider-sdk/usage.ts';
import { namespaceOf, subscriptionOf } from '../../shared/model/placement.ts';
import { HOUR_MILLIS, type Millis } from '../../shared/model/time.ts';
import { sourceFor, type EmitWorld } from './emit-world.ts';
import { findMeterId } from './find-meter.ts';
import type { EmitProblem, GivenUsage } from './given-usage.ts';
import { usagePeriod } from './usage-period.ts';

/** One usage as a person gives it on the command line. */
export interface UsageOptions {
  readonly subscription?: string | undefined;
  readonly resource?: string | undefined;
  readonly meter?: string | undefined;
  readonly quantity?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly location: string;
  /** `name=value` each. */
  readonly tags: readonly string[];
  readonly discriminator?: string | undefined;
}

export interface UsageOfOptions {
  readonly given: GivenUsage;
  /** What is wrong with the options. The usage can be checked for more all the same. */
  readonly problems: readonly EmitProblem[];
  /** The time that was assumed, in words; null if none was. */
  readonly assumed: string | null;
}

/** The usage that options describe. What is not given is completed, if it is clear what is meant. */
export const usageOfOptions = (
  options: UsageOptions,
  { sources, catalog, now }: Pick<EmitWorld, 'sources' | 'catalog' | 'now'>,
): UsageOfOptions => {
  const problems: EmitProblem[] = [];
  const wrong = (field: string, problem: string): void => {
    problems.push({ line: null, field, problem });
  };
  const time = (field: 'from' | 'to'): Millis | null => {
    if (options[field] === undefined) return null;
    const read = readInstant(options[field]);
    if (read.ok) return read.value;
    wrong(field, read.error);
    return null;
  };
  const { resource = '' } = options;
  const hourMillis = sourceFor(sources, namespaceOf(resource))?.hourMillis ?? HOUR_MILLIS;
  const times = { from: time('from'), to: time('to') };
  if (options.to !== undefined && options.from === undefined) {
    wrong('from', 'is missing: an end alone does not say what is meant');
  }
  const period =
    (problems.length === 0 ? usagePeriod(times, hourMillis, now) : null) ??
    usagePeriod({ from: null, to: null }, hourMillis, now);
  const meter = options.meter === undefined ? null : findMeterId(options.meter, catalog);
  if (meter?.ok === false) wrong('meterId', meter.error);
  const tags = tagsOf(options.tags);
  for (const problem of tags.problems) wrong('tags', problem);
  const usage = {
    subscriptionId: options.subscription ?? subscriptionOf(resource) ?? undefined,
    resourceUri: options.resource,
    // Its problem has been named.
    meterId: meter?.ok === false ? options.meter : meter?.value,
    from: period?.from,
    to: period?.to,
    quantity: options.quantity,
    location: options.location,
    tags: tags.tags,
    discriminator: options.discriminator,
  } as Usage;
  return { given: { line: null, usage }, problems, assumed: period?.assumed ?? null };
};

const tagsOf = (given: readonly string[]) => {
  const tags = new Map<string, string>();
  const problems: string[] = [];
  for (const text of given) {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      problems.push(`is ${JSON.stringify(text)}: write it as NAME=VALUE`);
    } else if (tags.has(name)) problems.push(`gives ${JSON.stringify(name)} twice`);
    else tags.set(name, value);
  }
  return { tags: tags.size === 0 ? null : Object.fromEntries(tags), problems };
};
