import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../services/shared/process/is-alive.ts';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { loginHeaders } from '../support/clickhouse-login.ts';
import { startServerParent, type ServersUp } from '../support/server-parent.ts';
import { waitFor } from '../support/wait-for.ts';

test('servers whose parent is killed end, also at work, and can be started again at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'local-servers-parent-'));
  const kafka = { dataDir: join(directory, 'kafka') };
  const clickHouse = { dataDir: join(directory, 'clickhouse') };
  const parent = startServerParent({ kafka, clickHouse });
  const up = JSON.parse(await parent.firstLine) as ServersUp;
  expect(up.pids.map(isAlive)).toEqual([true, true]);
  // A query that would run for days, and has begun.
  if (up.clickHouse === null) throw new Error('ClickHouse has not started');
  const query = fetch(up.clickHouse.CLICKHOUSE_URL, {
    method: 'POST',
    headers: loginHeaders(up.clickHouse),
    body: 'SELECT number FROM numbers(1000000000000000) WHERE NOT ignore(sipHash64(number))',
  });
  const body = (await query).body?.getReader();
  await body?.read();

  parent.process.kill('SIGKILL');
  await once(parent.process, 'exit');
  const again = await Promise.all([startKafka(kafka), startClickHouse(clickHouse)]);
  await waitFor('the servers have ended', () => Promise.resolve(!up.pids.some(isAlive)));
  await Promise.all(again.map((server) => server.stop()));
  await body?.cancel().catch(() => undefined);
  await rm(directory, { recursive: true });
});
