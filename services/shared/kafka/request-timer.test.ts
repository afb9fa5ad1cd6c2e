import { jest } from '@jest/globals';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { wakeOnlyForRequests } from './request-timer.ts';

const silent = () => undefined;

const queueOf = (maxInFlightRequests: number) => {
  wakeOnlyForRequests();
  const sent: number[] = [];
  const queue = new RequestQueue({
    maxInFlightRequests,
    requestTimeout: 30_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'broker',
    logger: { debug: silent, warn: silent },
  });
  const push = (correlationId: number): void =>
    queue.push({
      entry: { correlationId, resolve: silent, reject: silent },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  const answer = (correlationId: number): void =>
    queue.fulfillRequest({ correlationId, payload: null, size: 0 });
  return { queue, sent, push, answer };
};

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a connection without waiting requests sets no timer: kafkajs woke once a millisecond', () => {
  const { sent, push, answer } = queueOf(5);
  push(1);
  answer(1);
  expect(sent).toEqual([1]);
  expect(jest.getTimerCount()).toBe(0);
});

test('a request waits for one in flight, and goes with its answer', () => {
  const { sent, push, answer } = queueOf(1);
  push(1);
  push(2);
  expect(sent).toEqual([1]);
  answer(1);
  expect(sent).toEqual([1, 2]);
  answer(2);
  jest.runOnlyPendingTimers();
  expect(jest.getTimerCount()).toBe(0);
});

test('a request waits until the broker no longer throttles, also if it asks for more meanwhile', () => {
  const { queue, sent, push } = queueOf(5);
  queue.maybeThrottle(1_000);
  push(1);
  jest.advanceTimersByTime(999);
  expect(sent).toEqual([]);
  queue.maybeThrottle(500);
  jest.advanceTimersByTime(1);
  expect(sent).toEqual([]);
  jest.advanceTimersByTime(500);
  expect(sent).toEqual([1]);
  expect(jest.getTimerCount()).toBe(0);
});
