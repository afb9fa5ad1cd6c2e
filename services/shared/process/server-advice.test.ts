import { explain, isDefect } from './explain.ts';
import { serverAdvice } from './server-advice.ts';

const withFields = (message: string, fields: object): Error =>
  Object.assign(new Error(message), fields);

const KAFKA = withFields('Not authorized to access group: Group authorization failed', {
  type: 'GROUP_AUTHORIZATION_FAILED',
});
const NO_TABLE = withFields("Unknown table expression identifier 'sources'", { code: '60' });
const CLICKHOUSE = withFields('usage: Not enough privileges.\nIt needs INSERT(a) ON usage.b', {
  code: '497',
});

test.each([
  [
    'Kafka',
    KAFKA,
    /^Kafka does not let the user of KAFKA_USERNAME .*Group authorization failed\)$/,
  ],
  [
    'ClickHouse',
    CLICKHOUSE,
    /^ClickHouse does not let .*privileges. It needs INSERT\(a\) ON usage.b\)$/,
  ],
  ['no table', NO_TABLE, /^ClickHouse has no such table .*usagectl migrate/],
  ['a cause', new Error('x', { cause: new Error('y', { cause: KAFKA }) }), /^Kafka does not let/],
  ['one of several', withFields('all', { errors: [new Error('z'), KAFKA] }), /^Kafka does not let/],
])('%s: what a person can change at the servers is said in one line', (_, error, says) => {
  expect(explain(error)).toMatch(says);
  expect(isDefect(error)).toBe(false);
});

test('nothing else is', () => {
  for (const error of [null, 'text', new Error('x'), withFields('y', { code: 497 })]) {
    expect(serverAdvice(error)).toBeNull();
    expect(isDefect(error)).toBe(true);
  }
});
