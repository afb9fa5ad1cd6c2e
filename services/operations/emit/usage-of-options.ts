import { readInstant, type Usage } from '../../provider-sdk/usage.ts';
import { namespaceOf, subscriptionOf } from '../../shared/model/placement.ts';
import { HOUR_MILLIS, type Millis } from '../../shared/model/time.ts';
import { sourceFor } from '../../shared/model/source.ts';
import type { EmitWorld } from './emit-world.ts';
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
  /** What is wrong with the options. The usage can be checked for more all the same: see `notNamedYet`. */
  readonly problems: readonly EmitProblem[];
  /** The time that was assumed, in words; null if none was. */
  readonly assumed: string | null;
}

const IN_FULL =
  'give it in full, such as /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Compute/virtualMachines/NAME';

/** What is wrong with what must be given. */
const missingIn = ({ resource, subscription, meter, quantity }: UsageOptions) => {
  const missing: (readonly [field: string, problem: string])[] = [];
  if (resource === undefined) missing.push(['resourceUri', `is missing: ${IN_FULL}`]);
  else if (subscription === undefined && subscriptionOf(resource) === null) {
    missing.push(['resourceUri', `does not begin with a subscription: ${IN_FULL}`]);
  }
  if (meter === undefined) {
    missing.push(['meterId', 'is missing: give a name, such as "Base VM Size Hours", or an id']);
  }
  if (quantity === undefined) missing.push(['quantity', 'is missing: give a decimal, such as 1.5']);
  return missing;
};

/** The problems of a usage besides those of the options from which it was made. */
export const notNamedYet = (
  named: readonly EmitProblem[],
  found: readonly EmitProblem[],
): readonly EmitProblem[] => {
  const fields = new Set(named.filter(({ line }) => line === null).map(({ field }) => field));
  // The subscription is taken from the resource.
  if (fields.has('resourceUri')) fields.add('subscriptionId');
  return found.filter(({ line, field }) => line !== null || !fields.has(field));
};

/** The usage that options describe. What is not given is completed, if it is clear what is meant. */
export const usageOfOptions = (
  options: UsageOptions,
  { sources, catalog, now }: Pick<EmitWorld, 'sources' | 'catalog' | 'now'>,
): UsageOfOptions => {
  const problems: EmitProblem[] = [];
  const wrong = (field: string, problem: string): void => {
    problems.push({ line: null, field, problem });
  };
  for (const [field, problem] of missingIn(options)) wrong(field, problem);
  const time = (field: 'from' | 'to'): Millis | null => {
    if (options[field] === undefined) return null;
    const read = readInstant(options[field]);
    if (read.ok) return read.value;
    wrong(field, read.error);
    return null;
  };
  const { resource = '' } = options;
  const hourMillis = sourceFor(sources, namespaceOf(resource))?.hourMillis ?? HOUR_MILLIS;
  const before = problems.length;
  const times = { from: time('from'), to: time('to') };
  if (options.to !== undefined && options.from === undefined) {
    wrong('from', 'is missing: an end alone does not say what is meant');
  }
  const period =
    (problems.length === before ? usagePeriod(times, hourMillis, now) : null) ??
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
