import {
  knowledge,
  eventOf,
  hour,
  minute,
  placeOf,
  recordOf,
  rulesAt,
} from '../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../test/support/fold/fold-run.ts';
import { storeAll } from '../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../test/support/fold/stored-world.ts';
import type { AcceptedLoss } from './fold/loss.ts';
import { hydrate } from './hydrate.ts';
import type { Store } from './ports.ts';

const place = placeOf();

/** What hydration reads, of a world and with a loss that was accepted. */
const storeOf = (world: StoredWorld, loss: AcceptedLoss): Store =>
  ({
    checkpoint: () => Promise.resolve(world.checkpoint),
    windows: (_: unknown, reported: never) => Promise.resolve(world.openWindows(reported)),
    ledgerTail: (_: unknown, checkpoint: never) => Promise.resolve(world.tail(checkpoint)),
    loss: () => Promise.resolve(loss),
    remnants: (_: unknown, from: number, to: number) => Promise.resolve(world.remnants(from, to)),
  }) as unknown as Store;

test('what an owner wrote after the end of its life was accepted stays counted, up to the last of it', async () => {
  const world = new StoredWorld(place);
  const owner = new FoldRun(world, knowledge);
  owner.fold([rulesAt(place, 0)], storeAll(world));
  owner.cut(storeAll(world));
  // Accepted now, with nothing stored beyond the checkpoint; then the owner dies within a flush.
  const loss = { nextOffset: 2, ended: true, openHour: hour(0) };
  const resources = [1, 2, 3, 4].map((n) => recordOf(eventOf({}, String(n)), n, minute(n)));
  owner.fold(resources, storeAll(world));
  owner.cut((chunk) => {
    for (const write of world.writesOf(chunk).slice(0, 3)) write();
  });
  const found = await hydrate(place, knowledge, Infinity, {
    store: storeOf(world, loss),
    bounds: () => Promise.resolve({ low: 0, high: 0 }),
    persist: (_, step) => step(),
  });
  if ('code' in found) throw new Error(found.message);
  expect(found.loss?.remnants.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
});
