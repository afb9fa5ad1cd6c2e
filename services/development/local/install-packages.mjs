import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const OLDEST_NODE = [20, 19];

/** npm writes this file last: what it names is completely installed. */
const INSTALLED = 'node_modules/.package-lock.json';

const packagesIn = (path) =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')).packages ?? {}) : {};

/** Whether every package of the lock file is there in its version. Optional ones may be for other platforms. */
const areInstalled = ({ forTests }) => {
  const installed = packagesIn(INSTALLED);
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, { version, dev = false, optional = false, devOptional = false, peer = false }]) =>
      path === '' ||
      optional ||
      peer ||
      ((dev || devOptional) && !forTests) ||
      installed[path]?.version === version,
  );
};

/**
 * Installs the packages if they are not there in their versions, after a pull for example: those that run, and for tests the tools as well, which
 * are three quarters of the time. Ends the process with one line if that fails.
 */
export const installPackages = ({ forTests }) => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`);
  }
  process.chdir(repository);
  if (areInstalled({ forTests })) return;
  process.stderr.write('Installing packages (once) …\n');
  // Not `npm ci`: it insists on packages for other platforms, which not every registry mirror has.
  const result = spawnSync(
    'npm',
    [
      'install',
      // Whatever NODE_ENV says.
      forTests ? '--include=dev' : '--omit=dev',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (result.error) fail(`npm could not be run (${result.error.message}): install it.`);
  if (result.status !== 0)
    fail('npm could not install the packages: see above, check the network.');
};

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};
