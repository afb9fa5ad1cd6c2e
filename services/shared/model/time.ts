declare const unit: unique symbol;

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type Millis = number & { readonly [unit]: 'Millis' };

/** A UTC hour, named by the instant at which it starts (milliseconds, a multiple of its length). */
export type Hour = number & { readonly [unit]: 'Millis' | 'Hour' } & Millis;

/** A UTC day, named by the instant at which it starts. */
export type Day = number & { readonly [unit]: 'Millis' | 'Day' } & Millis;

/** The length of a real hour, in milliseconds. Tests may run a source on shorter ones (see `Rules`). */
export const HOUR_MILLIS = 3_600_000;
export const DAY_MILLIS = 24 * HOUR_MILLIS;

/** A day always has this many hours, even if a test has shortened them. */
const HOURS_PER_DAY = 24;

export const millis = (value: number): Millis => value as Millis;

/** The hour that holds an instant. */
export const hourOf = (instant: Millis, hourMillis: number): Hour =>
  (Math.floor(instant / hourMillis) * hourMillis) as Hour;

/** The day that holds an hour. */
export const dayOf = (hour: Hour, hourMillis: number): Day => {
  const dayMillis = hourMillis * HOURS_PER_DAY;
  return (Math.floor(hour / dayMillis) * dayMillis) as Day;
};

/** The hour that begins when this one ends. */
export const nextHour = (hour: Hour, hourMillis: number): Hour => (hour + hourMillis) as Hour;

/** ISO 8601 in UTC, without a fraction if it is zero: `2019-12-10T19:00:00Z`. */
export const isoText = (instant: Millis): string => {
  const text = new Date(instant).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
};

/** The start of the month that holds an instant, in UTC. */
export const monthOf = (instant: Millis): Millis => {
  const date = new Date(instant);
  return millis(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
};

/** The start of the month after the one that begins at an instant, in UTC. */
export const nextMonth = (month: Millis): Millis => {
  const date = new Date(month);
  return millis(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1));
};

/** The number of hours in its month, in UTC. */
export const hoursInMonth = (instant: Millis): number => {
  const month = monthOf(instant);
  return (nextMonth(month) - month) / HOUR_MILLIS;
};
