import { openClickHouse } from '../../../services/shared/clickhouse/client.ts';
import { queryNumbers } from '../../support/query-numbers.ts';
import { startService, type ServiceProcess } from '../../support/service-process.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { LoadTotals } from '../load/load.ts';
import type { Loaded } from '../load/loaded.ts';
import { Meter } from '../meter.ts';
import { auditProblem, dropDatabase, readAnew, type Scene } from '../scene.ts';
import type { Run } from './contender.ts';

const POLL_MILLIS = 100;
const PATIENCE_MILLIS = 900_000;

/** What the health server of an aggregator says, as far as it is asked here. */
interface Health {
  readonly partitions: readonly {
    readonly storedOffset: number | null;
    readonly halt: { readonly message: string } | null;
  }[];
}

/** When a line of an aggregator's log was written; null where there is none yet. */
const timeOfLine = (output: string, message: string): number | null => {
  const line = output.split('\n').find((each) => each.includes(`"msg":"${message}"`));
  return line === undefined ? null : (JSON.parse(line) as { readonly time: number }).time;
};

/** Waits until this many offsets are behind a checkpoint. @returns when. */
export const untilStored = async (service: ServiceProcess, records: number): Promise<number> => {
  const url = `${await service.address('health')}/health/ready`;
  const ended = service.exited.then(() => true);
  const end = Date.now() + PATIENCE_MILLIS;
  for (;;) {
    const partitions = await partitionsAt(url).catch(async (error: unknown) => {
      // It has closed its port before it has ended.
      const pause = new Promise<false>((resolve) => setTimeout(() => resolve(false), 10_000));
      throw (await Promise.race([ended, pause])) ? endedError(service) : error;
    });
    const halt = partitions.find((each) => each.halt !== null)?.halt;
    if (halt) throw new Error(`a partition has halted: ${halt.message}`);
    if (partitions.reduce((sum, { storedOffset }) => sum + (storedOffset ?? 0), 0) >= records) {
      return Date.now();
    }
    if (Date.now() > end) throw new Error('not all of the load was stored in time');
    const pause = new Promise<false>((resolve) => setTimeout(() => resolve(false), POLL_MILLIS));
    if (await Promise.race([ended, pause])) {
      throw endedError(service);
    }
  }
};

const partitionsAt = async (url: string): Promise<Health['partitions']> =>
  ((await (await fetch(url)).json()) as Health).partitions;

const endedError = (service: ServiceProcess): Error =>
  new Error(`the aggregator has ended: ${service.output().slice(-1_000)}`);

export const untilAssigned = (service: ServiceProcess): Promise<number> =>
  waitFor('the aggregator has its partitions', () =>
    Promise.resolve(timeOfLine(service.output(), 'partitions assigned')),
  );

/** What is stored, against what the load must come to; null where they are the same. */
const wrongCounts = async ({ config }: Scene, totals: LoadTotals): Promise<string | null> => {
  const client = openClickHouse(config);
  try {
    const counts = await queryNumbers(
      client,
      `SELECT (SELECT toString(sum(accepted)) FROM checkpoints FINAL) AS events,
         (SELECT toString(sum(accepted + duplicate)) FROM checkpoints FINAL) AS records,
         (SELECT toString(count()) FROM usage_hourly FINAL) AS windows`,
    );
    const wrong = (['records', 'events', 'windows'] as const).filter(
      (name) => counts[name] !== totals[name],
    );
    return wrong.length === 0
      ? null
      : wrong
          .map((name) => `${String(counts[name])} ${name} instead of ${String(totals[name])}`)
          .join(', ');
  } finally {
    await client.close();
  }
};

/** What else is asked of an aggregator that has folded a whole load. */
export interface Looks {
  readonly settings?: Readonly<Record<string, string>>;
  readonly atBegin?: (service: ServiceProcess) => Promise<unknown>;
  readonly atEnd?: (service: ServiceProcess) => Promise<unknown>;
}

/**
 * The complete aggregator, as `npm start` runs it, on a database of its own: from the assignment of its
 * partitions to the checkpoint at the end of the log. The audit recounts what it has stored.
 */
export const runAggregator = async (
  { scene, load, totals }: Loaded,
  name: string,
  { settings = {}, atBegin, atEnd }: Looks = {},
): Promise<Run> => {
  const fresh = await readAnew(scene, name);
  const service = await startService('aggregator', { ...fresh.environment, ...settings });
  try {
    const { broker, engine } = scene.servers;
    const meter = new Meter({ contender: service.pid, broker, engine });
    meter.begin();
    const assigned = await untilAssigned(service);
    await atBegin?.(service);
    const stored = await untilStored(service, load.records);
    const usage = meter.end();
    await atEnd?.(service);
    await service.stop();
    const problem = (await wrongCounts(fresh, totals)) ?? (await auditProblem(fresh));
    return { seconds: (stored - assigned) / 1000, usage, counts: { ...totals }, problem };
  } finally {
    await service.kill();
    await dropDatabase(fresh);
  }
};
