import { beginHistory } from '../../../services/operations/history-runs/history-run.ts';
import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import type { NewRecord } from '../../../services/shared/kafka/new-record.ts';
import { timeOf } from '../../../services/shared/model/time-text.ts';
import { partitionOfKey } from '../../../services/shared/model/placement.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../../services/shared/model/time.ts';
import { createOutTopics } from '../../../services/shared/sources/check-topics.ts';
import { withTools, type Scene } from '../scene.ts';
import { loadRecords, type LoadOptions } from './load.ts';

/** The reported hour of a load: in the past, so that no clock has a part in what is counted. */
export const REPORTED_HOUR = hourOf(timeOf('2026-03-10T12:00:00Z'), HOUR_MILLIS);
/** When the records of a load are reported. */
export const LOAD_TIME = millis(REPORTED_HOUR + HOUR_MILLIS / 2);
const BATCH = 8_000;

/** A load that stands in a topic. */
export interface WrittenLoad {
  readonly topic: string;
  readonly partitions: number;
  /** Records in the topic: the load's, and the rules at the head of each partition. */
  readonly records: number;
  /** Of values and keys. */
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Writes a load as a history run of one hour that is not sealed: its hour stays open, so that all its
 * windows are open ones.
 */
export const writeLoad = (
  scene: Scene,
  options: LoadOptions,
  onProgress: (written: number) => void,
): Promise<WrittenLoad> =>
  withTools(scene, async (tools) => {
    const begun = Date.now();
    await createOutTopics(tools.admin, scene.config);
    const { source } = await beginHistory(
      tools,
      {
        origin: `bench:${JSON.stringify(options)}`,
        firstHour: REPORTED_HOUR,
        lastHour: REPORTED_HOUR,
        hourMillis: HOUR_MILLIS,
        partitions: options.partitions,
        billable: false,
      },
      scene.config.USAGE_TOPIC_PREFIX,
    );
    const { topic, partitions } = source;
    const encode = usageEventEncoder(tools.schemas);
    const timestamp = LOAD_TIME;
    const partitionOf = new Map<string, number>();
    let batch: NewRecord[][] = [];
    let written = 0;
    let bytes = 0;
    const send = async (): Promise<void> => {
      const sent = batch;
      batch = [];
      await Promise.all(
        sent.map((records, partition) => tools.writer.append({ topic, partition }, records)),
      );
      onProgress(written);
    };
    for (const { key, event } of loadRecords(options, REPORTED_HOUR, HOUR_MILLIS)) {
      let partition = partitionOf.get(key);
      if (partition === undefined) {
        partition = partitionOfKey(key, partitions);
        partitionOf.set(key, partition);
      }
      const value = encode(event);
      bytes += value.length + key.length;
      (batch[partition] ??= []).push({ key, value, timestamp });
      if (++written % BATCH === 0) await send();
    }
    await send();
    const seconds = (Date.now() - begun) / 1000;
    return { topic, partitions, records: written + partitions, bytes, seconds };
  });
