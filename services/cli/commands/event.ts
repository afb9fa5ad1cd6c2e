import type { ClickHouseClient } from '@clickhouse/client';
import type { Command } from 'commander';
import { UserError } from '../../shared/process/errors.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Hour } from '../../shared/model/time.ts';
import {
  eventsAt,
  eventsById,
  lettersAt,
  lettersById,
  lettersWith,
} from '../../operations/trace/events.ts';
import { findResources } from '../../operations/trace/resources.ts';
import { recordAt } from '../../operations/trace/log-record.ts';
import { traceEvent, traceResource, type Trace } from '../../operations/trace/trace.ts';
import { parsePosition } from '../../operations/dead-letters/position.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { checkFailed } from '../exit-code.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';
import { hour } from '../time-option.ts';
import {
  formatCandidates,
  formatEvent,
  formatLetter,
  formatResource,
  quoted,
} from '../trace/show-trace.ts';
import { MeterNames } from '../usage/meter-names.ts';

interface Options {
  readonly resource?: string;
  readonly meter?: string;
  readonly hour?: Hour;
  readonly json?: boolean;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

const NOT_FOUND =
  'Was it sent? "usagectl status" shows what is not counted yet (LAG), and "usagectl dlq list" what was refused';

const showTrace = ({ events, letters }: Trace, said: string | null, json: boolean): void => {
  if (json) {
    printJson({ events, letters });
    return;
  }
  const meters = new MeterNames();
  print(
    [
      ...(said === null ? [] : [said]),
      ...events.map((each) => formatEvent(each, meters)),
      ...letters.map(formatLetter),
    ].join('\n\n'),
  );
};

const traceById = async (client: ClickHouseClient, id: string): Promise<Trace> => {
  const events = [];
  for (const event of await eventsById(client, id)) events.push(await traceEvent(client, event));
  return { events, letters: await lettersById(client, id) };
};

const byId = async (client: ClickHouseClient, id: string, json: boolean): Promise<void> => {
  const trace = await traceById(client, id);
  if (trace.events.length + trace.letters.length === 0) {
    throw new UserError(`No event ${id} is in the ledger or among the dead letters. ${NOT_FOUND}`);
  }
  showTrace(trace, null, json);
};

/** A record is accepted, refused, or a duplicate; of a duplicate only the log knows what it was. */
const byPosition = async (
  client: ClickHouseClient,
  config: ReturnType<typeof readViewConfig>,
  text: string,
  json: boolean,
): Promise<void> => {
  if (!/\/\d+\/\d+$/.test(text)) {
    throw new UserError(
      `${quoted(text)} is neither the id of an event nor the position of a record, such as usage.events.compute/0/4711. By the name of a resource: usagectl event --resource NAME`,
    );
  }
  const position = parsePosition(text);
  const accepted = await eventsAt(client, position);
  const letters = await lettersAt(client, position);
  if (accepted.length + letters.length > 0) {
    const events = [];
    for (const event of accepted) events.push(await traceEvent(client, event));
    showTrace({ events, letters }, null, json);
    return;
  }
  const record = await recordAt(config, position);
  if (record.kind === 'no-event') {
    throw new UserError(`There is no event at ${text}: nothing, or a control record`);
  }
  const trace = await traceById(client, record.eventId);
  const what =
    trace.events.length > 0
      ? `The record ${text} has the id of an event that was accepted elsewhere, and is a duplicate of it if it is counted.`
      : `The record ${text} holds event ${record.eventId}, which is not counted yet. ${NOT_FOUND}.`;
  showTrace(trace, what, json);
};

/** The keys of meters with this id or name. */
const meterKeys = (text: string): readonly string[] => {
  const lower = text.trim().toLowerCase();
  const named = readMeterCatalog().filter(({ name }) => name.toLowerCase() === lower);
  return named.length === 0
    ? [asciiLower(text.trim())]
    : named.map((each) => asciiLower(each.meterId));
};

const byResource = async (
  client: ClickHouseClient,
  name: string,
  { meter, hour: usageHour, json = false }: Options,
): Promise<void> => {
  const found = await findResources(client, name);
  const { meant } = found;
  if (meant === null && found.candidates.length > 0) {
    if (json) printJson(found);
    else {
      print(`Several resources have ${quoted(name)} in their name. Name one of them:\n`);
      print(formatCandidates(found));
    }
    checkFailed();
    return;
  }
  const letters = await lettersWith(client, meant?.key ?? name.trim());
  const windows = await traceResource(client, {
    resourceKey: meant?.key ?? asciiLower(name.trim()),
    meterKeys: meter === undefined ? null : meterKeys(meter),
    usageHour: usageHour ?? null,
  });
  if (json) {
    printJson({ resource: meant, windows, letters });
  } else {
    if (meant !== null) print(`Resource ${quoted(meant.uri)}\n`);
    if (windows.windows.length > 0) print(formatResource(windows, new MeterNames()));
    for (const letter of letters) print(`\n${formatLetter(letter)}`);
  }
  if (windows.windows.length + letters.length > 0) return;
  throw new UserError(
    meant === null
      ? `No resource has ${quoted(name)} in its name, neither in the windows nor among the dead letters. ${NOT_FOUND}`
      : 'It has no usage of this meter and usage hour: without --meter and --hour you see what it has',
  );
};

export const eventCommand = (command: Command): Command =>
  command
    .argument('[id]', 'id of an event, or a record of the log: TOPIC/PARTITION/OFFSET')
    .option('--resource <name>', 'instead of an id: a resource, or a part of its name')
    .option('--meter <meter>', 'only this meter of the resource: its id or its name')
    .option('--hour <hour>', 'only this usage hour of the resource', hour)
    .option('--json', 'as JSON')
    .action(async (id: string | undefined, options: Options) => {
      const { resource, json = false } = options;
      if ((id === undefined) === (resource === undefined)) {
        throw new UserError('Give the id of an event, or --resource NAME');
      }
      const config = readViewConfig();
      await withClickHouse(config, async (client) => {
        if (resource !== undefined) await byResource(client, resource, options);
        else if (id !== undefined && UUID.test(id)) await byId(client, id, json);
        else if (id !== undefined) await byPosition(client, config, id, json);
      });
    });
