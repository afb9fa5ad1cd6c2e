import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import {
  clickHouseSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
} from '../../services/shared/process/config.ts';
import { withSourceTools } from '../../services/operations/sources/source-tools.ts';
import { openClickHouse } from '../../services/shared/clickhouse/client.ts';
import type { SourceTools } from '../../services/shared/sources/source-opening.ts';
import { usagectl } from '../support/service-process.ts';
import type { Servers } from './servers.ts';

const sceneSettings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...controlKeySettings,
  ...hourSettings,
};

export type SceneConfig = ReturnType<typeof parseEnvironment<typeof sceneSettings>>;

/** Topics under a prefix of their own, and a migrated database: what one run of the pipeline works on. */
export interface Scene {
  readonly servers: Servers;
  readonly config: SceneConfig;
  /** The same as settings of processes. */
  readonly environment: Readonly<Record<string, string>>;
}

export const silent = pino({ level: 'silent' });

const sceneOf = async (
  servers: Servers,
  environment: Readonly<Record<string, string>>,
): Promise<Scene> => {
  const config = parseEnvironment(sceneSettings, environment);
  await migrate(config);
  return { servers, config, environment };
};

/** Topics and a database of its own. */
export const openScene = (servers: Servers, name: string): Promise<Scene> =>
  sceneOf(servers, {
    ...servers.environment,
    USAGE_TOPIC_PREFIX: `bench-${name}`,
    CLICKHOUSE_DATABASE: `bench_${name}`,
    USAGE_CONTROL_KEYS: `bench:${randomBytes(32).toString('hex')}`,
  });

/** The topics of a scene, read anew: into a database of its own that knows the same sources. */
export const readAnew = async (scene: Scene, name: string): Promise<Scene> => {
  const from = scene.config.CLICKHOUSE_DATABASE;
  const fresh = await sceneOf(scene.servers, {
    ...scene.environment,
    CLICKHOUSE_DATABASE: `bench_${name}`,
  });
  const client = openClickHouse(fresh.config);
  try {
    await client.command({ query: `INSERT INTO sources SELECT * FROM ${from}.sources` });
  } finally {
    await client.close();
  }
  return fresh;
};

/** What one run has stored goes, so that the next one finds as much room as it did. */
export const dropDatabase = async ({ config }: Scene): Promise<void> => {
  const client = openClickHouse(config, 'default');
  try {
    await client.command({ query: `DROP DATABASE ${config.CLICKHOUSE_DATABASE} SYNC` });
  } finally {
    await client.close();
  }
};

export const withTools = <T>({ config }: Scene, task: (tools: SourceTools) => Promise<T>) =>
  withSourceTools(config, task);

/** Why a figure of a scene does not count; null where the audit finds no difference. */
export const auditProblem = async ({ environment }: Scene): Promise<string | null> => {
  const { code, stdout, stderr } = await usagectl(['audit', '--json', '--no-billing'], environment);
  if (code === 0) return null;
  return `usagectl audit ended with exit code ${String(code)}: ${stderr}${stdout}`.slice(0, 600);
};
