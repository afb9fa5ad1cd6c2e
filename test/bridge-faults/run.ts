import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { delay } from '../../services/development/local/child-process.ts';
import { freePort } from '../../services/development/local/port.ts';
import {
  readBillingCounts,
  type BillingCounts,
} from '../../services/shared/billing/billing-counts.ts';
import { readTerms } from '../../services/shared/billing/terms-table.ts';
import { readBillingSides } from '../../services/shared/billing/billing-sides.ts';
import { reconcile } from '../../services/shared/billing/reconcile.ts';
import { millis } from '../../services/shared/model/time.ts';
import { messageOf } from '../../services/shared/process/errors.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { persist } from '../../services/shared/process/retry.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import { Feed, type Persist } from '../crash/feed.ts';
import { Fleet, type Member } from '../crash/fleet.ts';
import type { Servers } from '../crash/servers.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { seededRandom, type Random } from '../support/workload/random.ts';

export interface RunResult {
  readonly seed: number;
  readonly seconds: number;
  /** SIGKILLs, SIGSTOPs and restarts of the broker. */
  readonly injected: number;
  /** Faults of Commerce's answers, as far as its mixes got. */
  readonly requests: number;
  readonly counts: BillingCounts | null;
  /** How the outcome differs from what it must be, or why there is none. */
  readonly differences: readonly string[];
}

const PROVIDERS: readonly Provider[] = [
  { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 },
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
];
const SESSION_MILLIS = 1_500;
const FEED_MILLIS = 7_000;
const STEP_RECORDS = 40;
const LIMIT_MILLIS = 180_000;
/** Clocks of Commerce differ by up to this from the right time, either way. */
const MAX_SKEW_MILLIS = 1_200;

/** Whether a run restarts the broker, which other runs must not be using then. */
export const isAlone = (seed: number): boolean => seed % 4 === 0;

interface Cast {
  readonly random: Random;
  readonly pipeline: Pipeline;
  readonly servers: Servers;
  readonly feed: Feed;
  readonly aggregators: Fleet;
  readonly bridges: Fleet;
  readonly commerces: Fleet;
  readonly commerce: Member;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stubborn: Persist;
  readonly seed: number;
  injected: number;
  requests: number;
}

/** Plays one run on the running servers; topics, database and Commerce store are its own. */
export const play = async (
  seed: number,
  servers: Servers,
  directory: string,
): Promise<RunResult> => {
  const began = performance.now();
  const over = new AbortController();
  const cast = await assemble(seed, servers, directory, over.signal);
  let outcome: Pick<RunResult, 'counts' | 'differences'> = { counts: null, differences: [] };
  try {
    const limit = AbortSignal.timeout(LIMIT_MILLIS);
    const late = new Promise<never>((_, reject) =>
      limit.addEventListener('abort', () => reject(new Error('it did not end in time'))),
    );
    outcome = await Promise.race([perform(cast), late]);
  } catch (error) {
    outcome = { counts: null, differences: [`could not be played: ${messageOf(error)}`] };
  }
  over.abort();
  const fleets = [cast.aggregators, cast.bridges, cast.commerces];
  await Promise.all(fleets.map((fleet) => fleet.killForGood()));
  await servers.restore();
  if (outcome.differences.length > 0) {
    await keepLogs(fleets, join(directory, `run-${String(seed)}`), outcome.differences);
  } else await rm(join(directory, `commerce-${String(seed)}`), { recursive: true, force: true });
  await cast.pipeline.close();
  const seconds = (performance.now() - began) / 1_000;
  return { seed, seconds, injected: cast.injected, requests: cast.requests, ...outcome };
};

const assemble = async (
  seed: number,
  servers: Servers,
  directory: string,
  signal: AbortSignal,
): Promise<Cast> => {
  const random = seededRandom(seed);
  const stubborn: Persist = (what, step) => persist(pino({ level: 'silent' }))(what, step, signal);
  const pipeline = await Pipeline.open(1_000 * random.pick([2, 3]), PROVIDERS);
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const environment = {
    ...pipeline.environment,
    COMMERCE_URL: url,
    COMMERCE_REGISTRATION_FILE: inRepository('samples/registration.json'),
    AGGREGATOR_SESSION_MILLIS: String(SESSION_MILLIS),
    BRIDGE_SESSION_MILLIS: String(SESSION_MILLIS),
    BRIDGE_FLUSH_MILLIS: String(random.pick([50, 300])),
    BRIDGE_SOURCES_MILLIS: '500',
    BRIDGE_RETRY_MILLIS: String(random.pick([200, 1_000])),
    BRIDGE_REQUEST_MILLIS: '1000',
    BRIDGE_CLOCK_SKEW_MILLIS: String(2 * MAX_SKEW_MILLIS),
    LOG_LEVEL: 'debug',
  };
  const commerces = new Fleet(
    {
      ...environment,
      COMMERCE_PORT: String(port),
      COMMERCE_DATA_DIR: join(directory, `commerce-${String(seed)}`),
      COMMERCE_FAULTS: 'on',
      COMMERCE_MAX_AGE_HOURS: String(random.pick([6, 12, 24])),
    },
    'commerce',
  );
  const now = millis(Date.now());
  const emissions = generateWorkload({
    seed,
    events: 20_000,
    tenants: 4,
    resourcesPerTenant: 5,
    topics: await pipeline.sources(),
    reportedFrom: now,
    reportedTo: now,
  });
  return {
    random,
    pipeline,
    servers,
    feed: new Feed(pipeline, emissions, stubborn),
    aggregators: new Fleet(environment),
    bridges: new Fleet(environment, 'bridge'),
    commerces,
    commerce: commerces.join(),
    url,
    environment,
    stubborn,
    seed,
    injected: 0,
    requests: 0,
  };
};

const perform = async (cast: Cast): Promise<Pick<RunResult, 'counts' | 'differences'>> => {
  const { feed, bridges, aggregators, servers, pipeline, environment } = cast;
  aggregators.join();
  bridges.join();
  bridges.join();
  let isOver = false as boolean;
  const mixing = keepMixing(cast, () => isOver);
  const began = performance.now();
  const isFed = (): boolean => performance.now() - began > FEED_MILLIS;
  await Promise.all([feed.run(STEP_RECORDS, isFed), disturb(cast, isFed)]);
  isOver = true;
  await mixing;
  await servers.restore();
  for (const member of [...bridges.members, cast.commerce]) member.resume();
  await cast.stubborn('end the faults', () => asked(cast, 'DELETE', '/faults', null));
  await pipeline.settled();
  await aggregators.leave();
  await settled(cast);
  const counts = await readBillingCounts(pipeline.stack.clickHouse);
  const differences = [
    ...(await checked(['bridge', 'reconcile', '--json'], environment)),
    ...(await checked(['audit', '--json'], environment)),
  ];
  await bridges.leave();
  const ended = bridges.members.flatMap(({ name, ends }) =>
    ends.includes('by-itself') ? [`${name} ended by itself`] : [],
  );
  const mismatched = counts.mismatch > 0 ? [`${String(counts.mismatch)} mismatches`] : [];
  return { counts, differences: [...differences, ...ended, ...mismatched] };
};

/** Something is killed or stands still all the time. */
const disturb = async (cast: Cast, isOver: () => boolean): Promise<void> => {
  const { random, bridges, commerce, aggregators, servers, seed } = cast;
  const kills = [
    ...bridges.members,
    ...bridges.members,
    commerce,
    commerce,
    ...aggregators.members,
  ];
  while (!isOver()) {
    await delay(300 + random.below(900));
    cast.injected++;
    const draw = random.below(10);
    if (isAlone(seed) && draw < 2) {
      await servers.kill(['kafka']);
      await delay(random.below(SESSION_MILLIS));
      await servers.restore();
    } else if (draw < 6) await random.pick(kills).kill();
    else {
      const member = random.pick([...bridges.members, commerce]);
      member.pause();
      // Shorter and longer than a session: in the second case it goes on as a zombie.
      await delay(500 + random.below(2 * SESSION_MILLIS));
      member.resume();
    }
  }
};

/** Commerce forgets its mix of faults when it is killed. */
const keepMixing = async (cast: Cast, isOver: () => boolean): Promise<void> => {
  for (let life = 0; !isOver();) {
    try {
      const faults = (await asked(cast, 'GET', '/faults', null)) as readonly {
        readonly decided?: number;
      }[];
      const [mix] = faults;
      if (mix) cast.requests = Math.max(cast.requests, mix.decided ?? 0);
      else {
        const seed = `${String(cast.seed)}-${String(life++)}`;
        await asked(cast, 'POST', '/faults', {
          kind: 'mix',
          seed,
          share: 0.35,
          maxSkewMillis: MAX_SKEW_MILLIS,
        });
      }
    } catch {
      // It is dead or stands still just now, as it should.
    }
    await delay(150);
  }
};

const asked = async (cast: Cast, method: string, path: string, body: unknown): Promise<unknown> => {
  const response = await fetch(`${cast.url}${path}`, {
    method,
    signal: AbortSignal.timeout(2_000),
    ...(body !== null && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${String(response.status)}: ${text}`);
  return text === '' ? null : JSON.parse(text);
};

/** Waits until every closed hour is composed and everything has its outcome. */
const settled = async ({ pipeline }: Cast): Promise<void> => {
  const { clickHouse } = pipeline.stack;
  const isSent = async (): Promise<boolean> => (await readBillingCounts(clickHouse)).pending === 0;
  const isComposed = async (): Promise<boolean> => {
    // Before a bridge has written terms nothing is billable, so nothing would be missing.
    if ((await readTerms(clickHouse)).length === 0) return false;
    const sides = { ...(await readBillingSides(clickHouse)), holdings: null };
    return reconcile(sides).differences.every(({ kind }) => kind !== 'not-composed');
  };
  await waitFor(
    'everything is composed and sent',
    async () => (await isSent()) && (await isComposed()) && (await isSent()),
    150,
  );
};

const checked = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const { code, stdout, stderr } = await usagectl(args, environment);
  if (code === 0) return [];
  const name = `usagectl ${args[0] ?? ''}`;
  return [`${name} ended with exit code ${String(code)}: ${stderr}${stdout}`.slice(0, 3_000)];
};

const keepLogs = async (
  fleets: readonly Fleet[],
  directory: string,
  differences: readonly string[],
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'differences.txt'), differences.join('\n'));
  for (const { name, output } of fleets.flatMap(({ members }) => members)) {
    await writeFile(join(directory, `${name}.log`), output);
  }
};
