import { hour } from '../../test/support/bridge/examples.ts';
import type { Answer } from '../../test/support/scripted-server.ts';
import {
  compositionOf,
  endAll,
  ended,
  kinds,
  open,
  pendingOf,
  random,
  stopTheClock,
  submissions,
  told,
  timed,
} from '../../test/support/bridge/sender-world.ts';
import {
  accepted,
  allAccepted,
  awayFor,
  duplicateOf,
  each,
  holds,
  namesOf,
  REFUSED,
  refusedWith,
  requestOf,
} from '../../test/support/bridge/usage-answers.ts';

beforeEach(stopTheClock);
afterEach(endAll);

describe('batches', () => {
  test('25 submissions are one batch, and no empty one follows', async () => {
    const world = open([submissions(25)], allAccepted);
    await world.settled(25);
    expect(world.commerce.asked).toHaveLength(1);
    expect(world.steps).toEqual(['25 outcomes']);
  });

  test('what is refused alone is no trouble for the rest of its page: one record of all', async () => {
    const world = open([submissions(30)], (asked) =>
      namesOf(asked).includes('vm3') ? REFUSED : allAccepted(asked),
    );
    await world.settled(30);
    expect(world.steps).toEqual(['30 outcomes']);
    expect(kinds(world).filter((kind) => kind === 'dead-lettered')).toHaveLength(1);
    const sizes = world.commerce.asked.map((asked) => requestOf(asked).length);
    expect(sizes.slice(0, 4)).toEqual([25, 13, 7, 4]);
    const refused = world.commerce.asked.filter((asked) => namesOf(asked).includes('vm3'));
    expect(refused.map((asked) => requestOf(asked).length)).toEqual([25, 13, 7, 4, 2, 1]);
    expect(sizes.length).toBeLessThan(15);
  });

  test('Commerce goes away among the halves of a batch: the others are not sent before the pause is over', async () => {
    const { times, answer } = timed((asked, nth) => {
      if (nth === 0) return REFUSED;
      return nth === 2 ? { status: 503, body: '' } : allAccepted(asked);
    });
    random(0);
    const world = open([submissions(30)], answer, { retryMillis: 1_000 });
    await world.settled(30);
    expect(times).toEqual([0, 0, 0, 250, 250]);
    expect(world.steps).toEqual(['30 outcomes']);
  });

  test('a stop among the halves of a batch ends it after the one in flight', async () => {
    const world = open([submissions(3)], (asked, nth) => {
      if (nth === 0) return REFUSED;
      void world.sender.stop();
      return allAccepted(asked);
    });
    await world.until('it is asked to stop', () => world.commerce.asked.length > 0);
    await ended(world.sender.stop());
    expect(world.commerce.asked).toHaveLength(2);
    expect(world.steps).toEqual(['2 outcomes']);
  });

  const PUZZLING: Answer = { status: 500, body: '' };

  const sizesOf = ({ commerce }: ReturnType<typeof open>): readonly number[] =>
    commerce.asked.map((asked) => requestOf(asked).length);

  test('a batch that Commerce cannot digest waits by itself, and after three tries goes in halves', async () => {
    random(0);
    const { times, answer } = timed((asked) =>
      namesOf(asked).length > 7 && namesOf(asked).includes('vm0') ? PUZZLING : allAccepted(asked),
    );
    const world = open([submissions(30)], answer, { retryMillis: 60_000 });
    await world.settled(30);
    expect(sizesOf(world)).toEqual([25, 5, 25, 25, 13, 12, 7, 6]);
    expect(times).toEqual([0, 0, 250, 750, 1_750, 1_750, 3_750, 3_750]);
  });

  test('what is sent after a split goes in full batches again', async () => {
    const world = open([submissions(25)], (asked, nth) =>
      nth === 0 ? REFUSED : allAccepted(asked),
    );
    await world.settled(25);
    world.sender.add([compositionOf(submissions(25))]);
    await world.until('all are sent again', () => world.outcomes.length === 50);
    expect(sizesOf(world)).toEqual([25, 13, 12, 25]);
  });

  test('what puzzles Commerce alone waits longer and longer, and the others are sent', async () => {
    random(0);
    const { times, answer } = timed((asked) =>
      namesOf(asked).includes('vm1') ? PUZZLING : allAccepted(asked),
    );
    const world = open([submissions(3)], answer, { retryMillis: 60_000 });
    await world.settled(2);
    await world.until('it is tried again', () => world.commerce.asked.length === 9);
    expect(world.commerce.asked.map(namesOf)).toEqual([
      ...Array.from({ length: 3 }, () => ['vm0', 'vm1', 'vm2']),
      ['vm0', 'vm1'],
      ['vm2'],
      ['vm0'],
      ['vm1'],
      ['vm1'],
      ['vm1'],
    ]);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(pauses).toEqual([250, 500, 1_000, 0, 2_000, 0, 4_000, 8_000]);
  });

  test('a failure of all is told once, and not for each of them', async () => {
    random(0);
    const world = open(
      [submissions(2)],
      (asked, nth) => (nth === 0 ? PUZZLING : awayFor(2)(asked, nth)),
      {
        retryMillis: 1_000,
      },
    );
    await world.settled(2);
    const trouble = 'Commerce at http://commerce.test answered';
    expect(world.logs).toEqual([
      { level: 'warn', handling: 'retry', msg: `${trouble} 500; trying again` },
      { level: 'warn', wait: 250, handling: 'wait', msg: `${trouble} 503; trying again` },
      { level: 'info', accepted: 2, msg: 'sent' },
    ]);
  });

  test('one that is away although it is alone is not put behind the others', async () => {
    random(0);
    const world = open([[pendingOf(0)]], awayFor(1), { retryMillis: 1_000 });
    await world.settled(1);
    expect(world.logs.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('what is doubtful', () => {
  const duplicate = { status: 'Duplicate', error: { code: 'Conflict' } };

  test('is looked up 1,000 at a time', async () => {
    const world = open([submissions(1_200)], (asked) =>
      asked.method === 'POST' ? each(asked, () => refusedWith('Expired')) : { body: '[]' },
    );
    await world.settled(1_200);
    expect(world.steps.filter((step) => step.endsWith('carries'))).toEqual([
      '1000 carries',
      '200 carries',
    ]);
  });

  test('Duplicate without a quantity is settled by what Commerce holds', async () => {
    const world = open([[pendingOf(0)]], (asked) =>
      asked.method === 'POST' ? each(asked, () => duplicate) : holds(asked, '1.5'),
    );
    await world.settled(1);
    expect(world.outcomes).toMatchObject([{ kind: 'duplicate', acceptedQuantity: 1.5 }]);
    expect(world.carries).toEqual([]);
  });

  test('Duplicate of which Commerce holds nothing is sent again, and never carried', async () => {
    random(0);
    const { times, answer } = timed((asked, nth) => {
      if (asked.method === 'GET') return { body: '[]' };
      return nth < 2 ? each(asked, () => duplicate) : allAccepted(asked);
    });
    const world = open([[pendingOf(0)]], answer, { retryMillis: 1_000 });
    await world.until('it waits', () => world.sender.status().lastError !== null);
    expect(world.sender.status().lastError).toMatch(/duplicate but holds nothing/);
    await world.settled(1);
    expect(times).toEqual([0, 0, 250]);
    expect(kinds(world)).toEqual(['accepted']);
    expect(world.steps).toEqual(['1 outcomes']);
  });

  test.each([
    ['Fri, 09 Jan 2026 23:59:59 GMT', 0, 'accepted'],
    ['Sat, 10 Jan 2026 00:00:00 GMT', 0, 'carried'],
    ['no date', 0, 'carried'],
  ])('Expired by the clock %p', async (date, h, kind) => {
    let posts = 0;
    const world = open([[pendingOf(0, '1.5', h)]], (asked) => {
      if (asked.method === 'GET') return { body: '[]' };
      posts++;
      return posts > 1
        ? allAccepted(asked)
        : { ...each(asked, () => refusedWith('Expired')), headers: { date } };
    });
    await world.settled(1);
    expect(kinds(world)).toEqual([kind]);
  });

  test('an earlier request that Commerce is still storing when it calls the usage too old is not carried as well', async () => {
    const stored = Date.now() + 3_000;
    const world = open([[pendingOf(0)]], (asked) => {
      if (asked.method === 'POST') return each(asked, () => refusedWith('Expired'));
      return Date.now() < stored ? { body: '[]' } : holds(asked, '1.5');
    });
    await world.settled(1);
    expect(kinds(world)).toEqual(['accepted']);
    expect(world.carries).toEqual([]);
  });

  test('is not looked up after a stop: the next owner of the partition does', async () => {
    const world = open([submissions(2)], (asked) => {
      void world.sender.stop();
      return each(asked, (_, index) => (index === 0 ? accepted : refusedWith('Expired')));
    });
    await world.until('it is asked to stop', () => world.commerce.asked.length > 0);
    await ended(world.sender.stop());
    expect(world.commerce.asked.map(({ method }) => method)).toEqual(['POST']);
    expect(kinds(world)).toEqual(['accepted']);
  });

  test('nothing is recorded where nothing has its outcome', async () => {
    const world = open([[pendingOf(0)]], awayFor(2));
    await world.settled(1);
    expect(world.steps).toEqual(['1 outcomes']);
  });
});

describe('what becomes of submissions is told', () => {
  test('an alarm where the bill is wrong, an error for what is refused, a warning for what is carried', async () => {
    const all = submissions(5);
    const [accepts, mismatches, refuses, carries] = all;
    if (!accepts || !mismatches || !refuses || !carries) throw new Error('too few');
    const answers = [
      accepted,
      duplicateOf('2'),
      refusedWith('InvalidDimension'),
      refusedWith('Expired', 'too old'),
      accepted,
    ];
    const world = open([all], (asked) =>
      asked.method === 'GET' ? { body: '[]' } : each(asked, (_, index) => answers[index] ?? {}),
    );
    await world.settled(5);
    expect(world.logs).toEqual([
      {
        level: 'error',
        ...told(mismatches),
        msg: 'billing is wrong: Commerce holds 2 instead of 1.5',
      },
      {
        level: 'error',
        ...told(refuses),
        code: 'InvalidDimension',
        msg: 'Commerce refuses this usage: because',
      },
      { level: 'info', accepted: 2, mismatch: 1, 'dead-lettered': 1, msg: 'sent' },
      {
        level: 'warn',
        ...told(carries),
        msg: 'Commerce no longer accepts this usage: it goes into a later hour',
      },
      { level: 'info', carried: 1, msg: 'sent' },
    ]);
  });

  test('a composition of which nothing is pending any more is finished', async () => {
    const world = open([[pendingOf(0)]], allAccepted, {
      store: { pendingOf: () => Promise.resolve([]) },
    });
    await world.until('it is finished', () => world.finished.length > 0);
    expect(world.finished).toMatchObject([{ hour: hour(0) }]);
    expect(world.commerce.asked).toEqual([]);
    expect(world.sender.status().pending).toBe(0);
  });

  test('a composition with something pending is not finished before that has its outcome', async () => {
    const world = open([[pendingOf(0)]], awayFor(1));
    await world.until('it has failed', () => world.sender.status().lastError !== null);
    expect(world.finished).toEqual([]);
    await world.settled(1);
    expect(world.finished).toHaveLength(1);
  });
});
