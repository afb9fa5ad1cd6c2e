import { codeOf, messageOf } from './errors.ts';

/** Of Kafka's protocol: TOPIC_AUTHORIZATION_FAILED, GROUP_…, CLUSTER_…, TRANSACTIONAL_ID_…. */
const KAFKA_DENIED = '_AUTHORIZATION_FAILED';
/** ACCESS_DENIED and UNKNOWN_TABLE of ClickHouse's `ErrorCodes.cpp`. */
const CLICKHOUSE_DENIED = '497';
const NO_TABLE = '60';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** An error, what caused it, and what it gathers. */
function* chain(error: unknown): Generator<object> {
  if (!isObject(error)) return;
  yield error;
  if ('cause' in error) yield* chain(error.cause);
  if ('errors' in error && Array.isArray(error.errors)) {
    for (const each of error.errors) yield* chain(each);
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

export const isDeniedByClickHouse = (error: unknown): boolean =>
  codeOf(error) === CLICKHOUSE_DENIED;

const adviceOn = (error: object): string | null => {
  const rights = (server: string, user: string): string =>
    `${server} does not let the user of ${user} do this: grant the rights that docs/own-servers.md names`;
  if ('type' in error && typeof error.type === 'string' && error.type.endsWith(KAFKA_DENIED)) {
    return rights('Kafka', 'KAFKA_USERNAME');
  }
  if (isDeniedByClickHouse(error)) return rights('ClickHouse', 'CLICKHOUSE_USER');
  return codeOf(error) === NO_TABLE
    ? 'ClickHouse has no such table in this database: run "npx usagectl migrate", or set CLICKHOUSE_DATABASE'
    : null;
};

/** What to do about an answer of Kafka or ClickHouse that a person can change; null if it is another one. */
export const serverAdvice = (error: unknown): string | null => {
  for (const each of chain(error)) {
    const advice = adviceOn(each);
    if (advice !== null) return `${advice} (${oneLine(messageOf(each))})`;
  }
  return null;
};
