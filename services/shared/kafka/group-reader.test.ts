import type { Consumer, Kafka } from 'kafkajs';
import { GroupReader, type PartitionReaders } from './group-reader.ts';

const AT = { topic: 'usage.events.compute', partition: 0 };

/** As kafkajs's consumer, as far as it goes: it refuses to pause and to seek while it is in no group. */
class FakeConsumer {
  readonly events = {
    GROUP_JOIN: 'join',
    STOP: 'stop',
    CRASH: 'crash',
    FETCH: 'fetch',
    FETCH_START: 'fetch-start',
    END_BATCH_PROCESS: 'end',
  };
  readonly sought: string[] = [];
  private readonly listeners = new Map<string, (event: unknown) => void>();
  private inGroup = false;

  on(event: string, listener: (event: unknown) => void): void {
    this.listeners.set(event, listener);
  }

  readonly connect = (): Promise<void> => Promise.resolve();
  readonly subscribe = this.connect;
  readonly run = this.connect;
  readonly resume = (): void => undefined;

  pause(): void {
    if (!this.inGroup) throw new Error('Consumer group was not initialized');
  }

  seek({ offset }: { offset: string }): void {
    this.pause();
    this.sought.push(offset);
  }

  join(): void {
    this.inGroup = true;
    this.listeners.get('join')?.({ payload: { memberAssignment: { [AT.topic]: [AT.partition] } } });
  }

  /** What it does where it has lost its brokers for too long, before it joins anew. */
  leave(): void {
    this.inGroup = false;
    this.listeners.get('stop')?.({ payload: {} });
  }
}

test('both-away-long: a partition is not sought while kafkajs has left its group, and is when it has joined again', async () => {
  const consumer = new FakeConsumer();
  const crashes: Error[] = [];
  const readers: PartitionReaders = {
    assigned: () => Promise.resolve(),
    position: () => Promise.resolve(7),
    take: () => Promise.resolve(true),
    stalled: () => undefined,
  };
  const kafka = { consumer: () => consumer as unknown as Consumer } as unknown as Kafka;
  const reader = new GroupReader(kafka, readers, {
    groupId: 'test',
    topics: [AT.topic],
    sessionTimeout: 2_000,
    onCrash: (error) => crashes.push(error),
  });
  await reader.start();
  consumer.join();
  await new Promise(setImmediate);
  expect(consumer.sought).toEqual(['7']);
  consumer.leave();
  await reader.reposition(AT);
  expect(consumer.sought).toEqual(['7']);
  consumer.join();
  await new Promise(setImmediate);
  expect(consumer.sought).toEqual(['7', '7']);
  expect(crashes).toEqual([]);
});
