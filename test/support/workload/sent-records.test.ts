import { CONTROL_HEADER } from '../../../services/shared/model/control-record.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { HOUR_MILLIS, millis } from '../../../services/shared/model/time.ts';
import { ExpectedTotals, type ExpectedSource } from './expected-totals.ts';
import { generateWorkload } from './generate-workload.ts';
import { SentRecords } from './sent-records.ts';

const from = millis(Date.UTC(2026, 0, 10));
const source: ExpectedSource & { namespaces: readonly string[] } = {
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 1,
  firstHour: from,
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  namespaces: ['microsoft.compute'],
};
const at = { topic: source.topic, epoch: 1, partition: 0 };

const records = (): { sent: SentRecords; log: LogRecord[] } => {
  const sent = new SentRecords();
  const tick = { key: null, value: null, headers: { [CONTROL_HEADER]: 'tick' } };
  const rules = { key: null, value: null, headers: { [CONTROL_HEADER]: 'rules' } };
  const emissions = [
    ...generateWorkload({
      seed: 3,
      events: 50,
      tenants: 2,
      resourcesPerTenant: 2,
      topics: [source],
      reportedFrom: from,
      reportedTo: from,
      shares: {},
    }),
  ];
  for (const emission of emissions) sent.add(emission);
  // The third record was appended twice, because its acknowledgement was lost.
  const all = [rules, ...emissions.slice(0, 3), ...emissions.slice(2), tick];
  const log = all.map(({ key, value, headers }, offset) => ({
    offset,
    timestamp: millis(from + offset),
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers,
  }));
  return { sent, log };
};

test('the log tells the oracle what was sent, what was appended twice, and what the aggregator wrote', () => {
  const { sent, log } = records();
  const expected = new ExpectedTotals([source]);
  sent.tell(expected, at, log);
  expect(expected.partition(at)).toMatchObject({
    nextOffset: 53,
    accepted: 50,
    duplicate: 1,
    control: 2,
    deadLettered: 0,
  });
});

test('a record that nobody sent is not passed over', () => {
  const { sent, log } = records();
  const strange = log.map((record) => ({ ...record, value: Buffer.from('other') })).slice(1, 2);
  expect(() => sent.tell(new ExpectedTotals([source]), at, strange)).toThrow('nobody sent');
});
