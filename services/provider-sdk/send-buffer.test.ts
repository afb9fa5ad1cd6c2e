import fc from 'fast-check';
import type { NewRecord } from '../shared/kafka/new-record.ts';
import { SendBuffer, type PlacedRecord, type SendBufferParts } from './send-buffer.ts';

const record = (partition: number, value: string, bytes = 10): PlacedRecord => ({
  partition,
  record: { key: null, value: Buffer.from(value) },
  bytes,
});

const valuesOf = (records: readonly NewRecord[]): readonly string[] =>
  records.map(({ value }) => String(value));

/** Turns of the event loop. */
const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise(setImmediate);
};

/** A broker that answers when it is told to, or at once. */
class HeldBroker {
  readonly batches: { partition: number; values: readonly string[] }[] = [];
  readonly answers: ((error?: Error) => void)[] = [];
  readonly busy = new Set<number>();
  answersAtOnce = false;

  readonly append: SendBufferParts['append'] = async (partition, records, giveUp) => {
    if (this.busy.has(partition)) throw new Error('two batches at once');
    this.busy.add(partition);
    this.batches.push({ partition, values: valuesOf(records) });
    try {
      if (this.answersAtOnce) return;
      await new Promise<void>((resolve, reject) => {
        const fail = (): void => {
          reject(new Error('given up'));
        };
        if (giveUp.aborted) fail();
        giveUp.addEventListener('abort', fail);
        this.answers.push((error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    } finally {
      this.busy.delete(partition);
    }
  };
}

const bufferOf = (broker: HeldBroker, more: Partial<SendBufferParts> = {}): SendBuffer =>
  new SendBuffer({
    append: broker.append,
    maxBytes: 1_000,
    maxBatchBytes: 100,
    giveUpMillis: 600_000,
    ...more,
  });

test('what is added in one turn is one batch, and a call resolves when all of it is there', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker);
  let isDone = false;
  const first = buffer.add([record(0, 'a'), record(1, 'b')]).then(() => {
    isDone = true;
  });
  const second = buffer.add([record(0, 'c')]);
  await turns(2);
  expect(broker.batches).toEqual([
    { partition: 0, values: ['a', 'c'] },
    { partition: 1, values: ['b'] },
  ]);
  broker.answers[0]?.();
  await second;
  await turns(1);
  expect(isDone).toBe(false);
  broker.answers[1]?.();
  await first;
  expect(buffer).toMatchObject({ heldBytes: 0, heldRecords: 0 });
});

test('a full buffer lets nothing in until there is room, in the order of the calls', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker, { maxBytes: 25 });
  void buffer.add([record(0, 'a')]);
  void buffer.add([record(1, 'b')]);
  const large = buffer.add([record(0, 'c', 20)]);
  const small = buffer.add([record(0, 'd', 1)]); // there would be room for it
  await turns(2);
  expect(buffer).toMatchObject({ heldBytes: 20, heldRecords: 2, waitingCalls: 2 });
  broker.answers[0]?.();
  await turns(2);
  expect(buffer.waitingCalls).toBe(2);
  broker.answers[1]?.();
  await turns(2);
  expect(buffer).toMatchObject({ heldBytes: 21, waitingCalls: 0 });
  expect(broker.batches.at(-1)).toEqual({ partition: 0, values: ['c', 'd'] });
  broker.answers[2]?.();
  await Promise.all([large, small]);
});

test('what is larger than the bound goes alone', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker, { maxBytes: 25 });
  const first = buffer.add([record(0, 'a')]);
  const large = buffer.add([record(0, 'b', 90)]);
  await turns(2);
  expect(buffer.waitingCalls).toBe(1);
  broker.answers[0]?.();
  await first;
  await turns(2);
  expect(buffer).toMatchObject({ heldBytes: 90, waitingCalls: 0 });
  broker.answers[1]?.();
  await large;
});

test('a partition that cannot be written fails alone, with what waits behind it', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker);
  const failing = [buffer.add([record(0, 'a')])];
  const other = buffer.add([record(1, 'b')]);
  await turns(2);
  failing.push(buffer.add([record(0, 'c')]), buffer.add([record(0, 'd'), record(1, 'e')]));
  broker.answers[0]?.(new Error('no leader'));
  const results = await Promise.allSettled(failing);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  broker.answers[1]?.();
  await other;
  await turns(2);
  broker.answers[2]?.();
  await turns(2);
  expect(buffer).toMatchObject({ heldBytes: 0, heldRecords: 0 });
  // The next call tries anew.
  const again = buffer.add([record(0, 'a')]);
  await turns(2);
  broker.answers[3]?.();
  await again;
});

test('a flush waits for what was added before it, and says that something failed', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker);
  const added = buffer.add([record(0, 'a')]);
  const flushed = buffer.flush();
  await turns(2);
  const later = buffer.add([record(1, 'b')]);
  broker.answers[0]?.(new Error('no leader'));
  await expect(flushed).rejects.toThrow('no leader');
  await expect(added).rejects.toThrow('no leader');
  await turns(2);
  broker.answers[1]?.();
  await later;
  await buffer.flush();
});

test('in a hurry everything is given up, also what waits for room', async () => {
  const broker = new HeldBroker();
  const buffer = bufferOf(broker, { maxBytes: 10 });
  const calls = [buffer.add([record(0, 'a')]), buffer.add([record(1, 'b')])];
  await turns(2);
  buffer.hurry();
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('nothing is added at once', async () => {
  await bufferOf(new HeldBroker()).add([]);
});

test('any calls: each record once, in order within its partition, within the bounds', async () => {
  const calls = fc.array(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 60 })), {
      maxLength: 8,
    }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(calls, async (given) => {
      const broker = new HeldBroker();
      broker.answersAtOnce = true;
      let most = 0;
      const buffer: SendBuffer = bufferOf(broker, {
        maxBytes: 500,
        append: async (...batch) => {
          most = Math.max(most, buffer.heldBytes);
          await new Promise(setImmediate);
          await broker.append(...batch);
        },
      });
      let n = 0;
      const expected = new Map<number, string[]>();
      const added = given.map((call) =>
        buffer.add(
          call.map(([partition, bytes]) => {
            const value = String(n++);
            expected.set(partition, [...(expected.get(partition) ?? []), value]);
            return record(partition, value, bytes);
          }),
        ),
      );
      await Promise.all(added);
      for (const [partition, values] of expected) {
        const batches = broker.batches.filter((batch) => batch.partition === partition);
        expect(batches.flatMap((batch) => batch.values)).toEqual(values);
      }
      expect(most).toBeLessThanOrEqual(500);
      expect(buffer).toMatchObject({ heldBytes: 0, heldRecords: 0, waitingCalls: 0 });
    }),
  );
});
