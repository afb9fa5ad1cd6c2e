import { pino } from 'pino';
import {
  eventOf,
  knowledge,
  placeOf,
  recordOf,
  rulesAt,
} from '../../test/support/fold/fixtures.ts';
import { encodedBatch } from '../../test/support/kafka/record-batch.ts';
import { StoredWorld } from '../../test/support/fold/stored-world.ts';
import { WorldPorts } from '../../test/support/fold/world-ports.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { GroupReader, PartitionReaders } from '../shared/kafka/group-reader.ts';
import type { Source } from '../shared/model/source.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import { Aggregator } from './aggregator.ts';

const STALL_MILLIS = 30_000;
const PLACE = placeOf();
const SOURCE = PLACE.source;

let now: number;
let notFetchedFor: number;
let sources: () => Promise<readonly Source[]>;
let repositioned: number;
let world: StoredWorld;
let aggregator: Aggregator;
let readers: PartitionReaders;
let open: (readKnowledge: () => Knowledge) => Aggregator;

const nothing = (): Promise<void> => Promise.resolve();

beforeEach(() => {
  now = 1_000_000;
  notFetchedFor = 0;
  sources = () => Promise.resolve([SOURCE]);
  repositioned = 0;
  world = new StoredWorld(PLACE);
  const { store, outbox } = new WorldPorts(world);
  const logger = pino({ level: 'silent' });
  const reader = {
    start: nothing,
    stop: nothing,
    notFetchedFor: () => notFetchedFor,
    reposition: () => {
      repositioned++;
      return Promise.resolve();
    },
    report: nothing,
  } as unknown as GroupReader;
  open = (readKnowledge) =>
    new Aggregator(
      {
        readKnowledge,
        sources: () => sources(),
        openReader: (_topics, its) => {
          readers = its;
          return reader;
        },
        worker: {
          store,
          outbox,
          log: { bounds: () => Promise.resolve({ low: 0, high: 2 }) },
          logger,
          now: () => now,
          persist: (_what, step) => step(),
        },
        logger,
        onCrash: (error) => {
          throw error;
        },
      },
      {
        flushInterval: 1_000,
        flushEvents: 1_000,
        indexMaxBytes: 1e6,
        windowsMaxBytes: 1e6,
        sourcesInterval: 5,
        verifyInterval: 60_000,
        stallMillis: STALL_MILLIS,
      },
    );
  aggregator = open(() => knowledge);
});

afterEach(() => aggregator.stop());

const problems = (): readonly string[] => aggregator.health().problems;

test('an aggregator that fetches and knows its sources is ready', async () => {
  await aggregator.start();
  expect(problems()).toEqual([]);
});

test('an aggregator that does not fetch is not ready', async () => {
  expect(problems()).toEqual([expect.stringContaining('it reads nothing yet') as string]);
  await aggregator.start();
  notFetchedFor = STALL_MILLIS + 1_000;
  expect(problems()).toEqual(['nothing was fetched from Kafka for 31 s']);
});

test('an aggregator that cannot read the register of sources is not ready, though it fetches', async () => {
  await aggregator.start();
  sources = () => Promise.reject(new Error('ClickHouse is away'));
  await waitFor('a look has failed', () => {
    now += STALL_MILLIS;
    return Promise.resolve(problems().length > 0);
  });
  expect(problems()).toEqual([
    expect.stringMatching(/^the register of sources could not be applied for \d+ s/) as string,
  ]);
  sources = () => Promise.resolve([SOURCE]);
  await waitFor('it can be read again', () => Promise.resolve(problems().length === 0));
});

test('a schema that is published while the aggregator runs is taken up without a restart', async () => {
  const [schema] = [...knowledge.fingerprints.keys()];
  const without = new Map([...knowledge.fingerprints].filter(([id]) => id !== schema));
  let published: () => Knowledge = () => ({ ...knowledge, fingerprints: without });
  await aggregator.stop();
  aggregator = open(() => published());
  await aggregator.start();
  await readers.assigned([PLACE]);
  expect(await readers.position(PLACE)).toBe(0);
  const batches = [encodedBatch([rulesAt(PLACE, 0), recordOf(eventOf(), 1)])];
  expect(await readers.consume(PLACE, batches, 2, false)).toBe(false);
  expect(problems()).toEqual([expect.stringContaining('has halted, unknown-rules') as string]);
  published = () => knowledge;
  await waitFor('it reads on', () => Promise.resolve(repositioned > 0));
  expect(problems()).toEqual([]);
  expect(await readers.position(PLACE)).toBe(0);
  expect(await readers.consume(PLACE, batches, 2, false)).toBe(true);
  await aggregator.stop();
  expect(world.ledger.size).toBe(1);
});
