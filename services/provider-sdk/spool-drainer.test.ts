import fc from 'fast-check';
import { partitionOfKey } from '../shared/model/placement.ts';
import { ProviderClosed } from './provider-errors.ts';
import { SpoolDrainer, type DrainerParts } from './spool-drainer.ts';

interface Spooled {
  readonly key: string;
  readonly value: Uint8Array;
}

const record = (key: string, value: string): Spooled => ({ key, value: Buffer.from(value) });

const PARTITIONS = 3;

/** A spool in memory, and what was sent from it. */
class World {
  readonly waiting: Spooled[] = [];
  readonly logs = new Map<number, string[]>();
  /** Whether each of the next appends works; then all do. */
  readonly works: boolean[] = [];
  isBrokerThere = true;
  private given = 0;

  readonly parts: DrainerParts = {
    spool: {
      next: (maxBytes) => {
        let bytes = 0;
        const count = this.waiting.findIndex(({ value }) => (bytes += value.length) > maxBytes);
        const records = count < 0 ? [...this.waiting] : this.waiting.slice(0, Math.max(1, count));
        this.given = records.length;
        return Promise.resolve(records);
      },
      done: (count) => {
        if (count > this.given) throw new Error('more is done than was given');
        this.waiting.splice(0, count);
        return Promise.resolve();
      },
      status: () => ({ waitingRecords: this.waiting.length }),
    },
    partitions: () =>
      this.isBrokerThere ? Promise.resolve(PARTITIONS) : Promise.reject(new Error('away')),
    append: async (partition, records) => {
      await new Promise(setImmediate);
      if (this.works.shift() === false) throw new Error('no leader');
      const log = this.logs.get(partition) ?? [];
      log.push(...records.map(({ value }) => String(value)));
      this.logs.set(partition, log);
    },
    maxBatchBytes: 10,
    logger: { info: () => undefined, warn: () => undefined },
    sleep: () => new Promise(setImmediate),
  };
}

test('whatever fails, everything is sent, and in order apart from what is sent again', async () => {
  const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(keys, fc.array(fc.boolean(), { maxLength: 30 }), async (given, works) => {
      const world = new World();
      world.works.push(...works);
      world.waiting.push(...given.slice(0, 5).map((key, n) => record(key, `${key}${String(n)}`)));
      const drainer = new SpoolDrainer(world.parts);
      for (const [n, key] of given.slice(5).entries()) {
        world.waiting.push(record(key, `${key}${String(n + 5)}`));
        drainer.wake();
        if (n % 3 === 0) await new Promise(setImmediate);
      }
      await drainer.drained();
      await drainer.stop();
      expect(world.waiting).toEqual([]);
      given.forEach((key, n) => {
        const log = world.logs.get(partitionOfKey(key, PARTITIONS)) ?? [];
        expect(log).toContain(`${key}${String(n)}`);
      });
      for (const log of world.logs.values()) {
        const firsts = [...new Set(log)].map((value) => Number(value.slice(1)));
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      }
    }),
  );
});

test('who waits while a batch is being noted as sent waits for what is behind it, too', async () => {
  const world = new World();
  let note = (): void => undefined;
  const { done } = world.parts.spool;
  const drainer = new SpoolDrainer({
    ...world.parts,
    spool: {
      ...world.parts.spool,
      done: async (count) => {
        await done(count);
        await new Promise<void>((resolve) => (note = resolve));
      },
    },
  });
  world.waiting.push(...['a', 'b', 'c'].map((key) => record(key, `${key}-fills-a-batch`)));
  drainer.wake();
  while (world.waiting.length === 3) await new Promise(setImmediate);
  let isDrained = false;
  const drained = drainer.drained().then(() => (isDrained = true));
  while (world.waiting.length > 0) {
    expect(isDrained).toBe(false);
    note();
    await new Promise(setImmediate);
  }
  note();
  await drained;
  await drainer.stop();
});

test('while no broker answers it says why, and sends when one does', async () => {
  const world = new World();
  world.isBrokerThere = false;
  world.waiting.push(record('a', 'a0'));
  const drainer = new SpoolDrainer(world.parts);
  for (let n = 0; n < 20; n++) await new Promise(setImmediate);
  expect(drainer.problem).toBe('away');
  expect(world.waiting).toHaveLength(1);
  world.isBrokerThere = true;
  await drainer.drained();
  expect(drainer).toMatchObject({ problem: null, sentRecords: 1 });
  await drainer.stop();
});

test('who waits for what is in the spool is told when it stops before', async () => {
  const world = new World();
  world.isBrokerThere = false;
  world.waiting.push(record('a', 'a0'));
  const drainer = new SpoolDrainer(world.parts);
  const drained = drainer.drained();
  await drainer.stop();
  await expect(drained).rejects.toThrow(ProviderClosed);
  expect(world.waiting).toHaveLength(1);
});
