import { waitFor } from './wait-for.ts';

/**
 * One row, `1, 'a'`, that takes six seconds to read: long enough for a test to meet the statement
 * at work, and to do something beside it.
 */
export const SLOW_ROW =
  "(SELECT 1 AS a, 'a' AS s FROM numbers(6) WHERE sleepEachRow(1) = 0 LIMIT 1 OFFSET 5 SETTINGS max_block_size = 1)";

/** Resolves once the engine works on a statement with this text, as one beside it sees. */
export const untilRunning = async (
  ask: (sql: string) => Promise<string>,
  part: string,
): Promise<void> => {
  // In digits, so that the question does not find itself.
  const hex = Buffer.from(part).toString('hex');
  const question = `SELECT count() FROM system.processes WHERE position(query, unhex('${hex}')) > 0`;
  await waitFor(`"${part}" runs`, async () => (await ask(question)) !== '0\n');
};
