import { InvalidArgumentError } from 'commander';
import { UserError } from '../shared/process/errors.ts';
import { isoText, millis, type Hour, type Millis } from '../shared/model/time.ts';
import { parseTime } from '../shared/model/time-text.ts';

/** A time on the command line. */
export const time = (text: string): Millis => {
  const parsed = parseTime(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.error);
  return parsed.value.instant;
};

/** A time on the command line that is meant to the digit. */
export const exactTime = (text: string): Millis => {
  const parsed = parseTime(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.error);
  if (parsed.value.isExact) return parsed.value.instant;
  throw new InvalidArgumentError('it is finer than a millisecond');
};

/** The last instant of ClickHouse's `DateTime`. */
const LAST = millis((2 ** 32 - 1) * 1000);

/**
 * The start of an hour on the command line. The command checks that it is one, because hours may be shorter
 * in tests: see `checkHours`.
 */
export const hour = (text: string): Hour => {
  const parsed = parseTime(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.error);
  const { instant, isExact } = parsed.value;
  if (!isExact || instant % 1000 !== 0) {
    throw new InvalidArgumentError('it must be the start of an hour, such as 2026-02-03T04:00:00Z');
  }
  if (instant < 0 || instant > LAST) {
    throw new InvalidArgumentError(`it must be between 1970 and ${isoText(LAST)}`);
  }
  return instant;
};

interface HourOptions {
  readonly from?: Hour | undefined;
  readonly to?: Hour | undefined;
}

/** `from 2025-01-01T00:00:00Z to 2025-01-01T02:00:00Z (end not included)` */
export const rangeText = ({ from, to }: HourOptions): string =>
  [
    ...(from === undefined ? [] : [`from ${isoText(from)}`]),
    ...(to === undefined ? [] : [`to ${isoText(to)} (end not included)`]),
  ].join(' ');

/** Every range includes its start and excludes its end, as in the usage API. */
export const EMPTY_RANGE =
  '--to must be after --from: it is the exclusive end of the range. For one hour, give the start of the next';

/** @throws UserError that names the first option that is not the start of an hour of this length */
export const checkHours = (
  options: Readonly<Record<`--${string}`, Hour | undefined>>,
  hourMillis: number,
): void => {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value % hourMillis === 0) continue;
    throw new UserError(
      `${name} must be the start of an hour, such as 2026-02-03T04:00:00Z, but is ${isoText(value)}`,
    );
  }
};
