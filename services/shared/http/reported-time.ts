import { parseTimeInUtc, type ParsedTime } from '../model/time-text.ts';

/**
 * Reads a time as clients of the usage API write it (docs/azure.md, "Parameters"). Without an offset it is
 * in UTC. A date alone, which Azure accepts, is midnight. Microsoft's documentation has `+00:00Z`, and a
 * `+` that was not escaped in a URL arrives as a space.
 */
export const parseReportedTime = (text: string): ParsedTime => {
  const unspoilt = text.replace(/ (?=\d\d:\d\d(?:Z|$))/i, '+').replace(/([+-]\d\d:\d\d)Z$/i, '$1');
  return parseTimeInUtc(unspoilt);
};
