import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  putSubscriptions,
  removeSubscription,
  type DirectoryChange,
} from '../../operations/subscriptions/change-directory.ts';
import { readSubscriptionFile } from '../../operations/subscriptions/subscription-file.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { readDirectory } from '../../shared/directory/directory-table.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import {
  SUBSCRIPTION_STATES,
  type Subscription,
  type SubscriptionState,
} from '../../shared/model/subscription.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { print, printJson } from '../print.ts';
import { readDirectoryConfig } from '../settings.ts';
import { subscriptionKey } from '../subscription-option.ts';

const MAX_LENGTH = 1024;

const shortText = (text: string): string => {
  if (text.length <= MAX_LENGTH) return text;
  throw new InvalidArgumentError(`it must have at most ${String(MAX_LENGTH)} characters`);
};

const stateOption = (description: string): Option =>
  new Option('--state <state>', description).choices(SUBSCRIPTION_STATES);

interface ListOptions {
  readonly provider?: string;
  readonly state?: SubscriptionState;
  readonly json?: boolean;
}

const list = async ({ provider, state, json }: ListOptions): Promise<void> => {
  const all = await withClickHouse(readDirectoryConfig(), readDirectory);
  const found = all.filter(
    (each) =>
      (provider === undefined || each.provider === provider) &&
      (state === undefined || each.state === state),
  );
  if (json) {
    printJson(found.map(({ revision: _, ...each }) => each));
    return;
  }
  if (found.length === 0) {
    print(
      all.length === 0
        ? 'The directory is empty: see "usagectl subscriptions import" and "usagectl subscriptions add".'
        : 'No subscription matches.',
    );
    return;
  }
  print(
    formatTable(
      ['SUBSCRIPTION', 'STATE', 'PROVIDER', 'NAME', 'CUSTOMER', 'OFFER'],
      found.map((each) => [
        each.id,
        each.state,
        each.provider,
        each.displayName || null,
        each.customer || null,
        each.offer || null,
      ]),
      { whole: ['SUBSCRIPTION', 'PROVIDER'] },
    ),
  );
};

const readText = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

const importFile = async (path: string): Promise<void> => {
  const name = printable(basename(path));
  const config = readDirectoryConfig();
  const given = readSubscriptionFile(name, await readText(path));
  const how = { origin: name, defaultProvider: config.PROVIDER_SUBSCRIPTION_ID };
  const { added, changed, unchanged } = await withClickHouse(config, (client) =>
    putSubscriptions(client, given, how),
  );
  print(
    `Imported ${name}: ${String(added)} subscriptions added, ${String(changed)} changed, ${String(unchanged)} unchanged.`,
  );
};

interface AddOptions {
  readonly provider?: string;
  readonly state?: SubscriptionState;
  readonly name?: string;
  readonly offer?: string;
  readonly customer?: string;
}

const add = async (given: string | undefined, options: AddOptions): Promise<void> => {
  const id = given ?? randomUUID();
  const config = readDirectoryConfig();
  const { put, change } = await withClickHouse(config, async (client) => {
    const before = (await readDirectory(client)).find((each) => each.id === id);
    const subscription: Subscription = {
      id,
      provider: options.provider ?? before?.provider ?? asciiLower(config.PROVIDER_SUBSCRIPTION_ID),
      state: options.state ?? before?.state ?? 'active',
      displayName: options.name ?? before?.displayName ?? '',
      offer: options.offer ?? before?.offer ?? '',
      customer: options.customer ?? before?.customer ?? '',
    };
    const how = { origin: 'add', defaultProvider: config.PROVIDER_SUBSCRIPTION_ID };
    return { put: subscription, change: await putSubscriptions(client, [subscription], how) };
  });
  print(
    `Subscription ${put.id} ${whatChanged(change)}: ${put.state}, a direct tenant of ${put.provider}.`,
  );
};

const whatChanged = ({ added, changed }: DirectoryChange): string => {
  if (added > 0) return 'is added';
  return changed > 0 ? 'is changed' : 'is unchanged';
};

const remove = async (id: string): Promise<void> => {
  const config = readDirectoryConfig();
  const removed = await withClickHouse(config, (client) =>
    removeSubscription(client, id, config.PROVIDER_SUBSCRIPTION_ID),
  );
  print(
    removed
      ? `Subscription ${id} is deleted. Its usage is still returned to its provider.`
      : `Subscription ${id} was deleted before. Nothing was changed.`,
  );
};

const listCommand = (): Command =>
  new Command('list')
    .description('show the subscriptions')
    .option('--provider <id>', 'only the direct tenants of this provider', subscriptionKey)
    .addOption(stateOption('only those in this state'))
    .option('--json', 'as JSON')
    .action(list);

const addCommand = (): Command =>
  new Command('add')
    .description(
      'add a subscription, or change one: what no option says stays as it is, or is empty',
    )
    .argument('[id]', 'the id of the subscription; a new one if it is left out', subscriptionKey)
    .option(
      '--provider <id>',
      'the provider whose direct tenant it is (for a new one PROVIDER_SUBSCRIPTION_ID)',
      subscriptionKey,
    )
    .addOption(stateOption('its state (for a new one active)'))
    .option('--name <text>', 'its name for people', shortText)
    .option('--offer <text>', 'the offer that it uses', shortText)
    .option('--customer <id>', "the customer's Microsoft Entra tenant", subscriptionKey)
    .action(add);

export const subscriptionsCommand = (command: Command): Command =>
  command
    .addCommand(listCommand())
    .addCommand(
      new Command('import')
        .description(
          'add the subscriptions of a file, or change them to what it says; others stay as they are',
        )
        .argument(
          '<file>',
          'a saved answer of Microsoft.Subscriptions.Admin/subscriptions, such as samples/azurestack-user-subscriptions.json',
        )
        .action(importFile),
    )
    .addCommand(addCommand())
    .addCommand(
      new Command('remove')
        .description(
          'mark a subscription as deleted: its tenant reads nothing any more, its provider still everything',
        )
        .argument('<id>', 'the id of the subscription', subscriptionKey)
        .action(remove),
    );
