import { pino } from 'pino';
import type { Unsent } from '../shared/billing/unsent.ts';
import { HOUR_MILLIS, type Hour } from '../shared/model/time.ts';
import { UnsentWatch } from './unsent-watch.ts';

const START = Date.UTC(2026, 10, 27, 10) as Hour;
const at = (hours: number): number => START + hours * HOUR_MILLIS;

const scene = () => {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  const world = {
    now: at(0),
    unsent: { hour: START, pending: 3, notComposed: 0 } as Unsent | null,
    fails: false,
  };
  const watch = new UnsentWatch({
    read: () =>
      world.fails ? Promise.reject(new Error('no table')) : Promise.resolve(world.unsent),
    now: () => world.now,
    logger,
  });
  const problems = () => watch.addTo({ problems: ['another'], details: {} }).problems.slice(1);
  return { watch, world, lines, problems };
};

test('usage that waits for hours is told while Commerce still takes it, and until it is sent', async () => {
  const { watch, world, lines, problems } = scene();
  world.now = at(2);
  await watch.look();
  expect(problems()).toEqual([]);
  world.now = at(6.5);
  await watch.look();
  expect(problems()).toEqual([
    'usage is not billed: oldest unsent hour 2026-11-27T10:00:00Z, 17 hours left before Commerce refuses it; see "usagectl bridge status"',
  ]);
  world.now = at(25.5);
  await watch.look();
  expect(problems()[0]).toContain('which Commerce has refused for 1 hour;');
  world.unsent = null;
  await watch.look();
  expect(problems()).toEqual([]);
  expect(lines).toHaveLength(2);
});

test('the log does not say it every minute', async () => {
  const { watch, world, lines } = scene();
  for (world.now = at(10); world.now < at(10.5); world.now += 60_000) await watch.look();
  expect(lines).toHaveLength(3);
});

test('what could not be looked at is a problem', async () => {
  const { watch, world, problems } = scene();
  world.fails = true;
  await watch.look();
  expect(problems()[0]).toContain('could not be read (no table)');
});
