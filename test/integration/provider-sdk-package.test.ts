import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../../services/shared/process/repository.ts';
import { OutsideProject, SDK_NAME } from '../support/provider-sdk/outside-project.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { readLog } from '../support/workload/read-log.ts';

const run = promisify(execFile);

let project: OutsideProject;
let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
  project = await OutsideProject.open();
});

afterAll(async () => {
  await stack.close();
  await project.close();
});

/** The program in docs/providers.md, for other servers. */
const documentedProgram = async (topic: string): Promise<string> => {
  const page = await readFile(inRepository('docs/providers.md'), 'utf8');
  const [, program = ''] = /```ts\n([^]*?)```/.exec(page) ?? [];
  const brokers = stack.config.KAFKA_BROKERS.map((broker) => `'${broker}'`).join(', ');
  return program
    .replace("'127.0.0.1:9092'", brokers)
    .replace("'usage.events.compute'", `'${topic}'`);
};

/** What the compiler finds in a program; nothing if it can be run. */
const compiled = async (program: string): Promise<string> => {
  await writeFile(join(project.directory, 'service.ts'), program);
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  return project.compile(...options, 'service.ts');
};

/** Compiles a program, and runs it in plain Node. */
const compileAndRun = async (program: string): Promise<void> => {
  expect(await compiled(program)).toBe('');
  await run(process.execPath, ['service.js'], { cwd: project.directory });
};

test('the documented program compiles with the packed types and reports its usage', async () => {
  const topic = `usage.events.${randomBytes(4).toString('hex')}`;
  const admin = stack.kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  await admin.disconnect();
  await compileAndRun(await documentedProgram(topic));
  const records = (await readLog(stack.kafka, [topic])).flatMap((log) => log.records);
  expect(records).toHaveLength(3);
});

test('wrong usage does not compile', async () => {
  const program = (await documentedProgram('x')).replace("location: 'local',", '');
  expect(await compiled(program)).toContain("Property 'location' is missing");
});

test('a kafkajs of the service is left as it is', async () => {
  await project.link('kafkajs');
  const program = `
    import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
    import { openUsageProvider } from ${JSON.stringify(SDK_NAME)};
    const before = RequestQueue.prototype.scheduleCheckPendingRequests;
    const opened = openUsageProvider({ kafka: { KAFKA_BROKERS: ['127.0.0.1:1'] }, topic: 'x' });
    const error = await opened.then(() => null, (thrown) => thrown);
    if (error?.name !== 'UserError') throw new Error('it should not reach a broker');
    if (RequestQueue.prototype.scheduleCheckPendingRequests !== before) {
      throw new Error('it was replaced');
    }
  `;
  await writeFile(join(project.directory, 'service.js'), program);
  await run(process.execPath, ['service.js'], { cwd: project.directory });
});
