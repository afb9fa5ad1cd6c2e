import { formatQuantity, parseQuantity, type Quantity } from '../shared/model/decimal.ts';
import {
  ATTRIBUTES,
  IDENTITY,
  type EventTexts,
  type Identity,
} from '../shared/model/event-texts.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { parseTime } from '../shared/model/time-text.ts';
import { isoText, millis, type Millis } from '../shared/model/time.ts';
import {
  amountProblem,
  attributeProblem,
  nameProblem,
  subscriptionProblem,
} from '../shared/model/usage-event-problem.ts';
import { jsonText } from './json-text.ts';
import { hoursTouched, MAX_HOURS, sliceByHours, type Slice } from './slices.ts';

/** Milliseconds since 1970, a date, or ISO text with its offset from UTC: `2026-11-27T10:00:00Z`. */
export type Instant = Date | number | string;

/** What one resource consumed of one meter, as its provider knows it. */
export interface Usage {
  readonly subscriptionId: string;
  readonly resourceUri: string;
  readonly meterId: string;
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. May be many hours after the start. */
  readonly to: Instant;
  /** In the unit of the meter: decimal text, a number by its shortest text, or whole units. */
  readonly quantity: string | bigint | number;
  /** The region where the resource is. */
  readonly location: string;
  /** The resource's tags, or the text that stands for them. */
  readonly tags?: Readonly<Record<string, string>> | string | null;
  /** What else is known about the resource, or the text of it. */
  readonly additionalInfo?: Readonly<Record<string, unknown>> | string | null;
  /** Tells usage apart that is equal in subscription, meter, resource and period. */
  readonly discriminator?: string;
}

/** What is wrong with a field of a usage, in words that follow the field's name. */
export interface UsageProblem {
  readonly field: string;
  readonly problem: string;
}

/** A usage whose values have been read and judged, cut at the hours. */
export interface ReadUsage {
  readonly texts: EventTexts;
  readonly slices: readonly Slice[];
  readonly discriminator: string;
}

type Read<T> = Result<T, string>;

const FIELDS = new Set([
  ...[...IDENTITY, ...ATTRIBUTES].map(({ name }) => name as string),
  ...['from', 'to', 'quantity', 'discriminator'],
]);

const FIRST_INSTANT = Date.UTC(1970, 0, 1);
const LAST_INSTANT = Date.UTC(10_000, 0, 1) - 1;

const UNPAIRED_SURROGATE = /\p{Cs}/u;

const TIME_FORMS = 'give a Date, milliseconds since 1970, or a text like 2026-11-27T10:00:00Z';

const required = (value: unknown, what: string): Read<never> =>
  fail(value === undefined || value === null ? `is missing: give ${what}` : `is not ${what}`);

/** Reads a time exactly: none is rounded, because a shifted start would be another event. */
export const readInstant = (value: unknown): Read<Millis> => {
  if (typeof value === 'string') {
    const parsed = parseTime(value);
    if (!parsed.ok) return parsed;
    const { instant, isExact } = parsed.value;
    return isExact
      ? inRange(instant)
      : fail(`${JSON.stringify(value)} is finer than a millisecond`);
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? fail('is an invalid Date') : inRange(value.getTime());
  }
  if (typeof value !== 'number') {
    return fail(value === undefined ? `is missing: ${TIME_FORMS}` : `is no time: ${TIME_FORMS}`);
  }
  return Number.isInteger(value)
    ? inRange(value)
    : fail(`is ${String(value)}, which is no whole number of milliseconds`);
};

const inRange = (instant: number): Read<Millis> =>
  instant >= FIRST_INSTANT && instant <= LAST_INSTANT
    ? succeed(millis(instant))
    : fail('is not in the years 1970 to 9999');

/** Reads an exact amount: text, whole units, or a number by the shortest text that names it. */
export const readQuantity = (value: unknown): Read<Quantity> => {
  if (typeof value !== 'string' && typeof value !== 'bigint' && typeof value !== 'number') {
    return required(value, 'an amount: decimal text, a bigint or a number');
  }
  const quantity = parseQuantity(String(value));
  if (quantity !== null) return succeed(quantity);
  return fail(
    `is ${JSON.stringify(String(value))}, which is no decimal number with at most 30 places: write it like 12.5`,
  );
};

const readName = (field: keyof Identity, value: unknown): Read<string> => {
  if (typeof value !== 'string') return required(value, 'a text');
  const found = nameProblem(field, value);
  return found ? fail(withoutField(field, found.message)) : succeed(value);
};

/** Messages of the fold begin with the field. */
const withoutField = (field: string, message: string): string =>
  message.startsWith(`${field} `) ? message.slice(field.length + 1) : message;

const readAttribute = (
  attribute: (typeof ATTRIBUTES)[number],
  value: unknown,
): Read<string | null> => {
  const text = attribute.isNullable ? textOrJson(attribute.name, value) : plainText(value);
  if (!text.ok || text.value === null) return text;
  if (UNPAIRED_SURROGATE.test(text.value)) return fail('holds half of a surrogate pair');
  const found = attributeProblem(attribute, text.value);
  return found ? fail(withoutField(attribute.name, found.message)) : text;
};

const plainText = (value: unknown): Read<string> =>
  typeof value === 'string' && value !== '' ? succeed(value) : required(value || null, 'a text');

const textOrJson = (field: string, value: unknown): Read<string | null> => {
  if (value === undefined || value === null) return succeed(null);
  if (typeof value === 'string') return succeed(value);
  if (typeof value !== 'object' || Array.isArray(value)) {
    return fail('must be an object, a text or null');
  }
  if (field === 'tags') {
    const other = Object.entries(value).find(([, tag]) => typeof tag !== 'string');
    if (other) return fail(`has ${JSON.stringify(other[0])}, whose value is not a text`);
  }
  return jsonText(value);
};

/**
 * Reads a usage strictly. Nothing is guessed, and every problem is named. It does not judge whether usage is
 * too old or lies in the future: that depends on when it arrives.
 */
export const readUsage = (
  usage: Usage,
  hourMillis: number,
): Result<ReadUsage, readonly UsageProblem[]> => {
  if (typeof usage !== 'object' || (usage as unknown) === null) {
    return fail([{ field: 'usage', problem: 'is not an object' }]);
  }
  const given = usage as unknown as Readonly<Record<string, unknown>>;
  const problems: UsageProblem[] = [];
  const taken = <T>(field: string, read: Read<T>): T | null => {
    if (read.ok) return read.value;
    problems.push({ field, problem: read.error });
    return null;
  };
  const texts: Partial<Record<keyof EventTexts, string | null>> = {};
  for (const { name } of IDENTITY) texts[name] = taken(name, readName(name, given[name]));
  for (const attribute of ATTRIBUTES) {
    texts[attribute.name] = taken(attribute.name, readAttribute(attribute, given[attribute.name]));
  }
  const period = {
    from: taken('from', readInstant(given['from'])),
    to: taken('to', readInstant(given['to'])),
  };
  const quantity = taken('quantity', readQuantity(given['quantity']));
  const discriminator = taken('discriminator', readDiscriminator(given['discriminator']));
  const slices = slicesOf(period, quantity, hourMillis);
  problems.push(...slices.problems, ...placeProblems(texts), ...unknownFields(given));
  if (problems.length > 0) return fail(problems);
  return succeed({
    texts: texts as EventTexts,
    slices: slices.slices,
    discriminator: discriminator ?? '',
  });
};

const readDiscriminator = (value: unknown): Read<string> => {
  if (value === undefined) return succeed('');
  return typeof value === 'string' ? succeed(value) : fail('must be a text');
};

const unknownFields = (given: object): readonly UsageProblem[] =>
  Object.keys(given)
    .filter((field) => !FIELDS.has(field))
    .map((field) => ({ field, problem: `is not known: known are ${[...FIELDS].join(', ')}` }));

const placeProblems = ({
  subscriptionId,
  resourceUri,
}: Readonly<Record<string, string | null | undefined>>): readonly UsageProblem[] =>
  subscriptionId && resourceUri && subscriptionProblem({ subscriptionId, resourceUri })
    ? [{ field: 'resourceUri', problem: `does not begin with /subscriptions/${subscriptionId}/` }]
    : [];

interface Period {
  readonly from: Millis | null;
  readonly to: Millis | null;
}

interface Sliced {
  readonly slices: readonly Slice[];
  readonly problems: readonly UsageProblem[];
}

/** Whatever of the period and the quantity could be read is judged. */
const slicesOf = ({ from, to }: Period, quantity: Quantity | null, hourMillis: number): Sliced => {
  const wrong = (field: string, problem: string): UsageProblem => ({ field, problem });
  const problems: UsageProblem[] = [];
  if (from !== null && to !== null) {
    if (from >= to) problems.push(wrong('to', 'is not after the start of the usage'));
    else if (hoursTouched(from, to, hourMillis) > MAX_HOURS) {
      const most = String(MAX_HOURS - 1);
      problems.push(wrong('to', `is over ${most} hours after the start: report it in parts`));
    }
  }
  if (quantity !== null && quantity < 0n) problems.push(wrong('quantity', 'is below zero'));
  if (from === null || to === null || quantity === null || problems.length > 0) {
    return { slices: [], problems };
  }
  const slices = sliceByHours({ from, to, quantity }, hourMillis);
  const large = slices.find((slice) => amountProblem(slice.quantity) !== null);
  if (large) {
    const hour = slices.length === 1 ? '' : `, in the hour of ${isoText(large.from)} alone`;
    const amount = formatQuantity(large.quantity);
    problems.push(wrong('quantity', `comes to ${amount}${hour}: it must be below 10^15`));
  }
  return { slices, problems };
};
