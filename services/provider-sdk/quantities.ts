import { formatQuantity, type Quantity, QUANTITY_SCALE } from '../shared/model/decimal.ts';
import { HOUR_MILLIS, monthOf, nextMonth, type Millis } from '../shared/model/time.ts';
import { readInstant, readQuantity, type Instant } from './usage.ts';

/**
 * Raw measures as quantities, in the units of the catalog (schemas/meters.json). The result is decimal text
 * for `Usage.quantity`: exact where the decimal ends, with 30 decimals otherwise.
 *
 * Whatever is measured over time is additive: the quantities of the parts of a period add up to the quantity
 * of the whole, however it is cut. It is the difference of what was used up to its end and up to its start,
 * each rounded down to 30 decimals.
 *
 * A measure that cannot be (below zero, not a number, a period that ends before it starts) is a RangeError.
 */

/** How much, or how many: decimal text, a number by its shortest text, or a bigint. */
export type Measure = string | bigint | number;

const ONE = 10n ** BigInt(QUANTITY_SCALE);
const MILLIS_PER_HOUR = BigInt(HOUR_MILLIS);
const BYTES_PER_GIB = 2n ** 30n;

const text = (count: bigint): string => formatQuantity(count as Quantity);

/** In units of 10^-30. */
const measureOf = (name: string, value: Measure): bigint => {
  const read = readQuantity(value);
  if (!read.ok) throw new RangeError(`${name} ${read.error}`);
  if (read.value < 0n) throw new RangeError(`${name} is ${String(value)}, which is below zero`);
  return read.value;
};

const instantOf = (name: string, value: Instant): Millis => {
  const read = readInstant(value);
  if (read.ok) return read.value;
  throw new RangeError(`${name} ${read.error}`);
};

interface Period {
  readonly from: Millis;
  readonly to: Millis;
}

const periodOf = (from: Instant, to: Instant): Period => {
  const period = { from: instantOf('from', from), to: instantOf('to', to) };
  if (period.from <= period.to) return period;
  throw new RangeError('the period ends before it starts');
};

/** A measure that is held all the time, in units of 10^-30 × `divisor`, over hours. */
const overHours = (measure: bigint, divisor: bigint, from: Instant, to: Instant): string => {
  const period = periodOf(from, to);
  const upTo = (instant: Millis): bigint =>
    (measure * BigInt(instant)) / (MILLIS_PER_HOUR * divisor);
  return text(upTo(period.to) - upTo(period.from));
};

/** The same over months, each of its real length. */
const overMonths = (measure: bigint, divisor: bigint, from: Instant, to: Instant): string => {
  const period = periodOf(from, to);
  let sum = 0n;
  for (let month = monthOf(period.from); month < period.to; month = nextMonth(month)) {
    const end = nextMonth(month);
    const upTo = (instant: number): bigint =>
      (measure * BigInt(instant - month)) / (BigInt(end - month) * divisor);
    sum += upTo(Math.min(end, period.to)) - upTo(Math.max(month, period.from));
  }
  return text(sum);
};

/** `Virtual core hours`, `Core*hours`: cores that ran, or were deployed, from one instant to another. */
export const coreHours = (cores: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('cores', cores), 1n, from, to);

/** `VM hours`, whatever the size of the virtual machine. */
export const vmHours = (from: Instant, to: Instant): string => overHours(ONE, 1n, from, to);

/** `1 hour`, `Count of Disks*hours`, and the meter without a unit: so many things over hours. */
export const countHours = (count: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('count', count), 1n, from, to);

/** `IP addresses`: a row of an hour counts the addresses, a part of an hour counts as that part. */
export const addressHours = (addresses: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('addresses', addresses), 1n, from, to);

/** `GB*hours`: bytes that are held, as GiB. */
export const gibHours = (bytes: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('bytes', bytes), BYTES_PER_GIB, from, to);

/** `GB*month`: bytes that are held, as GiB. An hour is 1/744 of December and 1/672 of February. */
export const gibMonths = (bytes: Measure, from: Instant, to: Instant): string =>
  overMonths(measureOf('bytes', bytes), BYTES_PER_GIB, from, to);

/** `Byte*hours`. */
export const byteHours = (bytes: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('bytes', bytes), 1n, from, to);

/** `MB*hours`: the capacity of a database, as it was created. */
export const megabyteHours = (megabytes: Measure, from: Instant, to: Instant): string =>
  overHours(measureOf('megabytes', megabytes), 1n, from, to);

/** `Count of Disks*month`. An hour is 1/744 of December and 1/672 of February. */
export const diskMonths = (disks: Measure, from: Instant, to: Instant): string =>
  overMonths(measureOf('disks', disks), 1n, from, to);

/** `Ingress data in GB`, `Egress in GB`, `GB`: bytes that were moved, as GiB. */
export const gib = (bytes: Measure): string => text(measureOf('bytes', bytes) / BYTES_PER_GIB);

/** `Request count in 10,000s`, `10K transactions`. */
export const tenThousands = (requests: Measure): string =>
  text(measureOf('requests', requests) / 10_000n);

/** `10 Requests`: executions of functions. */
export const tens = (executions: Measure): string =>
  text(measureOf('executions', executions) / 10n);

/** `Per SNI SSL Binding`, `Per IP Based SSL Binding`. */
export const bindings = (count: Measure): string => text(measureOf('count', count));

const MEMORY_STEP = 128n;
const MAX_MEMORY = 1536n;
const MEGABYTES_PER_GB = 1024n;
const MIN_MILLIS = 100n;

/**
 * `GB-s` of one execution of a function: its average memory, rounded up to 128 MB and at most 1,536 MB, times
 * its duration, of 100 ms at least.
 */
export const gbSeconds = (megabytes: Measure, millis: Measure): string => {
  const steps = ceil(measureOf('megabytes', megabytes), MEMORY_STEP * ONE) || 1n;
  const memory = steps * MEMORY_STEP > MAX_MEMORY ? MAX_MEMORY : steps * MEMORY_STEP;
  const whole = ceil(measureOf('millis', millis), ONE);
  const duration = whole < MIN_MILLIS ? MIN_MILLIS : whole;
  return text((memory * duration * ONE) / (MEGABYTES_PER_GB * 1000n));
};

const ceil = (count: bigint, step: bigint): bigint => (count + step - 1n) / step;
