import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../../services/shared/process/repository.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { readLog } from '../support/workload/read-log.ts';

/** A service of somebody else, in a directory of its own, with the package installed as npm would. */
const run = promisify(execFile);
const require = createRequire(import.meta.url);
const NAME = '@usage-pipeline/provider-sdk';

let directory: string;
let installed: string;
let stack: TestStack;

const link = async (name: string): Promise<void> => {
  const path = join(directory, 'node_modules', name);
  await mkdir(dirname(path), { recursive: true });
  await symlink(inRepository(`node_modules/${name}`), path);
};

beforeAll(async () => {
  stack = await openTestStack();
  directory = await mkdtemp(join(tmpdir(), 'usage-sdk-consumer-'));
  installed = join(directory, 'node_modules', NAME);
  await run('npm', ['run', '-s', 'sdk:build'], { cwd: inRepository('.') });
  const packed = ['pack', inRepository('dist/provider-sdk'), '--pack-destination', directory];
  const { stdout } = await run('npm', [...packed, '--json'], { cwd: directory });
  const [{ filename } = { filename: '' }] = JSON.parse(stdout) as { filename: string }[];
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(directory, filename), '-C', installed, '--strip-components=1']);
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  await Promise.all([...Object.keys(dependencies), '@types/node'].map(link));
  await writeFile(join(directory, 'package.json'), JSON.stringify({ type: 'module' }));
});

afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
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

/** What the compiler finds in a program with the types of the package; nothing if it can be run. */
const compiled = async (program: string): Promise<string> => {
  await writeFile(join(directory, 'service.ts'), program);
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  return run(process.execPath, [compiler, ...options, 'service.ts'], { cwd: directory }).then(
    () => '',
    (error: unknown) => (error as { stdout: string }).stdout,
  );
};

/** Compiles a program, and runs it in plain Node. */
const compileAndRun = async (program: string): Promise<void> => {
  expect(await compiled(program)).toBe('');
  await run(process.execPath, ['service.js'], { cwd: directory });
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
  await link('kafkajs');
  const program = `
    import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
    import { openUsageProvider } from ${JSON.stringify(NAME)};
    const before = RequestQueue.prototype.scheduleCheckPendingRequests;
    const opened = openUsageProvider({ kafka: { KAFKA_BROKERS: ['127.0.0.1:1'] }, topic: 'x' });
    const error = await opened.then(() => null, (thrown) => thrown);
    if (error?.name !== 'UserError') throw new Error('it should not reach a broker');
    if (RequestQueue.prototype.scheduleCheckPendingRequests !== before) {
      throw new Error('it was replaced');
    }
  `;
  await writeFile(join(directory, 'service.js'), program);
  await run(process.execPath, ['service.js'], { cwd: directory });
});
