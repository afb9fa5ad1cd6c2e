import { jest } from '@jest/globals';
import {
  compositionOf,
  endAll,
  ended,
  open,
  pendingOf,
  random,
  settle,
  stopTheClock,
  told,
  timed,
} from '../../test/support/bridge/sender-world.ts';
import {
  accepted,
  allAccepted,
  awayFor,
  each,
  holds,
  namesOf,
  refusedWith,
} from '../../test/support/bridge/usage-answers.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import type { Pending } from './ports.ts';

beforeEach(stopTheClock);
afterEach(endAll);

describe('pauses', () => {
  test.each([
    [0, [0, 250, 750, 1_750, 2_850, 3_950]],
    [1, [0, 500, 1_500, 3_500, 5_700, 7_900]],
  ])('double from half a second up to the longest that is set (chance %p)', async (chance, at) => {
    random(chance);
    const { times, answer } = timed(awayFor(5));
    const world = open([[pendingOf(0)]], answer, { retryMillis: 2_200 });
    await world.settled(1);
    expect(times).toEqual(at);
  });

  test('are whole milliseconds, so that no timer ends before its time', async () => {
    random(0.33333);
    const { times, answer } = timed(awayFor(1));
    const world = open([[pendingOf(0)]], answer, { retryMillis: 2_200 });
    await world.settled(1);
    expect(times).toEqual([0, 334]);
  });

  test('are as long as is set, where somebody has to change a setting', async () => {
    random(0);
    const { times, answer } = timed((asked, nth) =>
      nth < 2 ? { status: 404, body: '' } : allAccepted(asked),
    );
    const world = open([[pendingOf(0)]], answer, { retryMillis: 60_000 });
    await world.settled(1);
    expect(times).toEqual([0, 60_000, 120_000]);
    expect(world.logs.slice(0, 2)).toMatchObject([
      { level: 'error', handling: 'ask-a-person', wait: 60_000 },
      { level: 'error', handling: 'ask-a-person', wait: 60_000 },
    ]);
  });

  test.each(['sending', 'looking up'])(
    'begin with the shortest again when %s has succeeded in between',
    async (what) => {
      random(0);
      const isLook = what === 'looking up';
      let tries = 0;
      const { times, answer } = timed((asked) => {
        if (isLook && asked.method === 'POST') return each(asked, () => refusedWith('Expired'));
        tries++;
        if (tries !== 3 && tries < 6) return { status: 503, body: '' };
        return isLook ? { body: '[]' } : allAccepted(asked);
      });
      const world = open([[pendingOf(0)]], answer, { retryMillis: 60_000 });
      await world.settled(1);
      world.sender.add([compositionOf([pendingOf(0)])]);
      await world.until('the second is settled', () => world.outcomes.length === 2);
      const pauses = [...new Set(times)].map((at, index, all) => at - (all[index - 1] ?? 0));
      // What is too old is not looked up at once.
      const first = isLook ? [0, 5_000] : [0];
      const again = isLook ? [5_000] : [];
      expect(pauses).toEqual([...first, 250, 500, ...again, 250, 500]);
    },
  );

  test('hold for what is added meanwhile, too', async () => {
    random(0);
    const { times, answer } = timed(awayFor(1));
    const world = open([[pendingOf(0)], [pendingOf(1, '1', 1)]], answer, { retryMillis: 1_000 });
    await world.until('it has failed', () => world.sender.status().lastError !== null);
    world.sender.add([compositionOf([pendingOf(1, '1', 1)])]);
    await world.until('all are settled', () => world.outcomes.length === 3);
    expect(times).toEqual([0, 250, 250]);
  });

  test('of one submission end one by one, each at its instant', async () => {
    random(1, 0, 0);
    const { times, answer } = timed((asked, nth) =>
      each(asked, () => (nth === 0 ? refusedWith('Error') : accepted)),
    );
    const world = open([[pendingOf(0), pendingOf(1)]], answer, { retryMillis: 1_000 });
    await world.settled(2);
    expect(times).toEqual([0, 250, 500]);
    expect(world.commerce.asked.slice(1).map(namesOf)).toEqual([['vm1'], ['vm0']]);
  });

  test('of one submission grow on their own', async () => {
    random(0);
    const { times, answer } = timed((asked, nth) =>
      each(asked, () => (nth < 3 ? refusedWith('Error') : accepted)),
    );
    const world = open([[pendingOf(0)]], answer, { retryMillis: 60_000 });
    await world.settled(1);
    expect(times).toEqual([0, 250, 750, 1_750]);
    const reason = 'Commerce could not accept it: because; trying again';
    expect(world.logs.slice(0, 3)).toEqual(
      [1, 2, 3].map((attempt) => ({
        level: 'warn',
        ...told(pendingOf(0)),
        attempt,
        msg: reason,
      })),
    );
  });
});

describe('what one server of Commerce calls too old', () => {
  test('is not carried while another server, whose clock is behind, may accept it from a frozen bridge', async () => {
    const start = Date.now();
    const isAccepted = (): boolean => Date.now() - start >= 299_000;
    const world = open(
      [[pendingOf(0)]],
      (asked) => {
        if (asked.method === 'POST') return each(asked, () => refusedWith('Expired'));
        return isAccepted() ? holds(asked, '1.5') : { body: '[]' };
      },
      { clockSkewMillis: 300_000 },
    );
    await world.settled(1);
    expect(world.outcomes[0]).toMatchObject({ kind: 'accepted' });
    expect(world.carries).toEqual([]);
  });
});

describe('how long nothing has got through', () => {
  test.each([
    ['sending', 'POST'],
    ['looking up', 'GET'],
  ])('counts from the first failure of %s, and ends with a success', async (_, method) => {
    random(1);
    let isAway = true;
    const world = open(
      [[pendingOf(0)]],
      (asked) => {
        if (isAway && asked.method === method) return { status: 503, body: '' };
        if (asked.method === 'GET') return { body: '[]' };
        return isAway || method === 'GET'
          ? each(asked, () => refusedWith('Expired'))
          : allAccepted(asked);
      },
      { retryMillis: 500 },
    );
    await world.until('three tries', () => world.sender.status().notSentFor === 1_000);
    expect(world.sender.status()).toMatchObject({ pending: 1 });
    expect(world.sender.status().lastError).toMatch(/503/);
    isAway = false;
    await world.settled(1);
    expect(world.sender.status()).toEqual({ pending: 0, lastError: null, notSentFor: 0 });
  });

  test('ends where what could not be looked up is accepted in the end', async () => {
    let looks = 0;
    const world = open([[pendingOf(0)]], (asked) => {
      if (asked.method === 'GET') {
        looks++;
        return { status: 503, body: '' };
      }
      return looks > 1 ? allAccepted(asked) : each(asked, () => refusedWith('Expired'));
    });
    await world.until('looking up fails', () => world.sender.status().notSentFor > 0);
    await world.settled(1);
    expect(looks).toBe(2);
    expect(world.sender.status()).toEqual({ pending: 0, lastError: null, notSentFor: 0 });
  });

  test.each(['read', 'recorded'])('counts where nothing can be %s in the store', async (what) => {
    let isAway = true;
    const written: Outcome[] = [];
    const failing = <T>(value: T): Promise<T> =>
      isAway ? Promise.reject(new Error('no store')) : Promise.resolve(value);
    const world = open([[pendingOf(0)]], allAccepted, {
      store:
        what === 'read'
          ? { pendingOf: () => failing([pendingOf(0)]) }
          : { writeOutcomes: async (outcomes) => void written.push(...(await failing(outcomes))) },
    });
    await world.until('it has failed', () => world.sender.status().notSentFor >= 100);
    isAway = false;
    await world.until('it gets through', () => world.finished.length === 1);
    expect(world.sender.status()).toEqual({ pending: 0, lastError: null, notSentFor: 0 });
    expect(written).toHaveLength(what === 'read' ? 0 : 1);
  });
});

test('a trouble that is over is told no more, although others are still to be sent', async () => {
  const world = open([[pendingOf(0)], [pendingOf(1, '1', 1)]], (asked, nth) => {
    if (nth === 0) return { status: 503, body: '' };
    return each(asked, (_, index) => (index === 0 ? accepted : refusedWith('BadArgument')));
  });
  await world.until('it has failed', () => world.sender.status().lastError !== null);
  await world.settled(2);
  expect(world.sender.status().lastError).toBeNull();
});

describe('a sender that sleeps', () => {
  test('with nothing to send is woken by what is added, without a timer', async () => {
    const world = open([[pendingOf(0)]], allAccepted);
    await world.settled(1);
    expect(jest.getTimerCount()).toBe(world.commerce.asked.length); // the requests' own
    world.sender.add([compositionOf([pendingOf(0)])]);
    await settle();
    expect(world.outcomes).toHaveLength(2);
  });

  test('leaves no timer behind where it is woken early', async () => {
    const world = open([[pendingOf(0)]], awayFor(1), { retryMillis: 60_000 });
    await world.until('it has failed', () => world.sender.status().lastError !== null);
    world.sender.drop();
    await ended(world.sender.stop());
    expect(jest.getTimerCount()).toBe(world.commerce.asked.length); // the requests' own
  });

  test('has not missed what was added just before it slept', async () => {
    const reading: ((pending: readonly Pending[]) => void)[] = [];
    const world = open([], allAccepted, {
      store: { pendingOf: () => new Promise((resolve) => reading.push(resolve)) },
    });
    for (let microtasks = 0; microtasks < 30; microtasks++) {
      world.sender.add([compositionOf([pendingOf(0)])]);
      await settle();
      reading.shift()?.([]);
      for (let n = 0; n < microtasks; n++) await Promise.resolve();
      world.sender.add([compositionOf([pendingOf(1)])]);
      await settle();
      expect(reading).toHaveLength(1);
      reading.shift()?.([]);
      await settle();
    }
    expect(world.finished).toHaveLength(60);
  });
});

describe('ending', () => {
  test('a stop while submissions are read ends it, although nothing is to be sent', async () => {
    const reading: ((pending: readonly Pending[]) => void)[] = [];
    const world = open([[pendingOf(0)]], allAccepted, {
      store: { pendingOf: () => new Promise((resolve) => reading.push(resolve)) },
    });
    await settle();
    const stopped = world.sender.stop();
    reading[0]?.([]);
    await ended(stopped);
    expect(world.crashes).toEqual([]);
  });

  test('a stop ends one that sleeps', async () => {
    const world = open([[pendingOf(0)]], awayFor(1), { retryMillis: 60_000 });
    await world.until('it has failed', () => world.sender.status().lastError !== null);
    await ended(world.sender.stop());
    expect(world.commerce.asked).toHaveLength(1);
  });

  test('a drop gives up the request in flight, and calls it no trouble', async () => {
    const world = open([[pendingOf(0)]], () => 'hang');
    await world.until('it is asked', () => world.commerce.asked.length === 1);
    world.sender.drop();
    await settle();
    await ended(world.sender.stop());
    expect(world.logs).toEqual([]);
    expect(world.sender.status()).toMatchObject({ pending: 1, lastError: null });
    expect(world.commerce.asked).toHaveLength(1);
    expect(world.outcomes).toEqual([]);
    expect(world.crashes).toEqual([]);
  });

  test('a drop ends one that sleeps, without a stop', async () => {
    const world = open([], allAccepted);
    await settle();
    world.sender.drop();
    world.sender.add([compositionOf([pendingOf(0)])]);
    await settle();
    expect(world.sender.status().pending).toBe(1);
  });

  test('a drop gives up a store that does not take it, and calls it no defect', async () => {
    const world = open([[pendingOf(0)]], allAccepted, {
      store: { pendingOf: () => Promise.reject(new Error('no store')) },
    });
    await settle();
    world.sender.drop();
    await ended(world.sender.stop());
    expect(world.crashes).toEqual([]);
  });

  test('a defect is told, and ends it', async () => {
    const world = open([[pendingOf(0)]], allAccepted, {
      store: { pendingOf: () => Promise.resolve(null as unknown as readonly Pending[]) },
    });
    await settle();
    expect(world.crashes).toHaveLength(1);
    await ended(world.sender.stop());
    world.crashes.length = 0;
  });
});
