import { delay } from '../../services/development/local/child-process.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import type { TopicPartition } from '../../services/shared/model/log-record.ts';
import type { Pipeline } from '../support/pipeline.ts';
import type { Emission } from '../support/workload/emission.ts';

/** Runs a step again until it succeeds: servers come and go. */
export type Persist = <T>(what: string, step: () => Promise<T>) => Promise<T>;

const STEP_MILLIS = 150;
/** After so many, it goes on slowly: a slow machine must not fall behind for long. */
const PLENTY = 4_000;
const SLOWER = 5;

/** Providers that report all the time, whatever happens: what is not acknowledged is sent again. */
export class Feed {
  private readonly pipeline: Pipeline;
  private readonly emissions: Iterator<Emission, void>;
  private readonly persist: Persist;
  private sending: Promise<unknown> = Promise.resolve();
  private held: Promise<void> = Promise.resolve();

  constructor(pipeline: Pipeline, emissions: Iterator<Emission, void>, persist: Persist) {
    this.pipeline = pipeline;
    this.emissions = emissions;
    this.persist = persist;
  }

  /** Sends steps of so many records until `isOver`, which is asked after each; or all there are. */
  async run(records: number, isOver: () => boolean): Promise<void> {
    for (let total = 0; !isOver();) {
      await this.held;
      const step = total < PLENTY ? records : records / SLOWER;
      const sending = this.send(step);
      this.sending = sending;
      const [sent] = await Promise.all([sending, delay(STEP_MILLIS)]);
      if (sent < step) return;
      total += sent;
    }
  }

  /** Nothing is sent while the task runs; what was on its way has arrived before it. */
  async hold<T>(task: () => Promise<T>): Promise<T> {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await this.sending;
      return await task();
    } finally {
      release();
    }
  }

  /** Sends the next records now; resolves, when they are acknowledged, to how many they were. */
  async send(records: number): Promise<number> {
    const batches = new Map<string, { at: TopicPartition; records: NewRecord[] }>();
    let count = 0;
    for (; count < records; count++) {
      const next = this.emissions.next();
      if (next.done) break;
      const { topic, partition, key, value, headers, timestamp } = next.value;
      this.pipeline.sent.add(next.value);
      const name = `${topic} ${String(partition)}`;
      const batch = batches.get(name) ?? { at: { topic, partition }, records: [] };
      batch.records.push({ key, value, headers, timestamp });
      batches.set(name, batch);
    }
    const { writer } = this.pipeline.tools;
    await Promise.all(
      [...batches.values()].map((batch) =>
        this.persist('send records', () => writer.append(batch.at, batch.records)),
      ),
    );
    return count;
  }
}
