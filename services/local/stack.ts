/**
 * The local stack: a real Kafka and a real ClickHouse on loopback, for `npm start` and for tests.
 * Both end with the process that started them, and go on with their data when started again.
 */
export { startKafka, type LocalKafka } from './kafka/start-kafka.ts';
export { startClickHouse, type LocalClickHouse } from './clickhouse/start-clickhouse.ts';
