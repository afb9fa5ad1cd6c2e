import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository } from '../../services/shared/process/repository.ts';
import { pythonEnvironment } from '../support/python-environment.ts';

const PYTHON_SAMPLE = inRepository('samples/producers/python');
const GO_SAMPLE = inRepository('samples/producers/go');

/** How a program ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One of the samples, ready to run. */
export interface Producer {
  readonly name: string;
  /** The input is what it reads from standard input. */
  readonly run: (args: readonly string[], input?: string) => Ended;
}

const run = (command: string, args: readonly string[], cwd: string, input = ''): Ended => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
};

/** Installs the client that the sample pins into a cache, once, and returns its Python. */
export const python = async (): Promise<string> => {
  const pinned = readFileSync(join(PYTHON_SAMPLE, 'requirements.txt'), 'utf8').trim().split('\n');
  const digest = createHash('sha256').update(pinned.join()).digest('hex').slice(0, 12);
  return join(await pythonEnvironment(`producers-${digest}`, pinned), 'python');
};

export const pythonProducer = (program: string): Producer => ({
  name: 'Python, confluent-kafka',
  run: (args, input) => run(program, [join(PYTHON_SAMPLE, 'produce.py'), ...args], '/', input),
});

/**
 * Builds the sample, with the modules that it pins.
 * @throws Error if there is no Go, or it does not build
 */
export const goProducer = (directory: string): Producer => {
  const program = join(directory, 'usage-producer');
  console.log('Building the Go producer …');
  let built: Ended;
  try {
    built = run('go', ['build', '-mod=readonly', '-o', program, '.'], GO_SAMPLE);
  } catch (cause) {
    throw new Error('go cannot be run: install Go 1.19 or newer (apt-get install golang-go)', {
      cause,
    });
  }
  if (built.code !== 0) throw new Error(`the Go producer does not build:\n${built.stderr}`);
  return { name: 'Go, franz-go', run: (args, input) => run(program, args, '/', input) };
};

/** The same client with another partitioner than the sample's: its own default. */
export const pythonWithDefaults = (program: string, args: readonly string[]): Ended =>
  run(
    program,
    [inRepository('test/producers/default_partitioner.py'), PYTHON_SAMPLE, ...args],
    '/',
  );
