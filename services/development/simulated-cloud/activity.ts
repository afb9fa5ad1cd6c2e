import type { Hour } from '../../shared/model/time.ts';
import { draw } from './draw.ts';

/**
 * What goes on in a resource that is in use: requests, traffic, stored bytes. It depends on the resource's
 * name and the hour alone, so whoever asks gets the same answer.
 */

/** How busy an hour of the day is, in percent of the busiest: quiet at night, a dip at noon. */
const BUSY_PERCENT = [
  8, 6, 5, 5, 6, 10, 22, 45, 72, 92, 100, 96, 78, 88, 98, 95, 84, 62, 45, 36, 30, 24, 17, 12,
];
const WEEKEND_PERCENT = 40;
const HOURS_PER_WEEK = 168;

/** The week begins on a Thursday, as 1970 did. */
const isWeekend = (hourOfWeek: number): boolean => hourOfWeek >= 48 && hourOfWeek < 96;

const busyPercent = (hour: Hour, hourMillis: number): number => {
  const hourOfWeek = Math.floor(hour / hourMillis) % HOURS_PER_WEEK;
  const percent = BUSY_PERCENT[hourOfWeek % 24] ?? 0;
  return isWeekend(hourOfWeek) ? (percent * WEEKEND_PERCENT) / 100 : percent;
};

/** From 1 to 100: how much a resource is used at all. Most are used little. */
const popularity = (resourceUri: string): number =>
  Math.ceil(100 ** draw(resourceUri, 'popularity'));

/** How often something happens in a full hour; `most` of the most used resource, at its busiest. */
export const timesInHour = (
  resourceUri: string,
  what: string,
  most: number,
  hour: Hour,
  hourMillis: number,
): number => {
  const chance = 0.5 + draw(resourceUri, what, hour) / 2;
  const share = (popularity(resourceUri) / 100) * (busyPercent(hour, hourMillis) / 100);
  return Math.floor(most * share * chance);
};

/** A disk sector of table, queue and blob data: capacity grows and shrinks by these. */
const PAGE_BYTES = 4096;

/** The bytes that a resource stores: they grow every hour and are cleaned up every week. */
export const bytesStored = (
  resourceUri: string,
  what: string,
  mostBytes: number,
  hour: Hour,
  hourMillis: number,
): number => {
  const pages = (mostBytes / PAGE_BYTES) * (popularity(resourceUri) / 100);
  const atFirst = Math.floor(pages * (0.2 + draw(resourceUri, what) * 0.6));
  const growth = Math.ceil((pages * 0.2) / HOURS_PER_WEEK);
  const hourOfWeek = Math.floor(hour / hourMillis) % HOURS_PER_WEEK;
  return (atFirst + growth * hourOfWeek) * PAGE_BYTES;
};
