import { fail, succeed, type Result } from '../shared/model/result.ts';
import { messageOf } from '../shared/process/errors.ts';

const sorted = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * An object as JSON, with its names in order. The same tags have the same text, in whatever order a provider
 * got them: the same event id with another text would be a conflict.
 */
export const jsonText = (value: object): Result<string, string> => {
  try {
    const text = JSON.stringify(value, sorted) as string | undefined;
    return text === undefined ? fail('has no form in JSON') : succeed(text);
  } catch (error) {
    return fail(`cannot be written as JSON: ${messageOf(error)}`);
  }
};
