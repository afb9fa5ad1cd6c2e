import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import { readFetchesWithin } from './install.ts';

test('a broker whose answers have another form is refused, with what to do', () => {
  readFetchesWithin(1024 * 1024);
  expect(() => fetch.protocol({ version: 3 })).toThrow('Kafka is older than 0.11');
  expect(fetch.protocol({ version: 4 })).toEqual(expect.any(Function));
});
