import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { describeUnreadable } from '../../../services/shared/kafka/fetch/unreadable-batch.ts';
import { GroupReader } from '../../../services/shared/kafka/group-reader.ts';
import type { LogRecord, TopicPartition } from '../../../services/shared/model/log-record.ts';
import { recordsOf } from '../../../services/shared/model/record-batch.ts';

export interface PartitionLog extends TopicPartition {
  readonly records: readonly LogRecord[];
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}[${String(partition)}]`;

/** Reads whole topics, from the first record of each partition to the last that is there now. */
export const readLog = async (
  kafka: Kafka,
  topics: readonly string[],
): Promise<readonly PartitionLog[]> => {
  const logs = new Map<
    string,
    TopicPartition & { end: number; next: number; records: LogRecord[] }
  >();
  const admin = kafka.admin();
  await admin.connect();
  const groupId = `read-log-${randomUUID()}`;
  try {
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        const log = { topic, partition, next: Number(low), end: Number(high), records: [] };
        logs.set(nameOf(log), log);
      }
    }
    await readAll(kafka, groupId, topics, logs);
    await admin.deleteGroups([groupId]);
  } finally {
    await admin.disconnect();
  }
  return [...logs.values()];
};

const readAll = async (
  kafka: Kafka,
  groupId: string,
  topics: readonly string[],
  logs: ReadonlyMap<string, TopicPartition & { end: number; next: number; records: LogRecord[] }>,
): Promise<void> => {
  const isDone = (): boolean => [...logs.values()].every(({ next, end }) => next >= end);
  if (isDone()) return;
  let reader: GroupReader | null = null;
  const finished = new Promise<void>((resolve, reject) => {
    reader = new GroupReader(
      kafka,
      {
        assigned: () => Promise.resolve(),
        position: (at) => {
          const log = logs.get(nameOf(at));
          return Promise.resolve(log && log.next < log.end ? log.next : null);
        },
        consume: (at, batches) => {
          const log = logs.get(nameOf(at));
          if (!log) return Promise.resolve(false);
          for (const record of recordsOf(batches)) {
            if (record.offset < log.next || record.offset >= log.end) continue;
            log.records.push(record);
            log.next = record.offset + 1;
          }
          if (isDone()) resolve();
          return Promise.resolve(log.next < log.end);
        },
        unreadable: (at, batch) =>
          Promise.reject(new Error(`${at.topic}: ${describeUnreadable(batch)}`)),
        stalled: () => undefined,
      },
      { groupId, topics, sessionTimeout: 10_000, onCrash: reject },
    );
    reader.start().catch(reject);
  });
  try {
    await finished;
  } finally {
    await (reader as GroupReader | null)?.stop();
  }
};
