import { jest } from '@jest/globals';
import type { Batch, Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { millis } from '../model/time.ts';
import { batchOfRecords, recordsOf, type RecordBatch } from '../model/record-batch.ts';
import type { UnreadableBatch } from './fetch/unreadable-batch.ts';
import type { UnreadableAt } from './fetched-batch.ts';
import { Patience } from './fetch/patience.ts';
import { GroupReader, type PartitionReaders } from './group-reader.ts';

const EMPTY = { timestamp: millis(0), key: null, value: null, headers: {} };
const AT = { topic: 'usage.events.compute', partition: 0 };

type EachBatch = (payload: EachBatchPayload) => Promise<void>;

/** As kafkajs's consumer, as far as it goes: it refuses to pause and to seek while it is in no group. */
class FakeConsumer {
  readonly events = {
    GROUP_JOIN: 'join',
    STOP: 'stop',
    CRASH: 'crash',
    FETCH: 'fetch',
    FETCH_START: 'fetch-start',
  };
  readonly sought: string[] = [];
  readonly resolved: string[] = [];
  isPaused = false;
  private eachBatch: EachBatch = () => Promise.resolve();
  private readonly listeners = new Map<string, (event: unknown) => void>();
  private inGroup = false;

  on(event: string, listener: (event: unknown) => void): void {
    this.listeners.set(event, listener);
  }

  emit(event: string, payload: object): void {
    this.listeners.get(event)?.({ payload });
  }

  readonly connect = (): Promise<void> => Promise.resolve();
  readonly subscribe = this.connect;

  run({ eachBatch }: { eachBatch: EachBatch }): Promise<void> {
    this.eachBatch = eachBatch;
    return Promise.resolve();
  }

  pause(): void {
    if (!this.inGroup) throw new Error('Consumer group was not initialized');
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  seek({ offset }: { offset: string }): void {
    if (!this.inGroup) throw new Error('Consumer group was not initialized');
    this.sought.push(offset);
  }

  join(): void {
    this.inGroup = true;
    this.emit('join', { memberAssignment: { [AT.topic]: [AT.partition] } });
  }

  /** What it does where it has lost its brokers for too long, before it joins anew. */
  leave(): void {
    this.inGroup = false;
    this.emit('stop', {});
  }

  /**
   * Gives records that were fetched from an offset, in a batch up to `last`; what is unreadable stands
   * behind it.
   */
  async give(
    fetchedOffset: number,
    offsets: readonly number[],
    {
      last = offsets.at(-1),
      unreadable,
      end = Infinity,
      highWatermark = 0,
    }: {
      last?: number;
      unreadable?: UnreadableBatch;
      end?: number;
      highWatermark?: number;
    } = {},
  ): Promise<void> {
    const records = offsets.map((offset) => ({ ...EMPTY, offset }));
    const raw: { offset: string }[] = [];
    if (last !== undefined) {
      const firstOffset = offsets[0] ?? fetchedOffset;
      const batch: RecordBatch = { ...batchOfRecords(records), firstOffset, lastOffset: last };
      raw.push({ offset: String(last), batch } as { offset: string });
    }
    if (unreadable) raw.push({ offset: '9999', unreadable, end } as { offset: string });
    const batch = {
      ...AT,
      messages: raw,
      rawMessages: raw,
      fetchedOffset: String(fetchedOffset),
      highWatermark: String(highWatermark),
    } as unknown as Batch;
    await this.eachBatch({
      batch,
      resolveOffset: (offset: string) => this.resolved.push(offset),
    } as unknown as EachBatchPayload);
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reader that keeps what it is given. */
class Keeper implements PartitionReaders {
  readonly taken: (readonly [offsets: readonly number[], next: number])[] = [];
  /** Of each of them, whether the log went on. */
  readonly behind: boolean[] = [];
  readonly troubles: UnreadableAt[] = [];
  stalls = 0;
  at: number | null = 7;
  goOn = true;
  /** Called before records are taken. */
  hold: () => Promise<void> = () => Promise.resolve();

  readonly assigned = (): Promise<void> => Promise.resolve();

  position(): Promise<number | null> {
    return Promise.resolve(this.at);
  }

  async consume(
    _: unknown,
    batches: readonly RecordBatch[],
    next: number,
    isBehind: boolean,
  ): Promise<boolean> {
    await this.hold();
    this.behind.push(isBehind);
    this.taken.push([recordsOf(batches).map(({ offset }) => offset), next]);
    this.at = next;
    return this.goOn;
  }

  unreadable(_: unknown, batch: UnreadableAt): Promise<void> {
    this.troubles.push(batch);
    return Promise.resolve();
  }

  stalled(): void {
    this.stalls++;
  }
}

let consumer: FakeConsumer;
let keeper: Keeper;
let reader: GroupReader;
let crashes: Error[];
let settings: ConsumerConfig;

const open = (sessionTimeout: number) => {
  const kafka = {
    consumer: (config: ConsumerConfig) => {
      settings = config;
      return consumer as unknown as Consumer;
    },
  } as unknown as Kafka;
  return new GroupReader(kafka, keeper, {
    groupId: 'test',
    topics: [AT.topic],
    sessionTimeout,
    onCrash: (error) => crashes.push(error),
  });
};

beforeEach(async () => {
  consumer = new FakeConsumer();
  keeper = new Keeper();
  crashes = [];
  reader = open(2_000);
  await reader.start();
  consumer.join();
  await settled();
});

afterEach(() => expect(crashes).toEqual([]));

test.each([
  [10_000, 800],
  [1_000, 200],
])('with a session of %d ms, a fetch waits for %d ms at most', (sessionTimeout, longest) => {
  open(sessionTimeout);
  let now = 0;
  const patience = new Patience(() => now);
  now = 1_000_000; // nothing is behind
  expect(patience.waitOf(settings.maxWaitTimeInMs ?? NaN)).toBe(longest);
});

test('both-away-long: a partition is not sought while kafkajs has left its group, and is when it has joined again', async () => {
  expect(consumer.sought).toEqual(['7']);
  consumer.leave();
  await reader.reposition(AT);
  expect(consumer.sought).toEqual(['7']);
  consumer.join();
  await settled();
  expect(consumer.sought).toEqual(['7', '7']);
});

test('a partition is paused from the moment it is assigned until it has been sought', async () => {
  consumer.leave();
  consumer.resume();
  consumer.join();
  expect(consumer.isPaused).toBe(true);
  await settled();
  expect(consumer.isPaused).toBe(false);
});

test('what follows is taken, and kafkajs goes on behind it', async () => {
  await consumer.give(7, [7, 8]);
  await consumer.give(9, [9]);
  expect(keeper.taken).toEqual([
    [[7, 8], 9],
    [[9], 10],
  ]);
  expect(consumer.resolved).toEqual(['8', '9']);
  expect(consumer.sought).toEqual(['7']);
});

test('it is said whether the log went on behind what was read', async () => {
  await consumer.give(7, [7, 8], { highWatermark: 10 });
  await consumer.give(9, [9], { highWatermark: 10 });
  expect(keeper.behind).toEqual([true, false]);
});

test.each([
  ['from the position of the group', 0],
  ['from further on', 20],
])(
  'position-check-dropped: a batch that was fetched %s is not taken, and its partition sought again',
  async (_, from) => {
    await consumer.give(from, [from, from + 1]);
    expect(keeper.taken).toEqual([]);
    expect(consumer.resolved).toEqual([]);
    expect(consumer.sought).toEqual(['7', '7']);
  },
);

test('a batch that was fetched before a seek counts for nothing after it', async () => {
  keeper.at = 3;
  await reader.reposition(AT);
  await consumer.give(7, [7, 8]);
  expect(keeper.taken).toEqual([]);
  await consumer.give(3, [3]);
  expect(keeper.taken).toEqual([[[3], 4]]);
});

test('a batch is taken once, however often it comes', async () => {
  await consumer.give(7, [7, 8]);
  await consumer.give(7, [7, 8]);
  expect(keeper.taken).toHaveLength(1);
  expect(consumer.sought).toEqual(['7', '9']);
});

test('no batch is taken of a partition without a position, nor of one that is not wanted any more', async () => {
  keeper.at = null;
  await reader.reposition(AT);
  await consumer.give(7, [7]);
  expect(keeper.taken).toEqual([]);
  keeper.at = 7;
  keeper.goOn = false;
  await reader.reposition(AT);
  await consumer.give(7, [7]);
  expect(consumer.isPaused).toBe(true);
  await consumer.give(8, [8]);
  expect(keeper.taken).toEqual([[[7], 8]]);
  expect(consumer.resolved).toEqual(['7']);
});

test('what was begun before a partition was sought elsewhere does not move it', async () => {
  let release = (): void => undefined;
  keeper.hold = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const giving = consumer.give(7, [7, 8]);
  keeper.at = 3;
  await reader.reposition(AT);
  release();
  await giving;
  expect(consumer.resolved).toEqual([]);
  expect(consumer.sought).toEqual(['7', '3']);
});

test('a batch that comes again while it is being taken is not taken twice', async () => {
  const releases: (() => void)[] = [];
  keeper.hold = () =>
    new Promise((resolve) => {
      releases.push(resolve);
    });
  await consumer.give(7, [7, 8]);
  const again = consumer.give(7, [7, 8]);
  for (const release of releases) release();
  await again;
  expect(keeper.taken).toEqual([[[7, 8], 9]]);
});

test('while a batch is being taken the next one is fetched, and waits', async () => {
  let release = (): void => undefined;
  keeper.hold = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  await consumer.give(7, [7, 8]);
  expect(consumer.resolved).toEqual(['8']);
  const waiting = consumer.give(9, [9]);
  await settled();
  expect(keeper.taken).toEqual([]);
  expect(consumer.resolved).toEqual(['8']);
  release();
  await waiting;
  release();
  await settled();
  expect(keeper.taken).toEqual([
    [[7, 8], 9],
    [[9], 10],
  ]);
  expect(consumer.resolved).toEqual(['8', '9']);
  expect(consumer.sought).toEqual(['7']);
});

test('a batch that waits behind one after which no more is wanted is not taken', async () => {
  let release = (): void => undefined;
  keeper.hold = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  keeper.goOn = false;
  await consumer.give(7, [7, 8]);
  const waiting = consumer.give(9, [9]);
  release();
  await waiting;
  expect(keeper.taken).toEqual([[[7, 8], 9]]);
  expect(consumer.isPaused).toBe(true);
});

test('of two positions that are asked for, the one that was asked for last counts', async () => {
  const answers: ((position: number) => void)[] = [];
  jest.spyOn(keeper, 'position').mockImplementation(
    () =>
      new Promise((resolve) => {
        answers.push(resolve);
      }),
  );
  const asked = [reader.reposition(AT), reader.reposition(AT)];
  answers[1]?.(3);
  answers[0]?.(5);
  await Promise.all(asked);
  expect(consumer.sought).toEqual(['7', '3']);
});

test('a partition whose reader takes long is paused meanwhile, and sought to where it has come', async () => {
  let release = (): void => undefined;
  keeper.hold = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  await consumer.give(7, [7, 8]);
  await consumer.give(9, [9]);
  expect(consumer.isPaused).toBe(true);
  expect(consumer.sought).toEqual(['7']);
  release();
  await settled();
  expect(consumer.sought).toEqual(['7', '9']);
  expect(consumer.isPaused).toBe(false);
  expect(consumer.resolved).toEqual(['8']);
  expect(keeper.taken).toEqual([[[7, 8], 9]]);
});

test('markers of transactions are passed, and those of before a seek are not', async () => {
  await consumer.give(3, [], { last: 5 });
  expect(keeper.taken).toEqual([]);
  await consumer.give(7, [], { last: 9 });
  expect(keeper.taken).toEqual([[[], 10]]);
  expect(consumer.resolved).toEqual(['9']);
  await consumer.give(10, [10], { last: 11 });
  expect(keeper.taken).toEqual([
    [[], 10],
    [[10], 12],
  ]);
  expect(consumer.resolved).toEqual(['9', '11']);
});

test('one-lz4-batch-stops-all: what stands before an unreadable batch is taken, then it alone is told', async () => {
  const unreadable = { kind: 'codec', problem: 'codec 6', from: 9, next: 12 } as const;
  await consumer.give(7, [7, 8], { unreadable });
  expect(keeper.taken).toEqual([[[7, 8], 9]]);
  expect(keeper.troubles).toEqual([unreadable]);
  expect(consumer.isPaused).toBe(true);
  await consumer.give(9, [9]);
  expect(keeper.taken).toHaveLength(1);
  await reader.reposition(AT); // it is tried again
  expect(consumer.sought).toEqual(['7', '9']);
  await consumer.give(9, [9]);
  expect(keeper.taken).toHaveLength(2);
});

test('an unreadable batch that does not say where it begins stands where reading has come', async () => {
  const nowhere = { kind: 'damaged', problem: 'zeros', from: null, next: null } as const;
  await consumer.give(7, [], { unreadable: nowhere });
  expect(keeper.troubles).toEqual([{ ...nowhere, from: 7 }]);
  await reader.reposition(AT);
  await consumer.give(7, [7, 8], { unreadable: nowhere });
  expect(keeper.taken).toEqual([[[7, 8], 9]]);
  expect(keeper.troubles[1]).toEqual({ ...nowhere, from: 9 });
});

test('an unreadable batch that was entered in its middle does not take back what is counted', async () => {
  const unreadable = { kind: 'damaged', problem: 'bits', from: 2, next: 12 } as const;
  await consumer.give(7, [], { unreadable });
  expect(keeper.troubles).toEqual([{ ...unreadable, from: 7 }]);
  expect(keeper.taken).toEqual([]);
});

test('offsets that a log does not hold are told, not passed over', async () => {
  await consumer.give(7, [30, 31]);
  expect(keeper.taken).toEqual([]);
  expect(keeper.troubles).toMatchObject([{ kind: 'missing', from: 7, next: 30 }]);
  await reader.reposition(AT);
  await consumer.give(7, [5, 6, 7]); // a fetch may begin in the middle of a batch
  expect(keeper.taken).toEqual([[[7], 8]]);
});

test('a log of which the broker gives nothing, though it goes on, is told; its end is not', async () => {
  const withheld = { kind: 'withheld', problem: 'nothing', from: null, next: null } as const;
  const nothing = (end: number): Promise<void> =>
    consumer.give(7, [], { unreadable: withheld, end });
  for (let n = 0; n < 9; n++) await nothing(7);
  await nothing(8); // one may be asked before it has room
  await nothing(8);
  expect(keeper.troubles).toEqual([]);
  await consumer.give(7, [7]);
  expect(keeper.taken).toEqual([[[7], 8]]);
  for (let n = 0; n < 3; n++) {
    expect(keeper.troubles).toEqual([]);
    await consumer.give(8, [], { unreadable: withheld, end: 9 });
  }
  expect(keeper.troubles).toEqual([{ ...withheld, from: 8 }]);
  expect(consumer.isPaused).toBe(true);
});

test('a fetch that was begun again without having been completed has failed', () => {
  consumer.emit('fetch-start', { nodeId: 1 });
  consumer.emit('fetch', { nodeId: 1 });
  consumer.emit('fetch-start', { nodeId: 1 });
  consumer.emit('fetch-start', { nodeId: 2 });
  expect(keeper.stalls).toBe(0);
  consumer.emit('fetch-start', { nodeId: 1 });
  expect(keeper.stalls).toBe(1);
});

test('a reader that fails ends the process', async () => {
  keeper.hold = () => Promise.reject(new Error('no disk'));
  await consumer.give(7, [7]);
  expect(crashes.map(({ message }) => message)).toEqual(['no disk']);
  crashes = [];
});

test('a session that the broker does not allow is said with the settings that make it', () => {
  const refused = Object.assign(new Error('no'), { type: 'INVALID_SESSION_TIMEOUT' });
  consumer.emit('crash', { error: refused, restart: true });
  expect(crashes).toEqual([]);
  consumer.emit('crash', { error: refused, restart: false });
  expect(crashes[0]?.message).toContain('AGGREGATOR_SESSION_MILLIS');
  crashes = [];
});
