import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainBrokerFailure } from './broker-failure.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'broker-failure-'))));
afterEach(() => rm(directory, { recursive: true }));

const explain = async (log: string): Promise<string> => {
  const path = join(directory, 'kafka.log');
  await writeFile(path, log);
  return (await explainBrokerFailure(path, directory, 9092)).message;
};

const bindError = (port: number): string =>
  `ERROR ... KafkaException: Socket server failed to bind to 127.0.0.1:${String(port)}: Address already in use.`;

test('a port that was taken is named with its setting', async () => {
  expect(await explain(bindError(9092))).toMatch(/127\.0\.0\.1:9092.*set KAFKA_PORT/);
});

test('the port of the controller, which nobody sets, is free at the next start', async () => {
  expect(await explain(bindError(40001))).toMatch(/port 40001, which was free: start again\.$/);
});

test('a full disk is named, whatever else the log says', async () => {
  expect(await explain('INFO fine\njava.io.IOException: No space left on device')).toBe(
    `Kafka cannot use the directory ${directory}, the disk is full: make room, or choose another directory.`,
  );
});

test('what nobody knows is told by the last lines of the log, without stack frames', async () => {
  const message = await explain('INFO fine\nERROR odd\n\tat a.b.C(D.java:1)\n\t... 3 more\n');
  expect(message).toBe(
    `Kafka has ended. The last lines of ${directory}/kafka.log:\nINFO fine\nERROR odd`,
  );
});
