import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { loginHeaders } from '../support/clickhouse-login.ts';

/** Disks of their own, in memory, which only root can mount: elsewhere these tests are skipped. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

let disk: string;
const mount = async (megabytes: number): Promise<boolean> => {
  disk = await mkdtemp(join(tmpdir(), 'local-full-disk-'));
  const args = ['-t', 'tmpfs', '-o', `size=${String(megabytes)}m`, 'tmpfs', disk];
  return spawnSync('mount', args).status === 0;
};
afterEach(async () => {
  spawnSync('umount', [disk]);
  await rm(disk, { recursive: true });
});

const FULL =
  /^(Kafka|ClickHouse) cannot use the directory \S+, the disk is full: make room, or choose another directory\.$/;

(canMount ? describe : describe.skip)('on a disk', () => {
  test('that is full, neither server starts, and nothing is left there', async () => {
    if (!(await mount(16))) return;
    for (const start of [startKafka, startClickHouse]) {
      const dataDir = join(disk, start.name);
      await expect(start({ dataDir })).rejects.toThrow(FULL);
      expect(await readdir(dataDir)).toEqual([]);
    }
  });

  test('that becomes full, ClickHouse refuses inserts whole, answers, and goes on with room', async () => {
    if (!(await mount(160))) return;
    const server = await startClickHouse({ dataDir: join(disk, 'data') });
    const headers = loginHeaders(server.environment);
    const post = (body: string): Promise<Response> =>
      fetch(server.url, { method: 'POST', body, headers });
    const count = async (): Promise<string> => (await post('SELECT count() FROM t')).text();
    await post('CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY tuple()');
    await post("INSERT INTO t VALUES ('before')");
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(130_000_000));
    for (const insert of [
      `INSERT INTO t FORMAT CSV\n${'x'.repeat(60_000_000)}`,
      'INSERT INTO t SELECT randomString(1000) FROM numbers(60000)',
    ]) {
      const refused = await post(insert);
      expect(refused.headers.get('X-ClickHouse-Exception-Code')).toBe('243');
      expect(await refused.text()).toMatch(/space/i);
      expect(await count()).toBe('1\n');
    }
    await rm(filler);
    await post("INSERT INTO t VALUES ('after')");
    expect(await count()).toBe('2\n');
    await server.stop();
  });

  test('that becomes full, Kafka ends, says why, and has all it acknowledged once there is room', async () => {
    if (!(await mount(160))) return;
    const dataDir = join(disk, 'data');
    const first = await startKafka({ dataDir });
    const client = (brokers: string[]): Kafka =>
      new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } });
    const admin = client(first.brokers).admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 't' }] });
    await admin.disconnect();
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(140_000_000));
    const producer = client(first.brokers).producer();
    await producer.connect();
    let acknowledged = 0;
    try {
      for (;;) {
        await producer.send({ topic: 't', messages: [{ value: Buffer.alloc(500_000) }] });
        acknowledged += 1;
      }
    } catch {
      expect(acknowledged).toBeGreaterThan(0);
    }
    expect((await first.exited).code).toBe(1);
    expect((await first.explainEnd()).message).toMatch(FULL);
    await producer.disconnect();

    await rm(filler);
    const second = await startKafka({ dataDir });
    const again = client(second.brokers).admin();
    await again.connect();
    const [offsets] = await again.fetchTopicOffsets('t');
    expect(Number(offsets?.high)).toBeGreaterThanOrEqual(acknowledged);
    await again.disconnect();
    await second.stop();
  });
});
