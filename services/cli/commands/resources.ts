import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import {
  createdBy,
  CREATED_KINDS,
  isResourceName,
  RESOURCE_NAME_RULE,
  type ChangeAnswer,
  type ChangeName,
  type CreatedKind,
  type ShownResource,
} from '../../development/simulated-cloud/resource-requests.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { formatTable, outputWidth } from '../../shared/terminal/table.ts';
import { print, printJson } from '../print.ts';
import { DOOR_NAMES, ProviderDoors, type DoorName } from '../resources/provider-door.ts';
import { subscriptionKey } from '../subscription-option.ts';

const resourceName = (text: string): string => {
  if (isResourceName(text)) return text;
  throw new InvalidArgumentError(`it ${RESOURCE_NAME_RULE}`);
};

/** What people call a resource: the last part of its URI. */
const nameOf = ({ resourceUri }: ShownResource): string => resourceUri.split('/').at(-1) ?? '';

/** From this width on there is room for whole ids. */
const WIDE = 120;

interface ListOptions {
  readonly subscription?: string;
  readonly json?: boolean;
}

const list = async ({ subscription, json }: ListOptions): Promise<void> => {
  const resources = await new ProviderDoors().list(subscription ?? null);
  if (json) {
    printJson(resources);
    return;
  }
  if (resources.length === 0) {
    print('There are no resources. Create one: npx usagectl resources create vm --subscription …');
    return;
  }
  const isWide = outputWidth() >= WIDE;
  print(
    formatTable(
      ['SUBSCRIPTION', 'KIND', 'NAME', 'STATE', 'SIZE', 'OS'],
      resources.map((each) => [
        isWide ? each.subscriptionId : (each.subscriptionId.split('-', 1)[0] ?? ''),
        each.kind,
        nameOf(each),
        each.state,
        each.size,
        each.os,
      ]),
      { whole: ['SUBSCRIPTION', 'NAME'] },
    ),
  );
};

interface CreateOptions {
  readonly subscription: string;
  readonly group: string;
  readonly name?: string;
  readonly size?: string;
  readonly os?: 'windows' | 'linux';
}

const create = async (kind: CreatedKind, options: CreateOptions): Promise<void> => {
  const { subscription, group, name, size, os } = options;
  const answer = await new ProviderDoors().create(createdBy(kind), {
    kind,
    subscriptionId: subscription,
    resourceGroup: group,
    ...(name !== undefined && { name }),
    ...(size !== undefined && { size }),
    ...(os !== undefined && { os }),
  });
  print(`Created ${answer.value.map(described).join(', with ')}.`);
  for (const { resourceUri } of answer.value) print(`  ${resourceUri}`);
  printArrival(answer);
};

const described = (resource: ShownResource): string => {
  const { kind, size, os } = resource;
  const details = [size, os].filter((text) => text !== null).join(', ');
  return `the ${kind} ${nameOf(resource)}${details && ` (${details})`}`;
};

const at = (instant: number): string => isoText(millis(instant));

/** What comes of a new resource: its usage in some seconds, its bill after the hour. */
const printArrival = ({ value, from, reportedAt, hourEnds }: ChangeAnswer): void => {
  const [resource] = value;
  if (!resource) return;
  print(
    `It counts from ${at(from)} on. Its usage arrives from ${at(reportedAt)} on:\n` +
      `  npx usagectl usage get --provisional --granularity hourly --subscriber ${resource.subscriptionId} --watch\n` +
      `That hour closes at ${at(hourEnds)}. Then it is billed:\n` +
      `  npx usagectl event --resource ${nameOf(resource)}`,
  );
};

const DONE: Readonly<Record<ChangeName, string>> = {
  resize: 'Resized',
  stop: 'Stopped',
  start: 'Started',
  deallocate: 'Deallocated',
  delete: 'Deleted',
};

/** What follows from a change and may surprise. */
const NOTES: Partial<Readonly<Record<ChangeName, string>>> = {
  stop: 'A stopped machine keeps its place, and goes on being metered: deallocate gives it back.',
  deallocate: 'Its disks go on being metered.',
};

const change =
  (name: ChangeName) =>
  async (given: string, { size }: { readonly size?: string }): Promise<void> => {
    const doors = new ProviderDoors();
    const resource = findResource(await doors.list(null), given);
    const answer = await doors.change(doorOf(resource), {
      resource: resource.resourceUri,
      change: name,
      ...(size !== undefined && { size }),
    });
    print(`${DONE[name]} ${answer.value.map(described).join(', ')}.`);
    const note =
      name === 'delete' && resource.kind === 'vm'
        ? 'Its disks stay, and go on being metered: delete them too.'
        : NOTES[name];
    if (note !== undefined) print(note);
    print(`The change counts from ${at(answer.from)} on.`);
  };

const doorOf = ({ provider, resourceUri }: ShownResource): DoorName => {
  const door = DOOR_NAMES.find((each) => each === provider);
  if (door !== undefined) return door;
  throw new UserError(`${resourceUri} belongs to the provider ${provider}, which has no door here`);
};

/** A resource by its URI, or by its name where only one has it. */
const findResource = (resources: readonly ShownResource[], given: string): ShownResource => {
  const exact = resources.find((each) => resourceKey(each.resourceUri) === resourceKey(given));
  if (exact) return exact;
  const named = resources.filter((each) => asciiLower(nameOf(each)) === asciiLower(given));
  const [first] = named;
  if (first && named.length === 1) return first;
  throw new UserError(
    first
      ? `${String(named.length)} resources are called "${given}": name one by its URI, such as ${first.resourceUri}`
      : `There is no resource "${given}": "usagectl resources list" shows those that are there`,
  );
};

const createCommand = (): Command =>
  new Command('create')
    .description('create a resource; a machine gets a disk')
    .addArgument(new Argument('<kind>', 'what it is').choices(CREATED_KINDS))
    .requiredOption(
      '--subscription <id>',
      'whose it is: see "usagectl subscriptions list"',
      subscriptionKey,
    )
    .option('--group <name>', 'its resource group', resourceName, 'rg-usagectl')
    .option('--name <name>', 'its name (of its kind, with a number)', resourceName)
    .option(
      '--size <size>',
      'such as Standard_F2s of a machine, S10 of a disk, S1 of an App Service plan; an unknown one lists them all',
    )
    .addOption(
      new Option('--os <os>', 'of a machine; decides what its cores cost (linux)').choices([
        'windows',
        'linux',
      ]),
    )
    .action(create);

const changeCommand = (name: ChangeName, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<resource>', 'its name, or its URI')
    .action(change(name));

export const resourcesCommand = (command: Command): Command =>
  command
    .addCommand(
      new Command('list')
        .description('show the resources that exist')
        .option('--subscription <id>', 'only those of this subscription', subscriptionKey)
        .option('--json', 'as JSON')
        .action(list),
    )
    .addCommand(createCommand())
    .addCommand(
      new Command('resize')
        .description('change the size of a resource')
        .argument('<resource>', 'its name, or its URI')
        .requiredOption('--size <size>', 'an unknown one lists them all')
        .action(change('resize')),
    )
    .addCommand(changeCommand('stop', 'stop a machine; it goes on being metered'))
    .addCommand(changeCommand('start', 'start a machine'))
    .addCommand(
      changeCommand('deallocate', 'stop a machine and give its place back: its metering ends'),
    )
    .addCommand(changeCommand('delete', 'delete a resource; the disks of a machine stay'))
    .addHelpText(
      'after',
      '\nActs on the simulated cloud that "npm start" runs. A change counts from the next report on, a few seconds later.',
    );
