import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { UserError } from '../../services/shared/process/errors.ts';
import type { ServerChoice, ServersUp } from './server-parent.ts';

const { kafka, clickHouse } = JSON.parse(process.argv[2] ?? '') as ServerChoice;
try {
  const broker = kafka && (await startKafka(kafka));
  const engine = clickHouse && (await startClickHouse(clickHouse));
  const up: ServersUp = {
    pids: [broker, engine].flatMap((server) => (server ? [server.pid] : [])),
    clickHouse: engine?.environment ?? null,
  };
  console.log(JSON.stringify(up));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exit(1);
}
