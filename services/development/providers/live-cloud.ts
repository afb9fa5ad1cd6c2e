import { resourceKey } from '../../shared/model/placement.ts';
import { succeed, type Result } from '../../shared/model/result.ts';
import { Serial } from '../../shared/process/serial.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import type { Revised } from './cloud-store.ts';
import type { Refusal, Resources } from './resource-changes.ts';

/** Stores changed resources; resolves when they are stored for good. */
export type PutResources = (
  changed: readonly Revised<CloudResource>[],
  by: string,
) => Promise<void>;

/** Resources with those that follow from them. */
type Derive = (resources: readonly CloudResource[]) => readonly CloudResource[];

/** What a change came to, and the instant from which it counts. */
export interface Change {
  readonly resources: readonly CloudResource[];
  readonly from: Millis;
}

/**
 * The resources of one provider while it runs. A change takes effect at the start of the first slice that
 * nobody has begun to report, so that what was reported stays true. It is stored before it takes effect.
 */
export class LiveCloud {
  private readonly resources = new Map<string, Revised<CloudResource>>();
  private readonly put: PutResources;
  private readonly derive: Derive;
  private readonly turns = new Serial();
  /** What was used before may have been reported, by this process or the one before it. */
  private reportedUpTo: Millis;

  /** @param stored what a person has changed; it takes the place of what follows from the seed */
  constructor(
    seeded: readonly CloudResource[],
    stored: readonly Revised<CloudResource>[],
    reportedUpTo: Millis,
    put: PutResources,
    derive: Derive = (resources) => resources,
  ) {
    for (const value of seeded) this.resources.set(keyOf(value), { value, revision: 0 });
    for (const each of stored) this.resources.set(keyOf(each.value), each);
    this.reportedUpTo = reportedUpTo;
    this.put = put;
    this.derive = derive;
  }

  /** Without those that changes are about to make. */
  all(): readonly CloudResource[] {
    return this.derive([...this.resources.values()].map(({ value }) => value));
  }

  /** The resources as they count for a report that begins now: no later change can reach behind its end. */
  forReport(to: Millis): Promise<readonly CloudResource[]> {
    return this.turns.run(() => {
      this.reportedUpTo = millis(Math.max(this.reportedUpTo, to));
      return Promise.resolve(this.all());
    });
  }

  /**
   * Changes resources and stores the change.
   * @param sliceStart the start of the slice that runs now
   */
  change(
    sliceStart: () => Millis,
    plan: (resources: Resources, at: Millis) => Result<readonly CloudResource[], Refusal>,
    by: string,
  ): Promise<Result<Change, Refusal>> {
    return this.turns.run(async () => {
      const from = millis(Math.max(sliceStart(), this.reportedUpTo));
      const known = new Map(this.all().map((each) => [keyOf(each), each]));
      const planned = plan(known, from);
      if (!planned.ok) return planned;
      const revised = planned.value.map((value) => ({
        value,
        revision: (this.resources.get(keyOf(value))?.revision ?? 0) + 1,
      }));
      await this.put(revised, by);
      for (const each of revised) this.resources.set(keyOf(each.value), each);
      return succeed({ resources: planned.value, from });
    });
  }
}

const keyOf = ({ resourceUri }: CloudResource): string => resourceKey(resourceUri);
