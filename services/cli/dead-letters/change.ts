import type { ClickHouseClient } from '@clickhouse/client';
import { UserError } from '../../shared/process/errors.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { recordOperation } from '../../shared/sources/register.ts';
import { withClickHouse, withSourceTools } from '../../operations/sources/source-tools.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { checkFailed } from '../exit-code.ts';
import { print, progress } from '../print.ts';
import { readChangeConfig, readViewConfig } from '../settings.ts';
import { writeDispositions } from '../../operations/dead-letters/dispositions.ts';
import {
  countByCode,
  pagesOfLetters,
  readLetter,
  type Letter,
  type LetterFilter,
} from '../../operations/dead-letters/letters.ts';
import { formatCounts } from './look.ts';
import { filterOf, reasonOf, type FilterOptions } from './options.ts';
import {
  parsePosition,
  positionText,
  type GivenPosition,
} from '../../operations/dead-letters/position.ts';
import {
  readRedriveWorld,
  redriveLetters,
  type RedriveResult,
} from '../../operations/dead-letters/redrive.ts';

interface ChangeOptions extends Omit<FilterOptions, 'all'> {
  readonly epoch?: number;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
}

/** What a command should change: one dead letter, or all open ones that match a filter. */
type Selection =
  | { readonly kind: 'one'; readonly position: GivenPosition }
  | { readonly kind: 'filter'; readonly filter: LetterFilter };

const selectionOf = (text: string | undefined, options: ChangeOptions): Selection => {
  const { code, topic, since, until } = options;
  const isFiltered = [code, topic, since, until].some((option) => option !== undefined);
  if (text !== undefined) {
    if (isFiltered) throw new UserError('Give one dead letter, or a filter, not both');
    return { kind: 'one', position: parsePosition(text, options.epoch ?? null) };
  }
  if (!isFiltered) {
    throw new UserError(
      'Which dead letters? Give one, as "usagectl dlq list" shows it, or --code, --topic, --since or --until',
    );
  }
  return { kind: 'filter', filter: filterOf(options) };
};

/** Says how many are selected, and stops unless the user has agreed. */
const agreed = async (
  client: ClickHouseClient,
  filter: LetterFilter,
  { yes, dryRun }: ChangeOptions,
): Promise<boolean> => {
  const counts = await countByCode(client, filter);
  if (counts.length === 0) {
    print('No open dead letters match: nothing to do.');
    return false;
  }
  print(formatCounts(counts));
  print('');
  if (!yes && !dryRun)
    throw new UserError('Add --yes to do this to all of them, or --dry-run to see it');
  return true;
};

const refuseDone = (letter: Letter, force: boolean | undefined): void => {
  if (letter.disposition === null || force) return;
  throw new UserError(
    `${positionText(letter)} was already ${letter.disposition} (see "usagectl dlq show"): --force does it again`,
  );
};

const detailOf = (selection: Selection, letter: Letter | null): object =>
  selection.kind === 'filter'
    ? { filter: selection.filter }
    : { letter: letter && positionText(letter) };

const subjectOf = (selection: Selection): string =>
  selection.kind === 'one'
    ? selection.position.topic
    : (selection.filter.topics ?? ['every topic']).join(', ');

async function* pagesOf(
  client: ClickHouseClient,
  selection: Selection,
  options: ChangeOptions,
): AsyncGenerator<readonly Letter[], void, undefined> {
  if (selection.kind === 'filter') {
    if (await agreed(client, selection.filter, options)) {
      yield* pagesOfLetters(client, selection.filter);
    }
    return;
  }
  const letter = await readLetter(client, selection.position);
  refuseDone(letter, options.force);
  yield [letter];
}

/** `usagectl dlq redrive` */
export const redrive = async (text: string | undefined, options: ChangeOptions): Promise<void> => {
  const selection = selectionOf(text, options);
  await withSourceTools(readChangeConfig(), async (tools) => {
    const outcome = new RedriveOutcome();
    try {
      await redriveSelected(tools, selection, options, outcome);
    } finally {
      if (outcome.sent > 0 && !options.dryRun) {
        await recordOperation(tools.clickHouse, {
          kind: 'dead-letters-redriven',
          subject: subjectOf(selection),
          detail: {
            ...detailOf(selection, outcome.one),
            sent: outcome.sent,
            refused: outcome.refusedCount,
            reason: options.reason ?? '',
          },
        });
      }
    }
    outcome.print(options.dryRun === true);
    if (outcome.refusedCount > 0) checkFailed();
  });
};

const redriveSelected = async (
  tools: SourceTools,
  selection: Selection,
  options: ChangeOptions,
  outcome: RedriveOutcome,
): Promise<void> => {
  const world = await readRedriveWorld(tools);
  const shown = progress('Dead letters checked:');
  for await (const page of pagesOf(tools.clickHouse, selection, options)) {
    outcome.one = page[0] ?? null;
    const results = await redriveLetters(tools, world, page, {
      force: options.force === true,
      dryRun: options.dryRun === true,
      actor: actorName(),
      reason: options.reason ?? '',
    });
    for (const result of results) outcome.add(result);
    shown.at(outcome.sent + outcome.refusedCount);
  }
  shown.end();
};

const EXAMPLES = 5;

/** What became of the checked dead letters, added up. */
class RedriveOutcome {
  one: Letter | null = null;
  sent = 0;
  refusedCount = 0;
  private readonly targets = new Map<string, number>();
  private readonly refused: RedriveResult[] = [];

  add(result: RedriveResult): void {
    const { to } = result;
    if (to === null) {
      this.refusedCount++;
      if (this.refused.length < EXAMPLES) this.refused.push(result);
      return;
    }
    this.sent++;
    const { topic, epoch, partition } = to;
    const name = [topic, epoch, partition].map(String).join('/');
    this.targets.set(name, (this.targets.get(name) ?? 0) + 1);
  }

  print(dryRun: boolean): void {
    const { sent, refusedCount, refused, targets } = this;
    for (const [target, count] of targets) {
      print(`${dryRun ? 'Would redrive' : 'Redrove'} ${String(count)} to ${target}.`);
    }
    for (const { letter, reason } of refused) {
      print(`Not redriven: ${positionText(letter)}: ${printable(reason ?? '')}.`);
    }
    if (refusedCount > refused.length) {
      print(`Not redriven: ${String(refusedCount - refused.length)} more.`);
    }
    if (sent > 0 && !dryRun) {
      print('Each one is counted, or refused again, when the aggregator has read it.');
    }
  }
}

/** `usagectl dlq discard` */
export const discard = async (
  text: string | undefined,
  options: ChangeOptions & { readonly reason: string },
): Promise<void> => {
  const reason = reasonOf(options.reason);
  const selection = selectionOf(text, options);
  await withClickHouse(readViewConfig(), async (client) => {
    let discarded = 0;
    let one: Letter | null = null;
    try {
      for await (const page of pagesOf(client, selection, options)) {
        one = page[0] ?? null;
        if (!options.dryRun) {
          await writeDispositions(
            client,
            page.map((letter) => ({
              letter,
              disposition: { disposition: 'discarded', actor: actorName(), reason, to: null },
            })),
          );
        }
        discarded += page.length;
      }
    } finally {
      if (discarded > 0 && !options.dryRun) {
        await recordOperation(client, {
          kind: 'dead-letters-discarded',
          subject: subjectOf(selection),
          detail: { ...detailOf(selection, one), discarded, reason },
        });
      }
    }
    if (discarded > 0) {
      print(`${options.dryRun ? 'Would discard' : 'Discarded'} ${String(discarded)}.`);
    }
  });
};
