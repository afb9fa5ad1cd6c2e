import fc from 'fast-check';
import type { NewRecord } from './new-record.ts';
import { NotAppended, SequencedWriter, type IdentifiedProducer } from './sequenced-writer.ts';

class LostCount extends Error {}
class Refused extends Error {}

type Fault = 'none' | 'request lost' | 'answer lost' | 'count lost';

interface Batch {
  readonly first: number;
  readonly last: number;
}

/** What a broker knows of producers: the last five batches of each, as Kafka does. */
class ModelBroker {
  readonly logs = new Map<number, string[]>();
  readonly faults: Fault[];
  private known = new Map<string, Batch[]>();
  private producers = 0;
  open = 0;
  refuses = false;

  constructor(faults: Fault[]) {
    this.faults = faults;
  }

  readonly openProducer = (): Promise<IdentifiedProducer> => {
    const id = ++this.producers;
    this.open++;
    return Promise.resolve({
      send: async ({ partition }, records, first) => {
        await Promise.resolve();
        this.receive(id, partition, records, first);
      },
      close: () => {
        this.open--;
        return Promise.resolve();
      },
    });
  };

  private receive(
    id: number,
    partition: number,
    records: readonly NewRecord[],
    first: number,
  ): void {
    const fault = this.faults.shift() ?? 'none';
    if (this.refuses) throw new Refused('too large');
    if (fault === 'request lost') throw new Error(fault);
    if (fault === 'count lost')
      this.known = new Map([[`${String(id)} ${String(partition)}`, [{ first: -9, last: -9 }]]]);
    this.append(id, partition, records, first);
    if (fault === 'answer lost') throw new Error(fault);
  }

  private append(
    id: number,
    partition: number,
    records: readonly NewRecord[],
    first: number,
  ): void {
    const name = `${String(id)} ${String(partition)}`;
    const batches = this.known.get(name) ?? [];
    const last = first + records.length - 1;
    if (batches.some((batch) => batch.first === first && batch.last === last)) return;
    const newest = batches.at(-1);
    if (newest ? newest.last + 1 !== first : false) throw new LostCount('out of order');
    this.known.set(name, [...batches, { first, last }].slice(-5));
    const log = this.logs.get(partition) ?? [];
    log.push(...records.map(({ value }) => String(value)));
    this.logs.set(partition, log);
  }
}

const writerFor = (broker: ModelBroker): SequencedWriter =>
  new SequencedWriter({
    open: broker.openProducer,
    judge: (error) => {
      if (error instanceof LostCount) return 'new-producer';
      return error instanceof Refused ? 'refused' : 'try-again';
    },
    logger: { info: () => undefined, warn: () => undefined },
    sleep: () => Promise.resolve(),
  });

const batch = (...values: readonly string[]): readonly NewRecord[] =>
  values.map((value) => ({ key: null, value: Buffer.from(value) }));

const never = new AbortController().signal;
const at = (partition: number) => ({ topic: 'usage', partition });

test('whatever is lost on the way, each batch is in the log once and in order', async () => {
  const faults = fc.array(fc.constantFrom<Fault>('none', 'request lost', 'answer lost'), {
    maxLength: 60,
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(
      faults,
      fc.array(sizes, { minLength: 1, maxLength: 3 }),
      async (lost, lanes) => {
        const broker = new ModelBroker([...lost]);
        const writer = writerFor(broker);
        const values = lanes.map((lane, partition) =>
          lane.map((size, n) =>
            Array.from({ length: size }, (_, i) => [partition, n, i].map(String).join('.')),
          ),
        );
        await Promise.all(
          values.map(async (lane, partition) => {
            for (const each of lane) await writer.append(at(partition), batch(...each), never);
          }),
        );
        values.forEach((lane, partition) => {
          expect(broker.logs.get(partition)).toEqual(lane.flat());
        });
        await writer.close();
        expect(broker.open).toBe(0);
      },
    ),
  );
});

test('connecting ahead makes the producer that the first batch is sent by', async () => {
  const broker = new ModelBroker([]);
  let opened = 0;
  let isAway = true;
  const writer = new SequencedWriter({
    open: () => {
      opened++;
      return isAway ? Promise.reject(new Error('no broker')) : broker.openProducer();
    },
    judge: () => 'try-again',
    logger: { info: () => undefined, warn: () => undefined },
  });
  await expect(writer.connect()).rejects.toThrow('no broker');
  isAway = false;
  await writer.connect();
  expect(broker.open).toBe(1);
  await writer.append(at(0), batch('a'), never);
  expect(opened).toBe(2);
  await writer.close();
  expect(broker.open).toBe(0);
});

test('the batch after one that was given up is not taken for it', async () => {
  const broker = new ModelBroker(['answer lost']);
  const writer = writerFor(broker);
  const giveUp = new AbortController();
  const first = writer.append(at(0), batch('a', 'b'), giveUp.signal);
  giveUp.abort();
  await expect(first).rejects.toThrow(NotAppended);
  await writer.append(at(0), batch('c', 'd'), never);
  expect(broker.logs.get(0)?.slice(-2)).toEqual(['c', 'd']);
  await writer.close();
  expect(broker.open).toBe(0);
});

test('the batch after one that was given up after it arrived is not taken for it', async () => {
  const giveUp = new AbortController();
  const broker = new ModelBroker(['answer lost']);
  const writer = new SequencedWriter({
    open: broker.openProducer,
    judge: () => 'try-again',
    logger: { info: () => undefined, warn: () => undefined },
    sleep: () => {
      giveUp.abort(); // after the first failure
      return Promise.resolve();
    },
  });
  await expect(writer.append(at(0), batch('a', 'b'), giveUp.signal)).rejects.toThrow('answer lost');
  await writer.append(at(0), batch('c', 'd'), never);
  expect(broker.logs.get(0)).toEqual(['a', 'b', 'c', 'd']);
  await writer.close();
});

test('when the broker has lost count, the batch is sent by another producer', async () => {
  const broker = new ModelBroker(['none', 'count lost']);
  const writer = writerFor(broker);
  for (const value of ['a', 'b', 'c']) await writer.append(at(0), batch(value), never);
  expect(broker.logs.get(0)).toEqual(['a', 'b', 'c']);
  await writer.close();
  expect(broker.open).toBe(0);
});

test('what the broker refuses for good is not tried again, and later batches are written', async () => {
  const broker = new ModelBroker([]);
  const writer = writerFor(broker);
  broker.refuses = true;
  await expect(writer.append(at(0), batch('a'), never)).rejects.toThrow('too large');
  broker.refuses = false;
  await writer.append(at(0), batch('b'), never);
  expect(broker.logs.get(0)).toEqual(['b']);
  await writer.close();
  expect(broker.open).toBe(0);
});

test('a producer is not closed while a batch that was given up is on its way', async () => {
  let answer: () => void = () => undefined;
  let isClosed = false;
  const writer = new SequencedWriter({
    open: () =>
      Promise.resolve({
        send: () =>
          new Promise<void>((resolve) => {
            answer = resolve;
          }),
        close: () => {
          isClosed = true;
          return Promise.resolve();
        },
      }),
    judge: () => 'try-again',
    logger: { info: () => undefined, warn: () => undefined },
  });
  const giveUp = new AbortController();
  const appended = writer.append(at(0), batch('a'), giveUp.signal);
  await new Promise(setImmediate);
  giveUp.abort();
  await expect(appended).rejects.toThrow('it took too long');
  expect(isClosed).toBe(false);
  answer();
  await new Promise(setImmediate);
  expect(isClosed).toBe(true);
});
