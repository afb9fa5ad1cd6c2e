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
import { hydrate, type Hydrated } from './hydrate.ts';

const place = placeOf();

/** What an owner finds in a world, where a person may have accepted a loss. */
const hydrated = async (world: StoredWorld, loss: WorldPorts['loss'] = null): Promise<Hydrated> => {
  const ports = new WorldPorts(world);
  ports.loss = loss;
  const found = await hydrate(world.place, knowledge, Infinity, {
    store: ports.store,
    bounds: () => Promise.resolve({ low: 0, high: 0 }),
    persist: (_, step) => step(),
  });
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
};

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
  const found = await hydrated(world, loss);
  expect(found.loss?.remnants.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
});

describe('the ledger is known to be empty', () => {
  const isEmptyIn = async (world: StoredWorld, loss?: WorldPorts['loss']): Promise<boolean> =>
    (await hydrated(world, loss)).ledgerIsEmpty;
  const loss = { nextOffset: 2, ended: false, openHour: hour(0) };

  test('before the first checkpoint and after it, in the first epoch', async () => {
    const world = new StoredWorld(place);
    expect(await isEmptyIn(world)).toBe(true);
    expect(await isEmptyIn(world)).toBe(true); // nothing has been folded meanwhile
    expect(await isEmptyIn(new StoredWorld(placeOf({ epoch: 2 })))).toBe(false);
    expect(await isEmptyIn(new StoredWorld(place), loss)).toBe(false);
  });

  test('not where an owner has stored anything', async () => {
    const world = new StoredWorld(place);
    await isEmptyIn(world);
    const owner = new FoldRun(world, knowledge);
    owner.fold([rulesAt(place, 0), recordOf(eventOf(), 1, minute(1))], storeAll(world));
    // Its first flush is cut off behind the ledger.
    owner.cut((chunk) => world.writesOf([chunk])[0]?.());
    expect(await isEmptyIn(world)).toBe(false);
    const done = new StoredWorld(place);
    const other = new FoldRun(done, knowledge);
    other.fold([rulesAt(place, 0)], storeAll(done));
    other.cut(storeAll(done));
    expect(await isEmptyIn(done)).toBe(false);
  });
});
