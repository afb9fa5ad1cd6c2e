import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import type { CloudResource, OperatingSystem, ResourceChange } from './resource.ts';

/** What a resource is at an instant. */
export interface ResourceState {
  readonly power: 'running' | 'stopped' | 'deallocated';
  readonly size: string;
  /** Null of what is no machine. */
  readonly os: OperatingSystem | null;
}

/** A resource that does not exist has no state. */
type MaybeState = ResourceState | null;

/**
 * The state after a change, or why it cannot happen:
 *
 * | change        | needs                   | then              |
 * | ------------- | ----------------------- | ----------------- |
 * | `created`     | that it does not exist  | it runs           |
 * | `resized`     | another size            | it has that size  |
 * | `started`     | stopped or deallocated  | it runs           |
 * | `stopped`     | running                 | it is stopped     |
 * | `deallocated` | running or stopped      | it is deallocated |
 * | `deleted`     | that it exists          | it does not exist |
 */
export const applyChange = (
  state: MaybeState,
  change: ResourceChange,
): Result<MaybeState, string> => {
  if (change.kind === 'created') {
    if (state !== null) return fail('it exists already');
    return succeed({ power: 'running', size: change.size, os: change.os ?? null });
  }
  if (state === null) return fail('it does not exist');
  switch (change.kind) {
    case 'resized':
      if (state.size === change.size) return fail(`its size is ${change.size} already`);
      return succeed({ ...state, size: change.size });
    case 'started':
      if (state.power === 'running') return fail('it is running already');
      return succeed({ ...state, power: 'running' });
    case 'stopped':
      if (state.power !== 'running') return fail(`it is ${state.power} already`);
      return succeed({ ...state, power: 'stopped' });
    case 'deallocated':
      if (state.power === 'deallocated') return fail('it is deallocated already');
      return succeed({ ...state, power: 'deallocated' });
    case 'deleted':
      return succeed(null);
  }
};

/** A time during which nothing about a resource changes. */
export interface Stretch {
  readonly from: Millis;
  /** Exclusive. */
  readonly to: Millis;
  readonly state: ResourceState;
}

/** The stretches of a resource's life within a range. A change that cannot happen changes nothing. */
export const stretchesOf = (
  { changes }: Pick<CloudResource, 'changes'>,
  from: Millis,
  to: Millis,
): readonly Stretch[] => {
  const stretches: Stretch[] = [];
  let state: MaybeState = null;
  let since = from;
  const add = (until: Millis): void => {
    if (state !== null && since < until) stretches.push({ from: since, to: until, state });
    if (since < until) since = until;
  };
  for (const change of changes) {
    if (change.at >= to) break;
    const applied: Result<MaybeState, string> = applyChange(state, change);
    if (!applied.ok) continue;
    add(change.at);
    state = applied.value;
  }
  add(to);
  return stretches;
};

/** Null if it does not exist then, or not any more. */
export const stateAt = (
  resource: Pick<CloudResource, 'changes'>,
  instant: Millis,
): ResourceState | null => stretchesOf(resource, instant, millis(instant + 1))[0]?.state ?? null;
