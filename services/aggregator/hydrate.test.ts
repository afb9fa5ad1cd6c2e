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
import { WorldPorts } from '../../test/support/fold/world-ports.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import { hydrate } from './hydrate.ts';

const place = placeOf();

test('what an owner wrote after the end of its epoch was accepted stays counted, up to the last of it', async () => {
  const world = new StoredWorld(place);
  const owner = new FoldRun(world, knowledge);
  owner.fold([rulesAt(place, 0)], storeAll(world));
  owner.cut(storeAll(world));
  // Accepted now, with nothing stored beyond the checkpoint; then the owner dies within a flush.
  const loss = { nextOffset: 2, ended: true, openHour: hour(0) };
  const resources = [1, 2, 3, 4].map((n) => recordOf(eventOf({}, String(n)), n, minute(n)));
  owner.fold(resources, storeAll(world));
  owner.cut((chunk) => {
    for (const write of world.writesOf([chunk]).slice(0, 3)) write();
  });
  const ports = new WorldPorts(world);
  ports.loss = loss;
  const found = await hydrate(place, knowledge, Infinity, {
    store: ports.store,
    bounds: () => Promise.resolve({ low: 0, high: 0 }),
    persist: (_, step) => step(),
  });
  if (!found.ok) throw new Error(found.error.message);
  expect(found.value.loss?.remnants.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
});

describe('the ledger is known to be empty', () => {
  const hydrated = async (
    at: Place,
    world: StoredWorld,
    loss: WorldPorts['loss'] = null,
  ): Promise<boolean> => {
    const ports = new WorldPorts(world);
    ports.loss = loss;
    const found = await hydrate(at, knowledge, Infinity, {
      store: ports.store,
      bounds: () => Promise.resolve({ low: 0, high: 0 }),
      persist: (_, step) => step(),
    });
    if (!found.ok) throw new Error(found.error.message);
    return found.value.ledgerIsEmpty;
  };
  const loss = { nextOffset: 2, ended: false, openHour: hour(0) };

  test('before the first checkpoint and after it, in the first epoch', async () => {
    const world = new StoredWorld(place);
    expect(await hydrated(place, world)).toBe(true);
    expect(await hydrated(place, world)).toBe(true); // nothing has been folded meanwhile
    expect(await hydrated(placeOf({ epoch: 2 }), new StoredWorld(placeOf({ epoch: 2 })))).toBe(
      false,
    );
    expect(await hydrated(place, new StoredWorld(place), loss)).toBe(false);
  });

  test('not where an owner has stored anything', async () => {
    const world = new StoredWorld(place);
    await hydrated(place, world);
    const owner = new FoldRun(world, knowledge);
    owner.fold([rulesAt(place, 0), recordOf(eventOf(), 1, minute(1))], storeAll(world));
    // Its first flush is cut off behind the ledger.
    owner.cut((chunk) => world.writesOf([chunk])[0]?.());
    expect(await hydrated(place, world)).toBe(false);
    const done = new StoredWorld(place);
    const other = new FoldRun(done, knowledge);
    other.fold([rulesAt(place, 0)], storeAll(done));
    other.cut(storeAll(done));
    expect(await hydrated(place, done)).toBe(false);
  });
});
