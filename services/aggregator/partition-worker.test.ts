import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import {
  controlAt,
  eventOf,
  historyPlace,
  hour,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  rulesOf,
} from '../../test/support/fold/fixtures.ts';
import { encodedBatch } from '../../test/support/kafka/record-batch.ts';
import { StoredWorld } from '../../test/support/fold/stored-world.ts';
import { WorldPorts } from '../../test/support/fold/world-ports.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { LogRecord } from '../shared/model/log-record.ts';
import type { Millis } from '../shared/model/time.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import { PartitionWorker, type WorkerOptions } from './partition-worker.ts';

const OPTIONS: WorkerOptions = {
  flushInterval: 1_000,
  flushEvents: 1_000,
  indexMaxBytes: 1e9,
  windowsMaxBytes: 1e9,
};

const at = (n: number, timestamp: Millis = minute(1)): LogRecord =>
  recordOf(eventOf({}, String(n)), n, timestamp);

/** An owner of a partition; its log, its clock and what is stored are the test's. */
class Scene {
  readonly place: Place;
  readonly ports: WorldPorts;
  readonly world: StoredWorld;
  readonly worker: PartitionWorker;
  readonly log = { low: 0, high: 0 };
  now: number = minute(0);

  constructor(place: Place = placeOf(), options: Partial<WorkerOptions> = {}) {
    this.place = place;
    this.world = new StoredWorld(place);
    this.ports = new WorldPorts(this.world);
    this.worker = this.owner(options);
  }

  /** Another owner of the same partition. */
  owner(options: Partial<WorkerOptions> = {}, known: Knowledge = knowledge): PartitionWorker {
    return new PartitionWorker(
      this.place,
      known,
      {
        store: this.ports.store,
        outbox: this.ports.outbox,
        log: { bounds: () => Promise.resolve({ ...this.log }) },
        logger: pino({ level: 'silent' }),
        now: () => this.now,
        persist: (_what, step) => step(),
        report: () => undefined,
      },
      { ...OPTIONS, ...options },
    );
  }

  /** Rules and two events, read and folded; nothing of it stored. */
  async begin(isBehind = false): Promise<void> {
    this.log.high = isBehind ? 9 : 3;
    expect(await this.worker.position()).toBe(0);
    expect(
      await this.worker.consume(
        [encodedBatch([rulesAt(this.place, 0), at(1), at(2)])],
        3,
        isBehind,
      ),
    ).toBe(true);
    expect(this.world.checkpoint).toMatchObject({ nextOffset: 0 });
  }

  /** What is stored: where an owner resumes, and how many events the ledger holds. */
  get stored(): readonly unknown[] {
    return [this.world.checkpoint?.nextOffset, this.world.ledger.size];
  }

  get haltCode(): string | undefined {
    return this.worker.status().halt?.code;
  }
}

describe('where the log cannot be read on', () => {
  test('what was folded is stored before records that expired unread halt, seen in a batch', async () => {
    const scene = new Scene();
    await scene.begin();
    Object.assign(scene.log, { low: 9, high: 10 });
    expect(await scene.worker.consume([encodedBatch([at(9)])], 10)).toBe(false);
    expect(scene.haltCode).toBe('lost-records');
    expect(scene.stored).toEqual([3, 2]);
  });

  test('what was folded is stored before records that expired unread halt, seen where reading begins anew', async () => {
    const scene = new Scene();
    await scene.begin();
    Object.assign(scene.log, { low: 9, high: 10 });
    expect(await scene.worker.position()).toBeNull();
    expect(scene.haltCode).toBe('lost-records');
    expect(scene.stored).toEqual([3, 2]);
  });

  test('what was folded is not stored where another log stands in its place', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 1;
    expect(await scene.worker.position()).toBeNull();
    expect(scene.haltCode).toBe('another-log');
    expect(scene.stored).toEqual([0, 0]);
  });

  test('a halted owner takes nothing more, stores nothing more and appends no tick', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 1;
    await scene.worker.position();
    scene.now = hour(2);
    scene.ports.writes.length = 0;
    expect(await scene.worker.consume([encodedBatch([at(3)])], 4)).toBe(false);
    await scene.worker.onTimer();
    await scene.worker.close();
    expect(scene.ports.writes).toEqual([]);
    expect(scene.worker.status().nextOffset).toBe(3);
  });

  test('it goes on once a person has accepted the loss, and not before', async () => {
    const scene = new Scene();
    await scene.begin();
    Object.assign(scene.log, { low: 9, high: 10 });
    await scene.worker.position();
    expect(await scene.worker.retry()).toBe(false);
    scene.ports.loss = { nextOffset: 9, ended: false, openHour: hour(0) };
    expect(await scene.worker.retry()).toBe(true);
    expect(await scene.worker.position()).toBe(9);
    expect(scene.world.checkpoint).toMatchObject({
      nextOffset: 9,
      counts: { accepted: 2, control: 1, lost: 6 },
    });
    expect(await scene.worker.consume([encodedBatch([at(9)])], 10)).toBe(true);
    await scene.worker.close();
    expect(scene.stored).toEqual([10, 3]);
  });

  test('a halt that is no loss is not retried, whatever was accepted', async () => {
    const scene = new Scene();
    await scene.worker.position();
    scene.log.high = 1;
    const unknown = rulesAt(scene.place, 0, minute(0), { foldVersion: 99 });
    expect(await scene.worker.consume([encodedBatch([unknown])], 1)).toBe(false);
    expect(scene.haltCode).toBe('unknown-rules');
    scene.ports.loss = { nextOffset: 1, ended: false, openHour: hour(0) };
    expect(await scene.worker.retry()).toBe(false);
  });

  test('rules that ask for a schema which it lacks give each record the same fate once it has the schema', async () => {
    const [{ id } = { id: 0 }] = rulesOf().schemas;
    const others = [...knowledge.fingerprints].filter(([other]) => other !== id);
    const lacking = { ...knowledge, fingerprints: new Map(others) };
    const log = (place: Place): LogRecord[] => [
      rulesAt(place, 0, minute(0), {
        schemas: others.map(([other, fingerprint]) => ({ id: other, fingerprint })),
      }),
      at(1), // refused for good: the rules of then do not accept its schema
      rulesAt(place, 2, minute(2), { version: 2 }),
      at(3, minute(3)),
    ];
    const folded = async (before: Knowledge): Promise<StoredWorld> => {
      const scene = new Scene();
      scene.log.high = 4;
      const worker = scene.owner({}, before);
      expect(await worker.position()).toBe(0);
      if (!(await worker.consume([encodedBatch(log(scene.place))], 4))) {
        expect(worker.status().halt?.code).toBe('unknown-rules');
        expect(await worker.retry(before)).toBe(false); // nothing new is known
        expect(await worker.retry(knowledge)).toBe(true);
        const from = (await worker.position()) ?? 0;
        expect(await worker.consume([encodedBatch(log(scene.place).slice(from))], 4)).toBe(true);
      }
      await worker.close();
      return scene.world;
    };
    const [late, early] = [await folded(lacking), await folded(knowledge)];
    expect(late.checkpoint).toEqual(early.checkpoint);
    expect(late.ledger).toEqual(early.ledger);
    expect(late.checkpoint?.counts).toMatchObject({ accepted: 1, deadLettered: 1, control: 2 });
  });
});

describe('ticks', () => {
  const ticks = (scene: Scene): number =>
    scene.ports.writes.filter((write) => write === 'tick').length;

  test('none is appended while records are unread: the hour closes by them', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.now = hour(1);
    scene.log.high = 4;
    await scene.worker.onTimer();
    expect(ticks(scene)).toBe(0);
    scene.log.high = 3;
    scene.now += 250;
    await scene.worker.onTimer();
    expect(ticks(scene)).toBe(1);
  });

  test('none is appended before the hour is over, and one that landed too early is repeated later', async () => {
    const scene = new Scene();
    await scene.begin();
    const ticksAt = async (now: number): Promise<number> => {
      scene.now = now;
      await scene.worker.onTimer();
      return ticks(scene);
    };
    expect(await ticksAt(hour(1) - 1)).toBe(0);
    expect(await ticksAt(hour(1))).toBe(1);
    expect(await ticksAt(hour(1) + 249)).toBe(1);
    expect(await ticksAt(hour(1) + 250)).toBe(2);
    expect(await ticksAt(hour(1) + 749)).toBe(2);
    expect(await ticksAt(hour(1) + 750)).toBe(3);
  });

  test('none is appended to a history run, nor behind the end of a source', async () => {
    const run = new Scene(historyPlace());
    await run.worker.position();
    run.now = hour(9);
    await run.worker.onTimer();
    expect(ticks(run)).toBe(0);

    const sealed = new Scene();
    await sealed.begin();
    sealed.log.high = 4;
    await sealed.worker.consume([encodedBatch([controlAt(sealed.place, 'end', 3)])], 4);
    sealed.now = hour(9);
    await sealed.worker.onTimer();
    expect(ticks(sealed)).toBe(0);
  });

  test('one that the broker does not take stops nothing, and is tried again', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.now = hour(1);
    scene.ports.fails = 'tick';
    await scene.worker.onTimer();
    scene.ports.fails = null;
    scene.now += 250;
    await scene.worker.onTimer();
    expect(ticks(scene)).toBe(1);
    expect(scene.haltCode).toBeUndefined();
  });
});

describe('what was folded is stored', () => {
  test('in the order that makes a crash harmless', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 5;
    const refused: LogRecord = { ...at(3), value: Buffer.from('no usage') };
    await scene.worker.consume(
      [encodedBatch([refused, controlAt(scene.place, 'tick', 4, minute(121))])],
      5,
    );
    await scene.worker.close();
    expect(scene.ports.writes).toEqual([
      'checkpoint', // the first one
      ...['ledger', 'windows', 'dead letters out', 'dead letters'],
      ...['days', 'closed hour', 'closed hour', 'checkpoint'],
    ]);
  });

  test('together for hours that end one after the other, the ledger month by month', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 6;
    const february = 23 * 24 * 60; // in minutes from 10 January on
    const later = [at(3, minute(61)), at(4, minute(125)), at(5, minute(february + 125))];
    await scene.worker.consume([encodedBatch(later)], 6);
    expect(scene.stored).toEqual([0, 0]);
    await scene.worker.close();
    expect(scene.ports.writes.filter((write) => write !== 'closed hour')).toEqual([
      'checkpoint',
      ...['ledger', 'ledger', 'windows', 'days', 'checkpoint'],
    ]);
    expect(scene.stored).toEqual([6, 5]);
  });

  test('at once where many hours have ended, however little they hold', async () => {
    const scene = new Scene();
    await scene.begin();
    const hours = Array.from({ length: 501 }, (_, n) => at(3 + n, minute(60 * (n + 1))));
    scene.log.high = 3 + hours.length;
    await scene.worker.consume([encodedBatch(hours)], scene.log.high);
    await waitFor('a checkpoint', () =>
      Promise.resolve((scene.world.checkpoint?.nextOffset ?? 0) > 0),
    );
    await scene.worker.close();
    expect(scene.stored).toEqual([scene.log.high, hours.length + 2]);
  });

  test('later while the log goes on behind it, until there is nothing more to read; what an owner finds first does not wait', async () => {
    const scene = new Scene();
    await scene.begin(true);
    const { worker } = scene;
    const storedAt = async (millis: number): Promise<typeof scene.stored> => {
      scene.now += millis;
      await worker.onTimer();
      await new Promise((resolve) => setTimeout(resolve, 20)); // a flush begins in between
      return [...scene.stored];
    };
    expect(await storedAt(0)).toEqual([3, 2]);
    scene.log.high = 9;
    await worker.consume([encodedBatch([at(3)])], 4, true);
    expect(await storedAt(3_999)).toEqual([3, 2]);
    expect(await storedAt(1)).toEqual([4, 3]);
    await worker.consume([encodedBatch([at(4)])], 5, true);
    scene.log.high = 6;
    scene.now += 900;
    await worker.consume([encodedBatch([at(5)])], 6, false);
    expect(await storedAt(99)).toEqual([4, 3]);
    expect(await storedAt(1)).toEqual([6, 5]);
  });

  test('at once where a source has ended', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 4;
    await scene.worker.consume([encodedBatch([controlAt(scene.place, 'end', 3)])], 4);
    await waitFor('the last checkpoint', () => Promise.resolve(scene.world.checkpoint?.sealed));
  });

  test('at once where many events are pending', async () => {
    const scene = new Scene(placeOf(), { flushEvents: 3 });
    await scene.begin();
    scene.log.high = 4;
    await scene.worker.consume([encodedBatch([at(3)])], 4);
    expect(scene.stored).toEqual([4, 3]);
  });

  test('at once where the records are large, and the next ones wait again', async () => {
    const scene = new Scene();
    await scene.begin();
    scene.log.high = 5;
    const large: LogRecord = { ...at(3), value: Buffer.alloc(32 * 1024 * 1024) };
    await scene.worker.consume([encodedBatch([large])], 4);
    expect(scene.stored).toEqual([4, 2]);
    await scene.worker.consume([encodedBatch([at(4)])], 5);
    expect(scene.stored).toEqual([4, 2]);
  });

  test('by the timer when the first of it has waited long enough, not sooner', async () => {
    const scene = new Scene();
    await scene.begin();
    const storedUpTo = (offset: number): Promise<true> =>
      waitFor('the checkpoint', () =>
        Promise.resolve(scene.world.checkpoint?.nextOffset === offset),
      );
    await scene.worker.onTimer(); // what an owner finds first has waited before it came
    await storedUpTo(3);
    scene.log.high = 9;
    for (let n = 3; n < 9; n++) {
      await scene.worker.consume([encodedBatch([at(n)])], n + 1);
      scene.now += n < 8 ? 190 : 49;
      await scene.worker.onTimer();
      expect(scene.stored).toEqual([3, 2]);
    }
    scene.now += 1;
    await scene.worker.onTimer();
    await storedUpTo(9);
    expect(scene.stored).toEqual([9, 8]);
  });

  test('sooner when nothing more has come for a while', async () => {
    const scene = new Scene();
    await scene.begin();
    await scene.worker.onTimer();
    await waitFor('the first checkpoint', () =>
      Promise.resolve(scene.world.checkpoint?.nextOffset === 3),
    );
    scene.log.high = 4;
    await scene.worker.consume([encodedBatch([at(3)])], 4);
    scene.now += 199;
    await scene.worker.onTimer();
    expect(scene.stored).toEqual([3, 2]);
    scene.now += 1;
    await scene.worker.onTimer();
    await waitFor('the checkpoint', () =>
      Promise.resolve(scene.world.checkpoint?.nextOffset === 4),
    );
  });

  test('when the owner stops in order, and not when it has lost the partition', async () => {
    const ordered = new Scene();
    await ordered.begin();
    await ordered.worker.close();
    expect(ordered.stored).toEqual([3, 2]);
    expect(await ordered.worker.consume([encodedBatch([at(3)])], 4)).toBe(false);

    const lost = new Scene();
    await lost.begin();
    lost.worker.drop();
    await lost.worker.close();
    expect(lost.stored).toEqual([0, 0]);
  });

  test('nothing is written where nothing was folded', async () => {
    const scene = new Scene();
    await scene.begin();
    await scene.worker.close();
    const next = scene.owner();
    expect(await next.position()).toBe(2); // the last record, to recognise it
    scene.ports.writes.length = 0;
    await next.close();
    expect(scene.ports.writes).toEqual([]);
  });
});

test('a batch of more records than are folded at once is folded to its end', async () => {
  const scene = new Scene();
  await scene.worker.position();
  const event = at(1);
  const again = Array.from({ length: 12_000 }, (_, n) => ({ ...event, offset: n + 1 }));
  scene.log.high = 12_002;
  const batches = [encodedBatch([rulesAt(scene.place, 0), ...again])];
  expect(await scene.worker.consume(batches, 12_002)).toBe(true); // a marker stands behind them
  await scene.worker.close();
  expect(scene.world.checkpoint).toMatchObject({
    nextOffset: 12_002,
    counts: { accepted: 1, duplicate: 11_999, control: 2 },
  });
});

test.each(['is folded', 'has halted it'])(
  'what was fetched is let go of once it %s',
  async (end) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const scene = new Scene();
    await scene.begin();
    const events = 100; // more than a pooled buffer holds
    scene.log.high = events + 4;
    const last = events + 3;
    const fetched = async (): Promise<WeakRef<ArrayBufferLike>> => {
      const records = Array.from({ length: events }, (_, n) => at(n + 3));
      const unknown = rulesAt(scene.place, last, minute(1), { version: 2, foldVersion: 99 });
      const batch = encodedBatch([...records, end === 'is folded' ? at(last) : unknown]);
      if (batch.bytes === null) throw new Error('the batch has no bytes');
      await scene.worker.consume([batch], last + 1);
      return new WeakRef(batch.bytes.buffer);
    };
    const bytes = await fetched();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(bytes.deref()).toBeUndefined();
    expect(scene.haltCode).toBe(end === 'is folded' ? undefined : 'unknown-rules');
    expect(scene.worker.status().nextOffset).toBe(end === 'is folded' ? last + 1 : last);
  },
);

test('an owner that had lost the partition for a while begins anew where another has stored more', async () => {
  const scene = new Scene();
  await scene.begin();
  const other = scene.owner();
  expect(await other.position()).toBe(0);
  scene.log.high = 4;
  await other.consume([encodedBatch([rulesAt(scene.place, 0), at(1), at(2), at(3)])], 4);
  await other.close();
  expect(await scene.worker.position()).toBe(3);
  expect(scene.worker.status()).toMatchObject({ nextOffset: 4, storedOffset: 4 });
});

test('it is behind for as long as it has not stored what it took', async () => {
  const scene = new Scene();
  expect(scene.worker.status()).toMatchObject({ nextOffset: null, storedOffset: null });
  await scene.begin();
  scene.now += 500;
  await scene.worker.onTimer();
  expect(scene.worker.status()).toMatchObject({ nextOffset: 3, storedOffset: 0, behindFor: 500 });
  scene.now += 500;
  await scene.worker.onTimer();
  await waitFor('the checkpoint', () => Promise.resolve(scene.worker.status().storedOffset === 3));
  expect(scene.worker.status()).toMatchObject({ storedOffset: 3, behindFor: 0 });
  scene.now += 5_000;
  await scene.worker.onTimer();
  expect(scene.worker.status()).toMatchObject({ openHour: '2026-01-10T00:00:00Z', behindFor: 0 });
});
