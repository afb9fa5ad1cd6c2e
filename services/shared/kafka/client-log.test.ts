import { logLevel } from 'kafkajs';
import { levelOf } from './client-log.ts';

test.each<[logLevel, string, string]>([
  [logLevel.ERROR, 'The group is rebalancing, so a rejoin is needed', 'info'],
  [logLevel.ERROR, 'Response Heartbeat The coordinator is not aware of this member', 'info'],
  [logLevel.WARN, 'Specified group generation id is not valid', 'info'],
  [logLevel.ERROR, 'Connection error: connect ECONNREFUSED 127.0.0.1:9092', 'out-of-reach'],
  [
    logLevel.ERROR,
    'Failed to connect to seed broker, trying another broker from the list',
    'out-of-reach',
  ],
  [logLevel.ERROR, 'Crash: KafkaJSNumberOfRetriesExceeded', 'error'],
  [logLevel.WARN, 'something odd', 'warn'],
  [
    logLevel.WARN,
    'Limiting retries for the idempotent producer may invalidate EoS guarantees',
    'debug',
  ],
  [logLevel.INFO, 'Consumer has joined the group', 'info'],
  [logLevel.DEBUG, 'The group is rebalancing', 'debug'],
])('%d "%s" is logged as %s', (level, text, deserved) => {
  expect(levelOf(level, text)).toBe(deserved);
});
