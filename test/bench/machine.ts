import { cpus, loadavg, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { runCommand } from '../../services/development/local/child-process.ts';
import { findJava } from '../../services/development/local/kafka/java.ts';
import { POM } from '../../services/development/local/kafka/jvm.ts';
import { openClickHouse, queryRows } from '../../services/shared/clickhouse/client.ts';
import { clickHouseSettings, parseEnvironment } from '../../services/shared/process/config.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import type { Servers } from './servers.ts';

/** What a result depends on, besides the code. */
export interface Machine {
  readonly processors: string;
  readonly memoryGib: number;
  /** Of the minute before: what else the machine does. */
  readonly loadBefore: number;
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
}

const GIB = 1024 ** 3;

const clickHouseVersion = async ({ environment }: Servers): Promise<string> => {
  const client = openClickHouse(parseEnvironment(clickHouseSettings, environment), 'default');
  try {
    const [row] = await queryRows<{ version: string }>(client, 'SELECT version() AS version');
    return row?.version ?? '';
  } finally {
    await client.close();
  }
};

const commit = async (): Promise<string> => {
  const { code, output } = await runCommand('git', [
    '-C',
    inRepository('.'),
    'describe',
    '--always',
    '--dirty',
  ]);
  return code === 0 ? output.trim() : 'unknown';
};

const packageVersion = (name: string): string =>
  (
    JSON.parse(readFileSync(inRepository(`node_modules/${name}/package.json`), 'utf8')) as {
      version: string;
    }
  ).version;

export const describeMachine = async (servers: Servers): Promise<Machine> => {
  const [first] = cpus();
  return {
    processors: `${String(cpus().length)} × ${first?.model.trim() ?? 'unknown'}`,
    memoryGib: Math.round(totalmem() / GIB),
    loadBefore: loadavg()[0] ?? NaN,
    commit: await commit(),
    versions: {
      Node: process.versions.node,
      Java: (await findJava(process.env)).version,
      Kafka: /<kafka\.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ?? 'unknown',
      ClickHouse: await clickHouseVersion(servers),
      kafkajs: packageVersion('kafkajs'),
      avsc: packageVersion('avsc'),
    },
  };
};

export const machineText = ({
  processors,
  memoryGib,
  loadBefore,
  commit: at,
  versions,
}: Machine): string =>
  [
    `Machine: ${processors}, ${String(memoryGib)} GiB; load average of the minute before: ${loadBefore.toFixed(1)}`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}; commit ${at}`,
  ].join('\n');
