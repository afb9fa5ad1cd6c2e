import { delay } from '../../services/development/local/child-process.ts';
import { partitionName, type SourcePartition } from '../../services/shared/model/source.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import type { Halt } from '../../services/shared/usage-fold/halt.ts';
import type { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Random } from '../support/workload/random.ts';
import { readLog, type PartitionLog } from '../support/workload/read-log.ts';
import type { Feed, Persist } from './feed.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Servers } from './servers.ts';

/** A partition that must halt, and its log as it stood before anything was done to it. */
export interface Casualty {
  readonly code: Halt['code'];
  readonly log: PartitionLog;
}

/** What a kind of schedule plays in, while the feed is running. */
export class Scene {
  readonly random: Random;
  readonly pipeline: Pipeline;
  readonly fleet: Fleet;
  readonly servers: Servers;
  readonly feed: Feed;
  readonly persist: Persist;
  /** By partition name. */
  readonly casualties = new Map<string, Casualty>();
  /** How many failures were injected. */
  injected = 0;

  constructor(
    parts: Pick<Scene, 'random' | 'pipeline' | 'fleet' | 'servers' | 'feed' | 'persist'>,
  ) {
    this.random = parts.random;
    this.pipeline = parts.pipeline;
    this.fleet = parts.fleet;
    this.servers = parts.servers;
    this.feed = parts.feed;
    this.persist = parts.persist;
  }

  /** Waits for a time between the two, in milliseconds. */
  async pass(from: number, to: number): Promise<void> {
    await delay(from + this.random.below(to - from));
  }

  /** Waits until a member's n-th life has ended by SIGKILL. */
  async killed(member: Member, times: number): Promise<void> {
    await waitFor(
      `${member.name} is killed at its failpoint`,
      () => Promise.resolve(member.ends.filter((end) => end === 'killed').length >= times),
      40,
    );
    this.injected++;
  }

  async ready(member: Member): Promise<void> {
    await waitFor(`${member.name} is ready`, () => Promise.resolve(member.healthUrl !== null), 40);
  }

  sources(): Promise<readonly RegisteredSource[]> {
    return this.persist('read the register', () => this.pipeline.sources());
  }

  nextOffsets(): Promise<ReadonlyMap<string, number>> {
    return this.persist('read the checkpoints', () => this.pipeline.nextOffsets());
  }

  async livePartitions(): Promise<readonly SourcePartition[]> {
    return (await this.sources())
      .filter(({ kind }) => kind === 'live')
      .flatMap(({ topic, epoch, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic, epoch, partition })),
      );
  }

  /** Waits until every live partition is stored further than it is now. */
  async progress(): Promise<void> {
    const before = await this.nextOffsets();
    const names = (await this.livePartitions())
      .map(partitionName)
      .filter((name) => !this.casualties.has(name));
    await waitFor('every live partition goes on', async () => {
      const now = await this.nextOffsets();
      return names.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0));
    });
  }

  /** Waits until all that stands in the topics now is folded and stored, but for casualties. */
  async settled(): Promise<void> {
    const ends = new Map<string, number>();
    for (const { topic, epoch } of await this.sources()) {
      const offsets = await this.persist('read the ends of the topics', () =>
        this.pipeline.admin.fetchTopicOffsets(topic),
      );
      for (const { partition, high } of offsets) {
        const name = partitionName({ topic, epoch, partition });
        if (!this.casualties.has(name)) ends.set(name, Number(high));
      }
    }
    await waitFor('every record is folded and stored', async () => {
      const now = await this.nextOffsets();
      return [...ends].every(([name, end]) => (now.get(name) ?? 0) >= end);
    });
  }

  /** Says that these partitions of a source must halt; their logs are kept as they are now. */
  async expectHalt(
    code: Halt['code'],
    source: RegisteredSource,
    isHit: (partition: number) => boolean = () => true,
  ): Promise<void> {
    for (const log of await readLog(this.pipeline.stack.kafka, [source.topic])) {
      const { topic, epoch } = source;
      const { partition } = log;
      if (isHit(partition)) {
        this.casualties.set(partitionName({ topic, epoch, partition }), { code, log });
      }
    }
  }
}
