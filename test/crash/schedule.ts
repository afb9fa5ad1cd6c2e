import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { messageOf } from '../../services/shared/process/errors.ts';
import {
  aggregatesTopicName,
  deadLetterTopicName,
} from '../../services/shared/kafka/topic-names.ts';
import { persist } from '../../services/shared/process/retry.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { millis, type Hour } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { seededRandom, type Random } from '../support/workload/random.ts';
import { audit } from './audit.ts';
import { Feed, type Persist } from './feed.ts';
import { Fleet } from './fleet.ts';
import { wrongHalts } from './halts.ts';
import { SESSION_MILLIS, USUAL_HOURS, type Kind } from './kinds.ts';
import { Scene } from './scene.ts';
import type { Servers } from './servers.ts';
import { verify } from './verify.ts';

export interface ScheduleResult {
  readonly kind: string;
  readonly seed: number;
  readonly seconds: number;
  readonly injected: number;
  readonly records: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  /** How the outcome differs from what it must be, or why there is none. */
  readonly differences: readonly string[];
}

const PROVIDERS: readonly Provider[] = [
  { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 },
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
  { name: 'network', namespaces: ['microsoft.network'], partitions: 1 },
];
const HISTORY_HOURS = 8;
const HISTORY_RECORDS = 600;
const AFTER_END_RECORDS = 5;
const LIVE_RECORDS = 20_000;
const STEP_RECORDS = 120;
/** So many milliseconds of the feed at least, and after the last failure. */
const FEED_MILLIS = 4_000;
const FEED_AFTER_MILLIS = 600;
const LIMIT_MILLIS = 180_000;

/** Plays one schedule on the running servers; topics and a database are its own. */
export const runSchedule = async (
  kind: Kind,
  seed: number,
  servers: Servers,
  logDirectory: string,
): Promise<ScheduleResult> => {
  const began = performance.now();
  const over = new AbortController();
  const logger = pino({ level: 'silent' });
  const stubborn: Persist = (what, step) => persist(logger)(what, step, over.signal);
  const random = seededRandom(seed);
  const hourMillis = 1_000 * random.pick(kind.hours ?? USUAL_HOURS);
  const pipeline = await Pipeline.open(hourMillis, PROVIDERS);
  const fleet = new Fleet({ ...pipeline.environment, ...settings(random), LOG_LEVEL: 'debug' });
  const live = liveEmissions(await pipeline.sources(), seed);
  const feed = new Feed(pipeline, live, stubborn);
  const scene = new Scene({ random, pipeline, fleet, servers, feed, persist: stubborn });
  let outcome = { records: 0, duplicates: 0, deadLetters: 0, differences: [] as readonly string[] };
  try {
    const limit = AbortSignal.timeout(LIMIT_MILLIS);
    const late = new Promise<never>((_, reject) =>
      limit.addEventListener('abort', () => reject(new Error('it did not end in time'))),
    );
    outcome = await Promise.race([play(kind, scene, hourMillis, seed), late]);
  } catch (error) {
    outcome = { ...outcome, differences: [`could not be played to its end: ${messageOf(error)}`] };
  }
  over.abort();
  await fleet.killForGood();
  await servers.restore();
  const isExact = outcome.differences.length === 0;
  if (isExact) await removeTraces(pipeline);
  else
    await keepLogs(fleet, join(logDirectory, `${kind.name}-${String(seed)}`), outcome.differences);
  await pipeline.close();
  const seconds = (performance.now() - began) / 1_000;
  return { kind: kind.name, seed, seconds, injected: scene.injected, ...outcome };
};

const settings = (random: Random): Readonly<Record<string, string>> => ({
  AGGREGATOR_SESSION_MILLIS: String(SESSION_MILLIS),
  AGGREGATOR_FLUSH_MILLIS: String(random.pick([150, 300, 600])),
  AGGREGATOR_FLUSH_EVENTS: String(random.pick([100, 400, 20_000])),
});

const liveEmissions = (sources: readonly RegisteredSource[], seed: number) => {
  const now = millis(Date.now());
  return generateWorkload({
    seed,
    events: LIVE_RECORDS,
    tenants: 6,
    resourcesPerTenant: 6,
    topics: sources,
    reportedFrom: now,
    reportedTo: now,
  });
};

const play = async (kind: Kind, scene: Scene, hourMillis: number, seed: number) => {
  const { feed, fleet, servers } = scene;
  const began = performance.now();
  let played = Infinity;
  const isOver = (): boolean => {
    const now = performance.now();
    return now - began > FEED_MILLIS && now - played > FEED_AFTER_MILLIS;
  };
  const playing = kind.play(scene).finally(() => {
    played = performance.now();
  });
  await Promise.all([playing, feed.run(STEP_RECORDS, isOver), writeRun(scene, hourMillis, seed)]);
  await servers.restore();
  await scene.settled();
  const halts = await wrongHalts(scene);
  await fleet.leave();
  const verdict = await verify(scene);
  // Of a topic that was re-created, and of records that are gone, an audit can only say so.
  const audited = scene.casualties.size > 0 ? [] : await audit(scene.pipeline);
  const ended = fleet.members.flatMap(({ name, ends }) =>
    ends.includes('by-itself') ? [`${name} ended by itself`] : [],
  );
  return { ...verdict, differences: [...verdict.differences, ...halts, ...ended, ...audited] };
};

/** A history run that is written, and sealed, while the schedule runs. */
const writeRun = async (scene: Scene, hourMillis: number, seed: number): Promise<void> => {
  const { pipeline, persist: stubborn } = scene;
  const { tools } = pipeline;
  const firstLive = Math.min(...(await scene.sources()).map(({ firstHour }) => firstHour));
  const run = {
    origin: `crash-test-${String(seed)}`,
    firstHour: (firstLive - HISTORY_HOURS * hourMillis) as Hour,
    lastHour: (firstLive - hourMillis) as Hour,
    hourMillis,
    partitions: 2,
    billable: false,
  };
  const begun = await stubborn('begin the history run', () =>
    beginHistory(tools, run, pipeline.stack.config.USAGE_TOPIC_PREFIX),
  );
  const { source } = begun;
  const emissions = generateWorkload({
    seed: seed + 1_000_000,
    events: HISTORY_RECORDS + AFTER_END_RECORDS,
    tenants: 4,
    resourcesPerTenant: 4,
    topics: [source],
    reportedFrom: run.firstHour,
    reportedTo: millis(firstLive),
  });
  const history = new Feed(pipeline, emissions, stubborn);
  let left = HISTORY_RECORDS / STEP_RECORDS;
  await history.run(STEP_RECORDS, () => --left <= 0);
  await stubborn('seal the history run', () => writeHistory(tools, source, []));
  await history.send(AFTER_END_RECORDS);
};

/** So that the broker stays small over hundreds of schedules; the stack drops its database when it is closed. */
const removeTraces = async (pipeline: Pipeline): Promise<void> => {
  const { config } = pipeline.stack;
  const prefix = config.USAGE_TOPIC_PREFIX;
  const sources = await pipeline.sources();
  await pipeline.admin.deleteTopics({
    topics: [
      ...sources.map(({ topic }) => topic),
      aggregatesTopicName(prefix),
      deadLetterTopicName(prefix),
    ],
  });
};

const keepLogs = async (
  fleet: Fleet,
  directory: string,
  differences: readonly string[],
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'differences.txt'), differences.join('\n'));
  for (const { name, output } of fleet.members) {
    await writeFile(join(directory, `${name}.log`), output);
  }
};
