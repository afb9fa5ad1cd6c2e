import { jest } from '@jest/globals';
import type { Answer, Asked } from '../scripted-server.ts';

/** So often at most it answers: a sender that asks without end fails its test. */
const MAX_REQUESTS = 1_000;

/**
 * Has `fetch` answer what a test tells it to, without a server: nothing takes time but what waits for
 * the clock. A request's time is over by the clock of the test, too.
 */
export const commerceInMemory = (
  answer: (asked: Asked, nth: number) => Answer,
): readonly Asked[] => {
  const asked: Asked[] = [];
  jest.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(new DOMException('its time is over', 'TimeoutError')), millis);
    return ending.signal;
  });
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const one: Asked = {
      method: request.method,
      target: url.pathname + url.search,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.get('authorization'),
      ids: ['x-ms-requestid', 'x-ms-correlationid'].map((name) => request.headers.get(name) ?? ''),
      body: await request.text(),
    };
    request.signal.throwIfAborted();
    if (asked.length === MAX_REQUESTS) throw new Error('asked without end');
    asked.push(one);
    const given = answer(one, asked.length - 1);
    if (given === 'close') throw new TypeError('fetch failed', { cause: new Error('closed') });
    if (given === 'hang') return aborted(request.signal);
    const { status = 200, headers = {}, body } = given;
    return new Response(body, { status, headers });
  });
  return asked;
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
