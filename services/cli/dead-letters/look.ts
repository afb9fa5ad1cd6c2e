import type { ClickHouseClient } from '@clickhouse/client';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { UserError } from '../../shared/process/errors.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText } from '../../shared/model/time.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';
import { describeValue, formatLetter } from './describe.ts';
import { historyOf } from '../../operations/dead-letters/dispositions.ts';
import {
  ALL_OPEN,
  countByCode,
  listLetters,
  readLetter,
  type CodeCount,
  type Letter,
} from '../../operations/dead-letters/letters.ts';
import {
  formatMisplaced,
  misplacedObject,
  readMisplaced,
  type Misplaced,
} from '../../operations/dead-letters/misplaced.ts';
import { filterOf, type FilterOptions } from './options.ts';
import {
  parsePosition,
  positionText,
  type Position,
} from '../../operations/dead-letters/position.ts';

interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

/** `usagectl dlq list` */
export const list = async (options: ListOptions): Promise<void> => {
  const filter = filterOf(options);
  const after = options.after === undefined ? null : wholePosition(options.after);
  const { counts, letters, misplaced } = await withClickHouse(readViewConfig(), async (client) => ({
    counts: await countByCode(client, filter),
    letters: await listLetters(client, filter, options.limit + 1, after),
    misplaced: await readMisplaced(client, filter),
  }));
  const page = letters.slice(0, options.limit);
  const last = page.at(-1);
  const next = letters.length > page.length && last ? positionText(last) : null;
  if (options.json) {
    printJson({
      counts: countsObject(counts),
      misplaced: misplaced.map(misplacedObject),
      letters: page,
      next,
    });
    return;
  }
  if (counts.length === 0) {
    print(options.all ? 'No dead letters match.' : 'No open dead letters match.');
    return;
  }
  print(formatCounts(counts));
  for (const each of misplaced) print(`\n${formatMisplaced(each)}`);
  print('');
  print(
    formatTable(
      ['DEAD LETTER', 'REPORTED', 'CODE', 'STATE', 'BYTES', 'MESSAGE'],
      page.map((letter) => [
        positionText(letter),
        isoText(letter.reportedTime),
        letter.code,
        letter.disposition ?? 'open',
        letter.bytes,
        letter.message,
      ]),
      { whole: ['DEAD LETTER'] },
    ),
  );
  if (next !== null) print(`\nThere are more: --after ${next}`);
};

const wholePosition = (text: string): Position => {
  const { epoch, ...position } = parsePosition(text);
  if (epoch === null) {
    throw new UserError(
      `--after needs TOPIC/EPOCH/PARTITION/OFFSET, as "usagectl dlq list" prints it`,
    );
  }
  return { ...position, epoch };
};

const countsObject = (counts: readonly CodeCount[]) =>
  Object.fromEntries(counts.map(({ code, letters }) => [code, letters]));

export const formatCounts = (counts: readonly CodeCount[]): string =>
  formatTable(
    ['CODE', 'DEAD LETTERS'],
    counts.map(({ code, letters }) => [code, letters]),
  );

/**
 * The client that put a dead letter on its partition, if other dead letters of the same epoch show it.
 */
const misplacedAs = async (
  client: ClickHouseClient,
  { code, topic, epoch, disposition }: Letter,
): Promise<Misplaced | null> => {
  const openOnly = disposition === null;
  const found = await readMisplaced(client, {
    ...ALL_OPEN,
    codes: [code],
    topics: [topic],
    openOnly,
  });
  return found.find((each) => each.epoch === epoch) ?? null;
};

interface ShowOptions {
  readonly epoch?: number;
  readonly json?: boolean;
  readonly allBytes?: boolean;
}

/** `usagectl dlq show` */
export const show = async (text: string, options: ShowOptions): Promise<void> => {
  const position = parsePosition(text, options.epoch ?? null);
  await withClickHouse(readViewConfig(), async (client) => {
    const letter = await readLetter(client, position);
    const description = describeValue(letter.value, readSchemaDirectory());
    const history = await historyOf(client, letter);
    const misplaced = await misplacedAs(client, letter);
    if (options.json) {
      const { key, value, ...rest } = letter;
      printJson({
        ...rest,
        key: key?.toString('base64') ?? null,
        value: value?.toString('base64') ?? null,
        ...description,
        misplaced: misplaced && misplacedObject(misplaced),
        history,
      });
      return;
    }
    print(formatLetter(letter, description, history, options.allBytes === true));
    if (misplaced) print(`\n${formatMisplaced(misplaced)}`);
  });
};
