import { InvalidArgumentError } from 'commander';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { localDirectory } from '../../services/shared/process/local-directory.ts';
import { Servers } from './servers.ts';

/** Reads the value of an option. */
export const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0');
  return value;
};

interface Ends {
  /** Ends what this process has started besides the servers, at once. */
  readonly endOthers?: () => void;
  /** Whether there is something in the directory that should stay. */
  readonly hasFailed?: () => boolean;
}

/** Starts servers with data in a new directory. A signal ends all of it, and this process. */
export const openServers = async (
  prefix: string,
  { endOthers = () => undefined, hasFailed = () => false }: Ends = {},
): Promise<{ readonly servers: Servers; readonly directory: string }> => {
  await mkdir(localDirectory(), { recursive: true });
  const directory = await mkdtemp(join(localDirectory(), prefix));
  const servers = await Servers.start(directory);
  Object.assign(process.env, servers.environment); // for the clients of this process
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      endOthers();
      servers.killNow();
      if (!hasFailed()) rmSync(directory, { recursive: true, force: true });
      process.exit(130);
    });
  }
  return { servers, directory };
};
