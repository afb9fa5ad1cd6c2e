import { isoText, millis } from '../shared/model/time.ts';

/** The last instant that a JavaScript date can name. */
const LAST_INSTANT = 8.64e15;

/** An instant in ISO 8601; its exact number if no date can express it. */
export const instantText = (instant: number | bigint): string =>
  instant <= LAST_INSTANT && instant >= -LAST_INSTANT
    ? isoText(millis(Number(instant)))
    : `${String(instant)} ms`;
