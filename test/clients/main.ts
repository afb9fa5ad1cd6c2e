import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../services/development/local/child-process.ts';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { inRepository } from '../../services/shared/process/repository.ts';

/**
 * Runs the official JDBC driver, which no one here wrote, against the local ClickHouse: with its
 * defaults, and with each way of compressing that it has. Needs Java 17 and Maven.
 */
const JDBC = [
  '',
  'compress=false',
  'decompress=true',
  'client.use_http_compression=true',
  'client.use_http_compression=true,decompress=true',
];
/** The generation before, which older tools bring. */
const JDBC_V1 = ['', 'decompress=1', 'compress_algorithm=gzip'];

const source = inRepository('test/clients/');

const fetchDriver = async (directory: string): Promise<string> => {
  const { code, output } = await runCommand('mvn', [
    '-q',
    '-B',
    '-f',
    join(source, 'pom.xml'),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${directory}`,
  ]);
  if (code !== 0) throw new Error(`Maven could not fetch the JDBC driver:\n${output}`);
  return join(directory, '*');
};

const run = (environment: Readonly<Record<string, string>>, ...args: string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const options = { stdio: 'inherit', env: { ...process.env, ...environment } } as const;
    const child = spawn('java', args, options);
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

const directory = await mkdtemp(join(tmpdir(), 'usage-clients-'));
const server = await startClickHouse({ dataDir: join(directory, 'clickhouse') });
try {
  const classPath = await fetchDriver(join(directory, 'jars'));
  const program = ['-cp', classPath, join(source, 'Jdbc.java')];
  const url = `jdbc:clickhouse://127.0.0.1:${String(server.port)}/default`;
  console.log('JDBC driver, version 2');
  const second = await run(server.environment, ...program, url, ...JDBC);
  console.log('JDBC driver, version 1');
  const first = await run(
    server.environment,
    '-Dclickhouse.jdbc.v1=true',
    ...program,
    url,
    ...JDBC_V1,
  );
  if (first + second > 0) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
