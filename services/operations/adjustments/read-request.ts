import { parseQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { ATTRIBUTES, type Identity } from '../../shared/model/event-texts.ts';
import { namespaceOf, subscriptionOf } from '../../shared/model/placement.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { isoText, type Hour, type Millis } from '../../shared/model/time.ts';
import { parseTime } from '../../shared/model/time-text.ts';
import {
  amountProblem,
  attributeProblem,
  nameProblem,
  subscriptionProblem,
} from '../../shared/model/usage-event-problem.ts';
import type { AdjustmentRequest } from './adjustment.ts';

/** A request as somebody wrote it. */
export interface GivenAdjustment {
  readonly subscription?: string | undefined;
  readonly resource?: string | undefined;
  readonly meter?: string | undefined;
  readonly usageHour?: string | undefined;
  readonly quantity?: string | undefined;
  readonly reason?: string | undefined;
  readonly location?: string | undefined;
  readonly key?: string | undefined;
  readonly force?: boolean | undefined;
}

/** Reasons and keys: one line, which can be printed. */
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;
const MOST_REASON = 500;
const MOST_KEY = 100;

/** Reads a request. The error names every problem, each as a sentence about its option. */
export const readRequest = (
  given: GivenAdjustment,
  hourMillis: number,
  now: Millis,
): Result<AdjustmentRequest, readonly string[]> => {
  const problems: string[] = [];
  const read = <T>(name: string, text: string | undefined, parse: Parser<T>): T | null => {
    const isGiven = text !== undefined && text.trim() !== '';
    const value: Result<T, string> = isGiven ? parse(text.trim()) : fail('is missing');
    if (value.ok) return value.value;
    problems.push(`--${name} ${value.error}`);
    return null;
  };
  const wanted = {
    subscriptionId: read('subscription', given.subscription, identityIn('subscriptionId')),
    resourceUri: read('resource', given.resource, resourceFrom),
    meterId: read('meter', given.meter, identityIn('meterId')),
    usageHour: read('usage-hour', given.usageHour, (text) => hourFrom(text, hourMillis, now)),
    quantity: read('quantity', given.quantity, quantityFrom),
    reason: read('reason', given.reason, (text) => lineFrom(text, MOST_REASON)),
  };
  const key =
    given.key === undefined ? '' : read('key', given.key, (text) => lineFrom(text, MOST_KEY));
  const location =
    given.location === undefined ? null : read('location', given.location, locationFrom);
  const { subscriptionId, resourceUri } = wanted;
  if (
    subscriptionId !== null &&
    resourceUri !== null &&
    subscriptionProblem({ subscriptionId, resourceUri })
  ) {
    const owner = subscriptionOf(resourceUri) ?? '';
    problems.push(`--resource is in subscription ${owner}, not in that of --subscription`);
  }
  return isWhole(wanted) && key !== null && problems.length === 0
    ? succeed({ ...wanted, location, key, forced: given.force === true })
    : fail(problems);
};

type Required = Omit<AdjustmentRequest, 'location' | 'key' | 'forced'>;

const isWhole = (wanted: {
  readonly [name in keyof Required]: Required[name] | null;
}): wanted is Required => Object.values(wanted).every((value) => value !== null);

type Parser<T> = (text: string) => Result<T, string>;

const identityIn =
  (name: keyof Identity): Parser<string> =>
  (text) => {
    const problem = nameProblem(name, text);
    return problem === null ? succeed(text) : fail(`cannot be used: ${problem.message}`);
  };

const resourceFrom: Parser<string> = (text) => {
  if (subscriptionOf(text) === null || namespaceOf(text) === null) {
    return fail(
      'must be the whole URI, as usage names it: /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/virtualMachines/…',
    );
  }
  return identityIn('resourceUri')(text);
};

const hourFrom = (text: string, hourMillis: number, now: Millis): Result<Hour, string> => {
  const parsed = parseTime(text);
  if (!parsed.ok) return parsed;
  const { instant, isExact } = parsed.value;
  if (!isExact || instant % hourMillis !== 0 || instant < 0) {
    return fail('must be the start of a UTC hour, such as 2026-02-03T04:00:00Z');
  }
  if (instant > now) return fail(`has not begun: it is ${isoText(now)}`);
  return succeed(instant);
};

const quantityFrom: Parser<Quantity> = (text) => {
  const quantity = parseQuantity(text);
  if (quantity === null) {
    return fail('must be a decimal with at most 30 decimal places, such as -12.5');
  }
  if (quantity === 0n) return fail('is zero, which changes nothing');
  if (amountProblem(quantity, true)) {
    return fail('must be between -10^15 and 10^15');
  }
  return succeed(quantity);
};

const locationFrom: Parser<string> = (text) => {
  for (const attribute of ATTRIBUTES.filter(({ name }) => name === 'location')) {
    const problem = attributeProblem(attribute, text);
    if (problem) return fail(`cannot be used: ${problem.message}`);
  }
  return oneLine(text);
};

const lineFrom = (text: string, most: number): Result<string, string> =>
  text.length > most ? fail(`has over ${String(most)} characters`) : oneLine(text);

const oneLine: Parser<string> = (text) =>
  LINE.test(text) ? succeed(text) : fail('must be one line of text');
