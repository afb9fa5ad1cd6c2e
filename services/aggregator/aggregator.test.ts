import { pino } from 'pino';
import { waitFor } from '../../test/support/wait-for.ts';
import type { GroupReader } from '../shared/kafka/group-reader.ts';
import type { Source } from '../shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../shared/model/time.ts';
import { Aggregator, type AggregatorPorts } from './aggregator.ts';

const STALL_MILLIS = 30_000;
const SOURCE: Source = {
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 1,
  firstHour: 0 as Hour,
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['microsoft.compute'],
  origin: 'live',
};

let now: number;
let notFetchedFor: number;
let sources: () => Promise<readonly Source[]>;
let aggregator: Aggregator;

const nothing = (): Promise<void> => Promise.resolve();

beforeEach(() => {
  now = 1_000_000;
  notFetchedFor = 0;
  sources = () => Promise.resolve([SOURCE]);
  const logger = pino({ level: 'silent' });
  const reader = {
    start: nothing,
    stop: nothing,
    notFetchedFor: () => notFetchedFor,
  } as unknown as GroupReader;
  aggregator = new Aggregator(
    {
      decoders: new Map(),
      fingerprints: new Map(),
      keyring: [{ id: 'k', secret: Buffer.alloc(16) }],
    },
    {
      sources: () => sources(),
      openReader: () => reader,
      worker: { logger, now: () => now } as unknown as AggregatorPorts['worker'],
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
    expect.stringMatching(/^the register of sources could not be taken up for \d+ s/) as string,
  ]);
  sources = () => Promise.resolve([SOURCE]);
  await waitFor('it can be read again', () => Promise.resolve(problems().length === 0));
});
