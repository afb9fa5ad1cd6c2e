import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** The JSON of a request's body, before anything in it is judged. */
export const readJson = (text: string): Result<unknown, string> => {
  try {
    return succeed(JSON.parse(text) as unknown);
  } catch {
    return fail('The body is not JSON.');
  }
};
