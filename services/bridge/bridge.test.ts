import { pino } from 'pino';
import { waitFor } from '../../test/support/wait-for.ts';
import type { GroupReader, PartitionReaders } from '../shared/kafka/group-reader.ts';
import type { RegisteredSource } from '../shared/sources/register.ts';
import { Bridge, type BridgePorts } from './bridge.ts';
import { Gate } from './commerce/gate.ts';
import type { BridgeCheckpoint } from './fold/bridge-fold.ts';
import { SourceRegister } from './source-register.ts';

const STALL_MILLIS = 30_000;
const AT = { topic: 'usage.aggregates.hourly', partition: 3 };

let now: number;
let notFetchedFor: number;
let readCheckpoint: () => Promise<BridgeCheckpoint | null>;
let readSources: () => Promise<readonly RegisteredSource[]>;
let bridge: Bridge;
let readers: PartitionReaders;

const nothing = (): Promise<void> => Promise.resolve();

beforeEach(() => {
  now = 1_000_000;
  notFetchedFor = 0;
  readCheckpoint = () => Promise.resolve(null);
  readSources = () => Promise.resolve([]);
  const reader = {
    start: nothing,
    stop: nothing,
    reposition: nothing,
    report: nothing,
    notFetchedFor: () => notFetchedFor,
  } as unknown as GroupReader;
  const logger = pino({ level: 'silent' });
  const worker = {
    store: {
      checkpoint: () => readCheckpoint(),
      composedBefore: () => Promise.resolve(new Map()),
      unfinished: () => Promise.resolve([]),
      writeCheckpoint: nothing,
    },
    log: { bounds: () => Promise.resolve({ low: 0, high: 0 }) },
    register: new SourceRegister(() => readSources()),
    sender: { gate: new Gate({ maxInFlight: 1, retryMillis: 1_000 }, Date.now) },
    logger,
    now: () => now,
    persist: <T>(_what: string, step: () => Promise<T>) => step(),
    onCrash: (error: Error) => {
      throw error;
    },
  } as unknown as BridgePorts['worker'];
  bridge = new Bridge(
    AT.topic,
    { decode: () => null, keyring: [{ id: 'k', secret: Buffer.alloc(16) }], partitions: 8 },
    {
      openReader: (_topics, its) => {
        readers = its;
        return reader;
      },
      worker,
      logger,
    },
    {
      flushInterval: 1_000,
      retryMillis: 1_000,
      clockSkewMillis: 0,
      sourcesInterval: 5,
      verifyInterval: 60_000,
      stallMillis: STALL_MILLIS,
    },
  );
});

afterEach(() => bridge.stop());

const problems = (): readonly string[] => bridge.health().problems;

test('a bridge that fetches, and has nothing to do, is ready', async () => {
  await bridge.start();
  await readers.assigned([AT]);
  expect(await readers.position(AT)).toBe(0);
  expect(problems()).toEqual([]);
});

test('a bridge that does not fetch is not ready, though nothing has halted', async () => {
  await bridge.start();
  notFetchedFor = STALL_MILLIS;
  expect(problems()).toEqual(['nothing was fetched from Kafka for 30 s']);
});

test('a bridge whose store does not answer is not ready', async () => {
  let answer: (checkpoint: null) => void = () => undefined;
  readCheckpoint = () => new Promise((resolve) => (answer = resolve));
  await bridge.start();
  await readers.assigned([AT]);
  const position = readers.position(AT);
  await waitFor('the step has begun', () => {
    now += STALL_MILLIS;
    return Promise.resolve(problems().length > 0);
  });
  expect(problems()).toEqual([
    expect.stringMatching(/^partition 3 has not finished one step for \d+ s/) as string,
  ]);
  answer(null);
  expect(await position).toBe(0);
  expect(problems()).toEqual([]);
});

test('a bridge that cannot read the register of sources is not ready', async () => {
  readSources = () => Promise.reject(new Error('ClickHouse is away'));
  await bridge.start();
  await waitFor('a look has failed', () => {
    now += STALL_MILLIS;
    return Promise.resolve(problems().length > 0);
  });
  expect(problems()).toEqual([
    expect.stringMatching(/^the register of sources could not be applied for \d+ s/) as string,
  ]);
  readSources = () => Promise.resolve([]);
  await waitFor('it can be read again', () => Promise.resolve(problems().length === 0));
});
