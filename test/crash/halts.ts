import type { Scene } from './scene.ts';
import { waitFor } from '../support/wait-for.ts';

interface PartitionHealth {
  readonly partition: string;
  readonly halt: { readonly code: string } | null;
}

const healthOf = async (url: string): Promise<readonly PartitionHealth[]> => {
  const answer = await fetch(`${url}/health/ready`);
  const body = (await answer.json()) as { readonly partitions?: readonly PartitionHealth[] };
  const partitions = body.partitions ?? [];
  const hasHalted = partitions.some(({ halt }) => halt !== null);
  if (hasHalted && answer.status !== 503) {
    throw new Error(`${url} says that it is ready, though a partition has halted`);
  }
  return partitions;
};

/**
 * Waits until every casualty has halted, and says what is wrong with the halts: one that is missing,
 * for another reason, not in the log, or of a partition that should go on.
 */
export const wrongHalts = async (scene: Scene): Promise<readonly string[]> => {
  const halts = async (): Promise<ReadonlyMap<string, string>> => {
    const found = new Map<string, string>();
    for (const { healthUrl } of scene.fleet.members) {
      if (healthUrl === null) continue;
      for (const { partition, halt } of await healthOf(healthUrl)) {
        if (halt) found.set(partition, halt.code);
      }
    }
    return found;
  };
  const { casualties } = scene;
  await waitFor(
    'what must halt has halted',
    async () => {
      const found = await halts();
      return [...casualties.keys()].every((name) => found.has(name));
    },
    30,
  ).catch(() => undefined);
  const found = await halts();
  const log = scene.fleet.members.map(({ output }) => output).join('\n');
  const wrong: string[] = [];
  for (const [name, { code }] of casualties) {
    const actual = found.get(name) ?? 'no';
    if (actual !== code) wrong.push(`${name} halted with ${actual} code, expected ${code}`);
    else if (!isLogged(log, name, code)) wrong.push(`${name} halted, and the log does not say so`);
  }
  for (const [name, code] of found) {
    if (!casualties.has(name)) wrong.push(`${name} halted with code ${code}, and should not have`);
  }
  return wrong;
};

const isLogged = (log: string, partition: string, code: string): boolean =>
  log
    .split('\n')
    .some(
      (line) =>
        line.includes('has halted') &&
        line.includes(`"partition":"${partition}"`) &&
        line.includes(`"code":"${code}"`),
    );
