import { pathToFileURL } from 'node:url';
import { signalProcess } from '../../services/development/local/child-process.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

/** What a service that has `hooks/probe.mjs` in it says at a moment. */
export interface Probed {
  /** Since it was asked before. */
  readonly longestPauseMillis: number;
  readonly liveBytes: number;
}

/** Settings of a service that is to be looked into. */
export const PROBE: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${pathToFileURL(inRepository('test/bench/hooks/probe.mjs')).href}`,
};

const answersOf = (service: ServiceProcess): readonly string[] =>
  service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{"probe":') && line.endsWith('}'));

export const probe = async (service: ServiceProcess): Promise<Probed> => {
  const before = answersOf(service).length;
  signalProcess(service.pid, 'SIGUSR2');
  const line = await waitFor('the service answers to the probe', () =>
    Promise.resolve(answersOf(service)[before]),
  );
  return JSON.parse(line) as Probed;
};
