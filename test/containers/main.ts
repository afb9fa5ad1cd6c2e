import { spawn } from 'node:child_process';
import { getContainerRuntimeClient } from 'testcontainers';
import { messageOf } from '../../services/shared/process/errors.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { testImages } from '../support/containers.ts';

/**
 * `npm run test:containers [-- path …]`: the integration tests against Kafka and ClickHouse in containers.
 * They are the same tests; those of the local servers themselves are left out, because there is nothing
 * else that they could test.
 */
const OF_THE_LOCAL_SERVERS = ['/local-', '/clickhouse-door', '/npm-'];

const jest = (args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
        inRepository('node_modules/jest/bin/jest.js'),
        ...args,
      ],
      { stdio: 'inherit', env: { ...process.env, TEST_SERVERS: 'containers' } },
    );
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

/** Why there is no engine, in one line; null if one answers. */
const missingEngine = async (): Promise<string | null> => {
  try {
    await getContainerRuntimeClient();
    return null;
  } catch (error) {
    return messageOf(error).split('\n', 1)[0] ?? '';
  }
};

const problem = await missingEngine();
if (problem !== null) {
  process.stderr.write(
    `No Docker engine answers here (${problem}), so nothing was tested: start one, or set DOCKER_HOST. "npm test" needs none.\n`,
  );
  process.exitCode = 1;
} else {
  const { kafka, clickHouse } = testImages();
  console.log(`Integration tests against ${kafka} and ${clickHouse}`);
  const given = process.argv.slice(2);
  process.exitCode = await jest([
    ...(given.length > 0 ? given : ['test/integration']),
    ...OF_THE_LOCAL_SERVERS.map((pattern) => `--testPathIgnorePatterns=${pattern}`),
  ]);
}
