import type { LogHalt } from '../shared/kafka/log-recognition.ts';
import { succeed, type Result } from '../shared/model/result.ts';
import type { BridgeCheckpoint } from './fold/bridge-fold.ts';
import type { ComposedBefore } from './fold/source-progress.ts';
import type { Recovered } from './recover-lost.ts';
import type { Store } from './ports.ts';
import type { WorkerNotices } from './worker-notices.ts';

export interface ResumePorts {
  readonly store: Pick<Store, 'writeCheckpoint'>;
  /** Publishes again what expired unread on a partition, or says why it cannot. */
  readonly recover: (
    partition: number,
    composed: ReadonlyMap<string, ComposedBefore>,
  ) => Promise<Result<Recovered, LogHalt>>;
  readonly notices: WorkerNotices;
  /** Runs a step again until it succeeds. */
  readonly persist: <T>(what: string, step: () => Promise<T>) => Promise<T>;
}

const BEGINNING: BridgeCheckpoint = { nextOffset: 0, resumeOffset: 0, lastRecord: null };

/**
 * Where an owner of a log partition resumes: at the checkpoint, or if records after it expired unread,
 * where the log begins now. What they said has been published again at the end of the log by then.
 */
export const resumePoint = async (
  partition: number,
  given: BridgeCheckpoint | null,
  {
    low,
    composed,
  }: { readonly low: number; readonly composed: ReadonlyMap<string, ComposedBefore> },
  { store, recover, notices, persist }: ResumePorts,
): Promise<Result<BridgeCheckpoint, LogHalt>> => {
  const checkpoint = given ?? BEGINNING;
  const { resumeOffset } = checkpoint;
  if (low <= resumeOffset) return succeed(checkpoint);
  const found = await persist('publish again what expired unread', () =>
    recover(partition, composed),
  );
  if (!found.ok) return found;
  notices.recovered({ from: resumeOffset, to: low }, found.value);
  // The last record folded may be left although earlier ones are gone: then it must still be the same.
  const isLeft = checkpoint.nextOffset > low;
  const begun = isLeft
    ? { ...checkpoint, resumeOffset: low }
    : { nextOffset: low, resumeOffset: low, lastRecord: null };
  await persist('write the checkpoint', () => store.writeCheckpoint(partition, begun));
  return succeed(begun);
};
