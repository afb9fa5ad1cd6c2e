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
