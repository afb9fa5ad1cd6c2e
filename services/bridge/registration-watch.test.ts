import { pino } from 'pino';
import { UserError } from '../shared/process/errors.ts';
import { RegistrationWatch } from './registration-watch.ts';

const scene = () => {
  const lines: string[] = [];
  const world = { text: 'first', applied: [] as string[], isAway: false };
  const watch = new RegistrationWatch('first', {
    read: () => {
      if (world.text === '') throw new UserError('there is no such file');
      return world.text;
    },
    apply: (text) => {
      if (world.isAway) return Promise.reject(new Error('no database'));
      if (text.startsWith('bad')) return Promise.reject(new UserError('it is not JSON'));
      world.applied.push(text);
      return Promise.resolve();
    },
    logger: pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) }),
  });
  return { watch, world, lines };
};

test('a file that stays as it is is brought in force once', async () => {
  const { watch, world, lines } = scene();
  await watch.look();
  expect([world.applied, lines]).toEqual([[], []]);
});

test('a changed file is brought in force, and the log says so', async () => {
  const { watch, world, lines } = scene();
  world.text = 'second';
  await watch.look();
  await watch.look();
  expect(world.applied).toEqual(['second']);
  expect(lines).toEqual([expect.stringContaining('has changed')]);
  expect(watch.problems).toEqual([]);
});

test('a malformed change is told once, and the registration of before stays in force until it is mended', async () => {
  const { watch, world, lines } = scene();
  world.text = 'bad';
  await watch.look();
  await watch.look();
  expect(watch.problems).toEqual(['it is not JSON. The registration of before stays in force']);
  expect(lines).toEqual([expect.stringContaining('"level":50')]);
  world.text = 'first';
  await watch.look();
  expect(watch.problems).toEqual([]);
  expect(world.applied).toEqual([]);
  world.text = 'bad';
  await watch.look();
  expect(watch.problems).toHaveLength(1);
});

test('a file that is gone is a problem until it is back', async () => {
  const { watch, world } = scene();
  world.text = '';
  await watch.look();
  expect(watch.problems).toEqual([expect.stringContaining('there is no such file')]);
  world.text = 'first';
  await watch.look();
  expect(watch.problems).toEqual([]);
});

test('a change is tried again while the database is away', async () => {
  const { watch, world } = scene();
  Object.assign(world, { text: 'second', isAway: true });
  await watch.look();
  expect(watch.problems).toEqual([expect.stringContaining('no database')]);
  world.isAway = false;
  await watch.look();
  expect([world.applied, watch.problems]).toEqual([['second'], []]);
});
