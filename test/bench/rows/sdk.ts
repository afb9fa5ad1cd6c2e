import { messageOf } from '../../../services/shared/process/errors.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../../services/shared/kafka/admin.ts';
import { openKafka } from '../../../services/shared/kafka/client.ts';
import { liveTopic } from '../../../services/shared/kafka/topics.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { nodeProgram, runContender, type Run } from '../contenders/contender.ts';
import type { SendTask } from '../contenders/send-main.ts';
import { atLeast, median, numberText, type Figure } from '../figure.ts';
import { silent } from '../scene.ts';

const ROW = 'sdk';

interface Sender extends Pick<SendTask, 'sender' | 'batch' | 'calls'> {
  readonly name: string;
  readonly title: string;
}

/** kafkajs copies all messages of a partition once for each of them, so larger calls are not faster. */
const BARE: readonly Sender[] = [100, 400, 1_600].map((batch) => ({
  name: `kafkajs-${String(batch)}`,
  title: `bare kafkajs, encoded records in calls of ${batch.toLocaleString('en')}`,
  sender: 'kafkajs',
  batch,
  calls: 8,
}));

const SDK: Sender = {
  name: 'sdk',
  title: 'the provider SDK, usage in calls of 400',
  sender: 'sdk',
  batch: 400,
  calls: 8,
};

const SENDERS = [...BARE, SDK];

/** What one sender did in each round. */
interface Results {
  readonly sender: Sender;
  readonly rates: number[];
  /** Seconds of processor time. */
  readonly processor: number[];
  problem: string | null;
}

const runOnce = async (
  { options, servers, say }: Bench,
  admin: KafkaAdmin,
  result: Results,
  round: number,
): Promise<void> => {
  const { sender } = result;
  const topic = `bench-${ROW}-${sender.name}-${String(round)}`;
  const { partitions, events } = options;
  const brokers = (servers.environment['KAFKA_BROKERS'] ?? '').split(',');
  const { batch, calls } = sender;
  const task: SendTask = { brokers, topic, load: options, sender: sender.sender, batch, calls };
  try {
    await admin.createTopics([liveTopic({ topic, partitions, replicationFactor: 1 })]);
    const run: Run = await runContender(
      nodeProgram('test/bench/contenders/send-main.ts', task),
      servers,
    );
    const offsets = await admin.offsets(topic);
    const arrived = offsets.reduce((sum, { high }) => sum + high, 0);
    if (arrived !== events) {
      result.problem ??= `${sender.title}: ${String(arrived)} of ${String(events)} records are in the log`;
    }
    const { contender = 0 } = run.usage.processor;
    result.rates.push(events / run.seconds);
    result.processor.push(contender);
    say(
      `  ${sender.title}: ${numberText(events / run.seconds)} events/s, processor ${numberText(contender)} s`,
    );
    await admin.deleteTopic(topic);
  } catch (error) {
    result.problem ??= `${sender.title}: ${messageOf(error)}`;
    say(`  ${result.problem}`);
  }
};

const figuresOf = (results: readonly Results[]): readonly Figure[] => {
  const own = results.find(({ sender }) => sender === SDK);
  const bare = results.filter(({ sender }) => sender !== SDK);
  const problem = results.map((result) => result.problem).find((each) => each !== null) ?? null;
  // Only runs of the same round are compared: with the bare producer at its best.
  const ratios = (own?.rates ?? []).map(
    (rate, n) => rate / Math.max(...bare.map(({ rates }) => rates[n] ?? NaN)),
  );
  const processorRatios = (own?.processor ?? []).map(
    (seconds, n) => seconds / Math.min(...bare.map(({ processor }) => processor[n] ?? NaN)),
  );
  return [
    ...results.map(({ sender, rates, problem: its }) => ({
      row: ROW,
      title: sender.title,
      value: rates.length === 0 ? null : median(rates),
      unit: 'events/s',
      target: null,
      problem: its,
    })),
    {
      row: ROW,
      title: 'the SDK against bare kafkajs at its best',
      value: ratios.length === 0 ? null : median(ratios),
      unit: '×',
      target: atLeast(0.8),
      problem,
    },
    {
      row: ROW,
      title: 'processor time of the SDK against bare kafkajs at its best',
      value: processorRatios.length === 0 ? null : median(processorRatios),
      unit: '×',
      target: null,
      problem,
    },
  ];
};

/** From usage as a provider knows it to acknowledged records, against sending records that are encoded already. */
export const sdk: BenchRow = {
  name: ROW,
  title: 'events a second that the provider SDK sends, and a bare kafkajs producer the same bytes',
  run: async (bench) => {
    const kafka = openKafka({
      brokers: (bench.servers.environment['KAFKA_BROKERS'] ?? '').split(','),
      clientId: 'bench-sdk',
      maxBatchMib: 128,
      logger: silent,
    });
    const admin = await openKafkaAdmin(kafka);
    const results = SENDERS.map((sender): Results => ({
      sender,
      rates: [],
      processor: [],
      problem: null,
    }));
    try {
      for (let round = 0; round < bench.options.rounds; round++) {
        bench.say(`Round ${String(round + 1)} of ${String(bench.options.rounds)}`);
        const turn = round % results.length;
        for (const result of [...results.slice(turn), ...results.slice(0, turn)]) {
          await runOnce(bench, admin, result, round);
        }
      }
    } finally {
      await admin.close();
    }
    return figuresOf(results);
  },
};
