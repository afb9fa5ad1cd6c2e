import type { ClickHouseClient } from '@clickhouse/client';
import type { Command } from 'commander';
import { compareWithLedger, readAccepted } from '../../operations/emit/accepted-before.ts';
import { emissionNotes, type EmissionNote } from '../../operations/emit/emission-notes.ts';
import { readEmitWorld, type EmitWorld } from '../../operations/emit/emit-world.ts';
import type { EmitProblem, GivenUsage } from '../../operations/emit/given-usage.ts';
import { planEmission, type PlannedEvent } from '../../operations/emit/plan-emission.ts';
import { sendEmission } from '../../operations/emit/send-emission.ts';
import { readUsageLines } from '../../operations/emit/usage-lines.ts';
import {
  notNamedYet,
  usageOfOptions,
  type UsageOptions,
} from '../../operations/emit/usage-of-options.ts';
import { withAdmin, withClickHouse } from '../../operations/sources/source-tools.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../shared/avro/usage-event-codec.ts';
import { openLogWriter } from '../../shared/kafka/log-writer.ts';
import { UserError } from '../../shared/process/errors.ts';
import { several } from '../dead-letters/options.ts';
import { inputName, readUsageFile } from '../emit/read-usage-file.ts';
import {
  eventObject,
  formatEvents,
  formatNextSteps,
  formatNote,
  formatProblems,
} from '../emit/show-emission.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';
import { MeterNames } from '../usage/meter-names.ts';

type Options = Omit<UsageOptions, 'location' | 'tags'> & {
  readonly location?: string;
  readonly tag?: readonly string[];
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
};

/** Where the simulated cloud is. */
const DEFAULT_LOCATION = 'local';

interface Input {
  readonly given: readonly GivenUsage[];
  readonly problems: readonly EmitProblem[];
  readonly assumed: string | null;
}

const USAGE_OPTIONS = [
  'subscription',
  'resource',
  'meter',
  'quantity',
  'from',
  'to',
  'location',
  'tag',
  'discriminator',
] as const;

/** What is emitted: one usage from the options, or all of a file. It is read before any server is asked. */
const readInput = async (options: Options): Promise<(world: EmitWorld) => Input> => {
  const given = USAGE_OPTIONS.filter((name) => options[name] !== undefined);
  if (options.file === undefined) {
    if (given.length === 0) {
      throw new UserError(
        'What is emitted? Give --resource, --meter and --quantity, or --file: see "usagectl emit --help"',
      );
    }
    return (world) => {
      const { location = DEFAULT_LOCATION, tag: tags = [] } = options;
      const one = usageOfOptions({ ...options, location, tags }, world);
      return { ...one, given: [one.given] };
    };
  }
  if (given.length > 0) {
    const names = given.map((name) => `--${name}`).join(', ');
    throw new UserError(`Give --file, or one usage by ${names}, not both`);
  }
  const lines = readUsageLines(await readUsageFile(options.file));
  if (lines.given.length + lines.problems.length === 0) {
    throw new UserError(`${inputName(options.file)} has no usage in it: it is empty`);
  }
  return () => ({ ...lines, assumed: null });
};

interface Checked {
  readonly events: readonly PlannedEvent[];
  readonly notes: readonly EmissionNote[];
  readonly assumed: string | null;
}

/** @throws UserError that names every problem */
const check = async (
  client: ClickHouseClient,
  inputIn: (world: EmitWorld) => Input,
): Promise<Checked> => {
  const world = await readEmitWorld(client);
  const { given, problems, assumed } = inputIn(world);
  const plan = planEmission(given, world);
  if (problems.length > 0 || !plan.ok) {
    const more = plan.ok ? [] : notNamedYet(problems, plan.error);
    throw new UserError(formatProblems([...problems, ...more]));
  }
  const { events } = plan.value;
  const { before, conflicts } = compareWithLedger(events, await readAccepted(client, events));
  if (conflicts.length > 0) throw new UserError(formatProblems(conflicts));
  return { events, notes: emissionNotes(plan.value, before, world), assumed };
};

const count = (events: readonly unknown[]): string =>
  events.length === 1 ? '1 event' : `${events.length.toLocaleString('en')} events`;

const show = (
  checked: Checked,
  text: string,
  { json, dryRun }: Options,
  events = checked.events,
) => {
  if (json) {
    const { notes, assumed } = checked;
    printJson({ sent: dryRun !== true, assumed, events: events.map(eventObject), notes });
    return;
  }
  print([...checked.notes.map(formatNote), text].join('\n\n'));
};

const emit = async (options: Options): Promise<void> => {
  const inputIn = await readInput(options);
  const config = readViewConfig();
  const checked = await withClickHouse(config, (client) => check(client, inputIn));
  const meters = new MeterNames();
  if (options.dryRun) {
    const planned = formatEvents(checked.events, meters, checked.assumed);
    show(checked, `Nothing was sent. ${count(checked.events)} can be:\n\n${planned}`, options);
    return;
  }
  const encode = usageEventEncoder(readSchemaDirectory());
  const sent = await withAdmin(config, async (_, kafka) => {
    const writer = await openLogWriter(kafka);
    try {
      return await sendEmission(writer, checked.events, encode);
    } finally {
      await writer.close();
    }
  });
  const text = [
    `Sent ${count(sent)}, which the broker has:`,
    formatEvents(sent, meters, checked.assumed),
    formatNextSteps(sent),
  ];
  show(checked, text.join('\n\n'), options, sent);
};

export const emitCommand = (command: Command): Command =>
  command
    .option('--resource <uri>', 'the resource: /subscriptions/ID/resourceGroups/…/providers/…')
    .option('--subscription <id>', 'its subscription (the one in the resource)')
    .option('--meter <meter>', 'id of a meter, or its name in the catalog')
    .option('--quantity <decimal>', 'how much, in the unit of the meter, such as 1.5')
    .option('--from <time>', 'start of the usage (start of the last full hour)')
    .option('--to <time>', 'end of the usage, exclusive (end of the hour of --from)')
    .option('--location <name>', `where the resource is (${DEFAULT_LOCATION})`)
    .option('--tag <name=value>', 'a tag of the resource (may be repeated)', several)
    .option('--discriminator <text>', 'tells this usage apart from other usage of the same time')
    .option('--file <path>', 'instead: JSON lines of usage, "-" for standard input')
    .option('--dry-run', 'check everything, and send nothing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nUsage over several hours becomes one event for each, and the quantities add up to the whole. Everything is checked\n' +
        'first: if anything is wrong, every problem is named and nothing is sent. The same usage has the same event id, so it\n' +
        'counts once, however often it is sent.\n\n' +
        'A line of a file has subscriptionId, resourceUri, meterId, from, to, quantity and location, and may have tags,\n' +
        'additionalInfo and discriminator: docs/other-languages.md explains them.',
    )
    .action(emit);
