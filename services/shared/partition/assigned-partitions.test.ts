import { pino } from 'pino';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { GroupReader, PartitionReaders } from '../kafka/group-reader.ts';
import { AssignedPartitions, type PartitionOwner } from './assigned-partitions.ts';

const HALT = { code: 'another-log', message: 'another log stands in its place' };
const TOPIC = 't';

/** A worker of which each timer and close hangs where the test says so. */
class Worker implements PartitionOwner {
  readonly at: { readonly topic: string; readonly partition: number };
  readonly name: string;
  halt: typeof HALT | null = null;
  isHanging = false;
  isDropped = false;
  isClosed = false;
  timers = 0;

  constructor(partition: number) {
    this.at = { topic: TOPIC, partition };
    this.name = `partition ${String(partition)}`;
  }

  status = () => ({ halt: this.halt });
  problems = () => [];
  position = () => Promise.resolve(this.at.partition);
  consume = () => Promise.resolve(true);
  unreadable = () => Promise.resolve();

  onTimer = async (): Promise<void> => {
    this.timers++;
    await this.hang();
  };

  close = async (): Promise<void> => {
    await this.hang();
    this.isClosed = true;
  };

  drop = (): void => {
    this.isDropped = true;
  };

  private hang(): Promise<void> {
    return this.isHanging ? new Promise(() => undefined) : Promise.resolve();
  }
}

let made: Worker[];
let logOf: string;
let opened: (readonly string[])[];
let readers: PartitionReaders;
let repositioned: number[];
let partitions: AssignedPartitions<Worker>;

const at = (partition: number): { topic: string; partition: number } => ({
  topic: TOPIC,
  partition,
});

beforeEach(async () => {
  made = [];
  opened = [];
  repositioned = [];
  logOf = 'first log';
  const reader = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    notFetchedFor: () => 0,
    reposition: ({ partition }: { partition: number }) => {
      repositioned.push(partition);
      return Promise.resolve();
    },
  } as unknown as GroupReader;
  partitions = new AssignedPartitions<Worker>(
    {
      openReader: (topics, its) => {
        opened.push(topics);
        readers = its;
        return reader;
      },
      applySources: () => Promise.resolve(),
      keyOf: ({ partition }) => (partition === 9 ? null : `${logOf} ${String(partition)}`),
      newWorker: ({ partition }) => {
        const worker = new Worker(partition);
        made.push(worker);
        return worker;
      },
      logger: pino({ level: 'silent' }),
      now: Date.now,
      onCrash: (error) => {
        throw error;
      },
    },
    { sourcesInterval: 60_000, verifyInterval: 60_000, stallMillis: 60_000, closeMillis: 50 },
  );
  await partitions.join([TOPIC]);
});

afterEach(() => partitions.stop());

test('a worker goes on across assignments, as long as its log is the same', async () => {
  await readers.assigned([at(0), at(1)]);
  await readers.assigned([at(1), at(2)]);
  expect(made.map(({ at: { partition }, isDropped }) => [partition, isDropped])).toEqual([
    [0, true],
    [1, false],
    [2, false],
  ]);
  logOf = 'another log';
  await readers.assigned([at(1)]);
  expect(made.map(({ isDropped }) => isDropped)).toEqual([true, true, true, false]);
});

test('a partition that the register does not name is not read', async () => {
  await readers.assigned([at(9)]);
  expect([await readers.position(at(9)), await readers.consume(at(9), [], 0, false), made]).toEqual(
    [null, false, []],
  );
});

test('a worker that hangs holds up no other one, and is not called again', async () => {
  await readers.assigned([at(0), at(1)]);
  const [hanging, other] = made as [Worker, Worker];
  hanging.isHanging = true;
  partitions.start();
  await waitFor('two timers of the other worker', () => Promise.resolve(other.timers > 1));
  expect(hanging.timers).toBe(1);
});

test('a halted partition is a problem, and the others are read', async () => {
  await readers.assigned([at(0), at(1)]);
  const [halted] = made as [Worker, Worker];
  halted.halt = HALT;
  expect(partitions.health().problems).toEqual([
    'partition 0 has halted, another-log: another log stands in its place',
  ]);
  expect(await readers.consume(at(1), [], 0, false)).toBe(true);
});

test('after a stall every log is checked', async () => {
  await readers.assigned([at(0), at(1)]);
  readers.stalled();
  expect(repositioned).toEqual([0, 1]);
});

test('a stop stores what it can, and drops what cannot be stored in time', async () => {
  await readers.assigned([at(0), at(1)]);
  const [hanging, other] = made as [Worker, Worker];
  hanging.isHanging = true;
  await partitions.stop();
  expect([hanging.isClosed, hanging.isDropped, other.isClosed]).toEqual([false, true, true]);
});

test('a group is not joined any more once the process stops', async () => {
  await partitions.stop();
  await partitions.join([TOPIC]);
  expect(opened).toEqual([[TOPIC]]);
});
