import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { delay } from '../../services/development/local/child-process.ts';
import { openSpool } from '../../services/provider-sdk/spool/spool.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { messageOf } from '../../services/shared/process/errors.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import { audit } from '../crash/audit.ts';
import type { Servers } from '../crash/servers.ts';
import { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import { seededRandom, type Random } from '../support/workload/random.ts';
import type { Assignment } from './assignment.ts';
import { ProviderProcess, type FixedAssignment } from './provider-process.ts';
import type { Patch } from '../simulation/mutants.ts';
import { compareWithLedger } from './verify.ts';

export interface RunResult {
  readonly seed: number;
  readonly seconds: number;
  /** SIGKILLs and stand-stills of the broker; SIGKILLs of the two providers. */
  readonly brokerFailures: number;
  readonly kills: number;
  /** Usages for which `emit` has resolved; and events in the log more than once, which counted once. */
  readonly taken: number;
  readonly duplicates: number;
  readonly refusals: number;
  readonly differences: readonly string[];
}

const PROVIDERS: readonly Provider[] = [
  { name: 'compute', namespaces: ['microsoft.compute'], partitions: 3 },
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 2 },
];
const DISTURBANCES = 8;
const LIMIT_SECONDS = 180;
/** Small, so that a long outage fills it. */
const SPOOL_BYTES = [96 * 1024, 8 * 1024 * 1024];

/** Plays one run on the running servers, alone: with a spool and without one, on topics of their own. */
export const play = async (
  seed: number,
  servers: Servers,
  directory: string,
  patches: readonly Patch[] = [],
): Promise<RunResult> => {
  const began = performance.now();
  const random = seededRandom(seed);
  const pipeline = await Pipeline.open(HOUR_MILLIS, PROVIDERS);
  const spool = {
    directory: join(directory, `spool-${String(seed)}`),
    maxBytes: random.pick(SPOOL_BYTES),
  };
  const cast = new Cast(random, pipeline, servers);
  await cast.start(seed, spool, patches);
  let outcome: { readonly differences: readonly string[]; readonly duplicates: number };
  try {
    await cast.disturb();
    await servers.restore();
    await cast.end();
    outcome = await judge(cast, spool);
  } catch (error) {
    outcome = { differences: [`could not be played: ${messageOf(error)}`], duplicates: 0 };
  }
  await Promise.all(cast.providers.map(({ process }) => process.killForGood()));
  await servers.restore();
  await pipeline.close();
  if (outcome.differences.length > 0)
    await keepLogs(cast, join(directory, `run-${String(seed)}`), outcome.differences);
  else await rm(spool.directory, { recursive: true, force: true });
  const sum = (count: (process: ProviderProcess) => number): number =>
    cast.providers.reduce((total, { process }) => total + count(process), 0);
  return {
    seed,
    seconds: (performance.now() - began) / 1_000,
    brokerFailures: cast.brokerFailures,
    kills: cast.kills,
    taken: sum(({ taken }) => taken.size),
    refusals: sum(({ refusals }) => refusals),
    ...outcome,
  };
};

class Cast {
  readonly pipeline: Pipeline;
  readonly providers: { readonly fixed: FixedAssignment; readonly process: ProviderProcess }[] = [];
  brokerFailures = 0;
  kills = 0;
  private readonly random: Random;
  private readonly servers: Servers;

  constructor(random: Random, pipeline: Pipeline, servers: Servers) {
    this.random = random;
    this.pipeline = pipeline;
    this.servers = servers;
  }

  async start(
    seed: number,
    spool: NonNullable<Assignment['spool']>,
    patches: readonly Patch[],
  ): Promise<void> {
    const { random, pipeline } = this;
    for (const { topic, namespaces } of await pipeline.sources()) {
      const namespace = namespaces[0] ?? '';
      const fixed: FixedAssignment = {
        seed,
        brokers: pipeline.stack.config.KAFKA_BROKERS,
        topic,
        namespace,
        spool: namespace === 'microsoft.storage' ? spool : null,
        giveUpMillis: random.pick([500, 2_000, 60_000]),
        base: Date.now() - HOUR_MILLIS,
      };
      const process = new ProviderProcess(fixed, () => random.below(400), patches);
      this.providers.push({ fixed, process });
    }
    // Chaos begins when there is something to disturb.
    await waitFor('both providers are taken at their word', () =>
      Promise.resolve(this.providers.every(({ process }) => process.taken.size > 0)),
    );
  }

  /** A broker takes seconds to start again, so each run has one failure of it or two. */
  async disturb(): Promise<void> {
    const { random, providers } = this;
    const brokerAt = new Set([random.below(DISTURBANCES), random.below(DISTURBANCES)]);
    for (let n = 0; n < DISTURBANCES; n++) {
      await delay(100 + random.below(500));
      if (brokerAt.has(n)) await this.disturbBroker();
      else {
        random.pick(providers).process.kill();
        this.kills++;
      }
    }
  }

  /** Ends the providers in good order. Everything can be sent by now. */
  async end(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error('a provider does not end in good order'));
      }, LIMIT_SECONDS * 1_000);
    });
    const ended = Promise.all(this.providers.map(({ process }) => process.end()));
    await Promise.race([ended, tooLate]).finally(() => {
      clearTimeout(timer); // it would keep this process alive
    });
  }

  /** While it is away, a provider may be killed too. */
  private async disturbBroker(): Promise<void> {
    const { random, servers, providers } = this;
    this.brokerFailures++;
    if (random.chance(0.3)) servers.pause(['kafka']);
    else await servers.kill(['kafka']);
    if (random.chance(0.6)) {
      await delay(random.below(600));
      random.pick(providers).process.kill();
      this.kills++;
    }
    await delay(random.below(1_500));
    await servers.restore();
  }
}

const judge = async (
  { pipeline, providers }: Cast,
  spool: NonNullable<Assignment['spool']>,
): Promise<{ readonly differences: readonly string[]; readonly duplicates: number }> => {
  const { clickHouse } = pipeline.stack;
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled(LIMIT_SECONDS);
  await aggregator.stop();
  const ofProviders = await Promise.all(
    providers.map(async ({ fixed, process }) => [
      ...(await compareWithLedger(clickHouse, fixed, process)),
      ...process.faults,
    ]),
  );
  const [counts] = await queryRows<{ readonly duplicates: string; readonly dead: string }>(
    clickHouse,
    'SELECT toString(sum(duplicate)) AS duplicates, toString(sum(dead_lettered)) AS dead FROM checkpoints FINAL',
  );
  const { duplicates = '0', dead = '0' } = counts ?? {};
  return {
    duplicates: Number(duplicates),
    differences: [
      ...ofProviders.flat(),
      ...(dead !== '0' ? [`${dead} records were dead-lettered`] : []),
      ...(await leftIn(spool)),
      ...(await audit(pipeline)),
    ],
  };
};

/** What is in a spool whose provider has ended in good order: nothing. */
const leftIn = async (spool: NonNullable<Assignment['spool']>): Promise<readonly string[]> => {
  const opened = await openSpool({ ...spool, logger: pino({ level: 'silent' }) });
  const { waitingRecords, damaged } = opened.status();
  await opened.close();
  return [
    ...(waitingRecords > 0 ? [`${String(waitingRecords)} records are still in the spool`] : []),
    ...damaged.map(({ file }) => `the spool calls ${file} damaged`),
  ];
};

const keepLogs = async (
  { providers }: Cast,
  directory: string,
  differences: readonly string[],
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'differences.txt'), differences.join('\n'));
  for (const { process } of providers) {
    const name = process.hasSpool ? 'with-spool' : 'without-spool';
    await writeFile(join(directory, `${name}.log`), process.output);
  }
};
