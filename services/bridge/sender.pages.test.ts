import { hour, uriOf } from '../../test/support/bridge/examples.ts';
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
    expect(world.commerce.asked.map((asked) => requestOf(asked).length)).toEqual([
      25,
      ...Array.from({ length: 25 }, () => 1),
      5,
    ]);
  });

  test('Commerce goes away among those sent one by one: the others are not sent before the pause is over', async () => {
    const { times, answer } = timed((asked, nth) => {
      if (nth === 0) return REFUSED;
      return nth === 2 ? { status: 503, body: '' } : allAccepted(asked);
    });
    random(0);
    const world = open([submissions(30)], answer, { retryMillis: 1_000 });
    await world.settled(30);
    expect(times).toEqual([0, 0, 0, 250, 250]);
    expect(world.steps).toEqual(['1 outcomes', '29 outcomes']);
  });

  test('a stop among those sent one by one ends it after the one in flight', async () => {
    const world = open([submissions(3)], (asked, nth) => {
      if (nth === 0) return REFUSED;
      void world.sender.stop();
      return allAccepted(asked);
    });
    await world.until('it is asked to stop', () => world.commerce.asked.length > 0);
    expect(world.commerce.asked).toHaveLength(2);
    expect(world.steps).toEqual(['1 outcomes']);
  });

  const PUZZLING: Answer = { status: 500, body: '' };

  test('three puzzling answers in a row: one by one, until it takes one', async () => {
    const world = open([submissions(30)], (asked, nth) =>
      nth < 3 ? PUZZLING : allAccepted(asked),
    );
    await world.settled(30);
    expect(world.commerce.asked.map((asked) => requestOf(asked).length)).toEqual([
      25,
      25,
      25,
      ...Array.from({ length: 30 }, () => 1),
    ]);
    world.sender.add([compositionOf(submissions(30))]);
    await world.until('all are sent again', () => world.outcomes.length === 60);
    expect(world.commerce.asked.slice(33).map((asked) => requestOf(asked).length)).toEqual([25, 5]);
  });

  test.each<[string, Answer | 'accepted']>([
    ['of which it takes one', 'accepted'],
    ['of which one is not puzzling', { status: 503, body: '' }],
  ])('puzzling answers %s are not in a row', async (_, between) => {
    const world = open([submissions(2), [pendingOf(0, '1', 1)]], (asked, nth) => {
      if (nth === 2) {
        return between === 'accepted'
          ? each(asked, (_sent, index) => (index === 2 ? accepted : refusedWith('Error')))
          : between;
      }
      return nth < 5 ? PUZZLING : allAccepted(asked);
    });
    random(0);
    await world.settled(3);
    expect(world.commerce.asked.slice(3).every((asked) => requestOf(asked).length > 1)).toBe(true);
  });

  test('what puzzles Commerce alone waits, and the next goes first', async () => {
    random(0);
    const world = open(
      [submissions(2)],
      (asked, nth) => (nth < 4 ? PUZZLING : allAccepted(asked)),
      {
        retryMillis: 60_000,
      },
    );
    await world.settled(2);
    expect(world.commerce.asked.map(namesOf)).toEqual([
      ...Array.from({ length: 3 }, () => ['vm0', 'vm1']),
      ['vm0'],
      ['vm0'],
      ['vm1'],
    ]);
    const warnings = world.logs.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ attempt, resource }) => [attempt, resource])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [4, undefined],
      [1, uriOf('vm0')],
    ]);
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
      { level: 'warn', attempt: 1, wait: 250, msg: `${trouble} 500; trying again` },
      { level: 'warn', attempt: 2, wait: 500, msg: `${trouble} 503; trying again` },
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

  test('is looked up 250 at a time', async () => {
    const world = open([submissions(300)], (asked) =>
      asked.method === 'POST' ? each(asked, () => refusedWith('Expired')) : { body: '[]' },
    );
    await world.settled(300);
    expect(world.steps.filter((step) => step.endsWith('carries'))).toEqual([
      '250 carries',
      '50 carries',
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
      {
        level: 'warn',
        ...told(carries),
        msg: 'Commerce no longer accepts this usage: it goes into a later hour',
      },
      { level: 'info', accepted: 2, mismatch: 1, 'dead-lettered': 1, carried: 1, msg: 'sent' },
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
