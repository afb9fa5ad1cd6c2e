import { jest } from '@jest/globals';
import { hour } from '../../../test/support/bridge/examples.ts';
import { failure } from './failure.ts';
import { Gate, type Operation, type Pass } from './gate.ts';

const RETRY_MILLIS = 60_000;
const AWAY = failure('wait', 'away');
const PUZZLED = failure('retry', 'puzzled');

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const gateOf = (maxInFlight = 4): Gate =>
  new Gate({ maxInFlight, retryMillis: RETRY_MILLIS }, Date.now);

/** Those who ask to enter, and who of them has got in so far. */
const crowdAt = (gate: Gate) => {
  const passes = new Map<string, Pass | null>();
  const ends = new Map<string, AbortController>();
  return {
    come: (name: string, h = 0, operation: Operation = 'submit') => {
      const ending = new AbortController();
      ends.set(name, ending);
      void gate.enter(operation, hour(h), ending.signal).then((pass) => passes.set(name, pass));
    },
    leave: (name: string) => ends.get(name)?.abort(),
    pass: (name: string): Pass => {
      const pass = passes.get(name);
      if (!pass) throw new Error(`${name} is not in`);
      return pass;
    },
    inside: async (): Promise<readonly string[]> => {
      await jest.advanceTimersByTimeAsync(0);
      return [...passes].filter(([, pass]) => pass !== null).map(([name]) => name);
    },
    after: (millis: number) => jest.advanceTimersByTimeAsync(millis),
  };
};

test('so many as are set get in; then the oldest hour, and of one hour who came first', async () => {
  const gate = gateOf(2);
  const crowd = crowdAt(gate);
  for (const [name, h] of [
    ['a', 5],
    ['b', 5],
    ['c', 5],
    ['d', 3],
    ['e', 3],
  ] as const) {
    crowd.come(name, h);
  }
  expect(await crowd.inside()).toEqual(['a', 'b']);
  expect(gate.status().inFlight).toBe(2);
  crowd.pass('a').succeeded();
  expect(await crowd.inside()).toEqual(['a', 'b', 'd']);
  crowd.pass('b').left();
  crowd.pass('d').succeeded();
  expect(await crowd.inside()).toEqual(['a', 'b', 'd', 'e', 'c']);
});

test('who gives up waits no more, and keeps nobody out', async () => {
  const crowd = crowdAt(gateOf(1));
  for (const name of ['a', 'b', 'c']) crowd.come(name);
  crowd.leave('b');
  expect(await crowd.inside()).toEqual(['a']);
  crowd.pass('a').succeeded();
  expect(await crowd.inside()).toEqual(['a', 'c']);
  const aborted = new AbortController();
  aborted.abort();
  expect(await gateOf().enter('submit', hour(0), aborted.signal)).toBeNull();
});

test('no timer is left behind when nobody waits', async () => {
  const crowd = crowdAt(gateOf());
  crowd.come('a');
  await crowd.inside();
  crowd.pass('a').failed(AWAY);
  crowd.come('b');
  await crowd.inside();
  expect(jest.getTimerCount()).toBe(1);
  crowd.leave('b');
  expect(jest.getTimerCount()).toBe(0);
});

test('failures that were in flight together begin one pause', async () => {
  const gate = gateOf();
  const crowd = crowdAt(gate);
  for (const name of ['a', 'b', 'c']) crowd.come(name);
  await crowd.inside();
  expect(['a', 'b', 'c'].map((name) => crowd.pass(name).failed(AWAY))).toEqual([500, null, null]);
  crowd.come('d');
  await crowd.after(499);
  expect(await crowd.inside()).not.toContain('d');
  await crowd.after(1);
  expect(await crowd.inside()).toContain('d');
  expect(crowd.pass('d').failed(AWAY)).toBe(1_000);
});

test('five failures in a row open it: one request tries at a time, and a success closes it', async () => {
  const gate = gateOf();
  const crowd = crowdAt(gate);
  const state = () => gate.status().circuits.submit;
  for (const n of [1, 2, 3, 4]) {
    crowd.come(`failure ${String(n)}`);
    await crowd.inside();
    expect(crowd.pass(`failure ${String(n)}`).failed(PUZZLED)).toBeNull();
    expect(state()).toEqual({ state: 'closed', failures: n });
  }
  crowd.come('fifth');
  await crowd.inside();
  expect(crowd.pass('fifth').failed(PUZZLED)).toBe(500);
  expect(state()).toEqual({ state: 'open', failures: 5 });

  for (const name of ['probe', 'a', 'b']) crowd.come(name);
  await crowd.after(500);
  expect((await crowd.inside()).slice(5)).toEqual(['probe']);
  expect(state().state).toBe('probing');
  expect(crowd.pass('probe').failed(AWAY)).toBe(1_000);
  expect(state()).toEqual({ state: 'open', failures: 6 });

  await crowd.after(1_000);
  expect((await crowd.inside()).slice(5)).toEqual(['probe', 'a']);
  crowd.pass('a').succeeded();
  expect(state()).toEqual({ state: 'closed', failures: 0 });
  expect((await crowd.inside()).slice(5)).toEqual(['probe', 'a', 'b']);
});

test('a probe that is given up lets another one try', async () => {
  const gate = gateOf();
  const crowd = crowdAt(gate);
  for (const name of ['1', '2', '3', '4', '5']) {
    crowd.come(name);
    await crowd.inside();
    crowd.pass(name).failed(PUZZLED);
  }
  crowd.come('probe');
  crowd.come('next');
  await crowd.after(500);
  crowd.pass('probe').left();
  expect((await crowd.inside()).slice(5)).toEqual(['probe', 'next']);
});

test('what began before a probe and ends during it does not end the probe', async () => {
  const gate = gateOf(10);
  const crowd = crowdAt(gate);
  const state = () => gate.status().circuits.submit.state;
  for (const name of ['1', '2', '3', '4', '5', 'old', 'older']) crowd.come(name);
  await crowd.inside();
  for (const name of ['1', '2', '3', '4', '5']) crowd.pass(name).failed(PUZZLED);
  crowd.come('probe');
  crowd.come('next');
  await crowd.after(500);
  expect((await crowd.inside()).slice(7)).toEqual(['probe']);
  crowd.pass('old').failed(PUZZLED);
  crowd.pass('older').left();
  await crowd.after(60_000);
  expect((await crowd.inside()).slice(7)).toEqual(['probe']);
  expect(state()).toBe('probing');
  crowd.pass('probe').succeeded();
  expect(state()).toBe('closed');
  expect((await crowd.inside()).slice(7)).toEqual(['probe', 'next']);
});

test('a probe of before, which another success has overtaken, does not end the next one', async () => {
  const gate = gateOf(10);
  const crowd = crowdAt(gate);
  const fail = async (...names: readonly string[]) => {
    for (const name of names) crowd.come(name);
    await crowd.inside();
    for (const name of names) crowd.pass(name).failed(PUZZLED);
  };
  crowd.come('old');
  await fail('1', '2', '3', '4', '5');
  crowd.come('first probe');
  await crowd.after(500);
  crowd.pass('old').succeeded();
  await fail('6', '7', '8', '9', '10');
  crowd.come('second probe');
  crowd.come('next');
  await crowd.after(500);
  expect(await crowd.inside()).toContain('second probe');
  crowd.pass('first probe').left();
  expect(await crowd.inside()).not.toContain('next');
});

test('what cannot be looked up keeps nobody from submitting; a wish to wait is meant for all', async () => {
  const gate = gateOf();
  const crowd = crowdAt(gate);
  crowd.come('look', 0, 'look-up');
  await crowd.inside();
  crowd.pass('look').failed(AWAY);
  crowd.come('submit');
  crowd.come('look again', 0, 'look-up');
  expect(await crowd.inside()).toEqual(['look', 'submit']);
  expect(crowd.pass('submit').failed(failure('wait', 'busy', 7_000))).toBe(7_000);
  crowd.come('submit again');
  await crowd.after(6_999);
  expect(await crowd.inside()).toEqual(['look', 'submit']);
  await crowd.after(1);
  expect(await crowd.inside()).toEqual(['look', 'submit', 'look again', 'submit again']);
});

test('where a setting is wrong, the pause is the longest', async () => {
  const crowd = crowdAt(gateOf());
  crowd.come('a');
  await crowd.inside();
  expect(crowd.pass('a').failed(failure('ask-a-person', 'who are you'))).toBe(RETRY_MILLIS);
});
