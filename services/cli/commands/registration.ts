import { Command, InvalidArgumentError } from 'commander';
import { RegistrationCustomers } from '../../operations/registration/customers.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import {
  readRegistration,
  registrationWarnings,
  reportingOf,
  type Registration,
} from '../../shared/billing/registration.ts';
import { commerceTokens } from '../../shared/commerce/sign-in.ts';
import { readTerms } from '../../shared/billing/terms-table.ts';
import { isoText } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { print, printJson } from '../print.ts';
import { readRegistrationConfig } from '../settings.ts';
import { subscriptionKey } from '../subscription-option.ts';

type Config = ReturnType<typeof readRegistrationConfig>;

const registrationOf = ({ COMMERCE_REGISTRATION_FILE: file }: Config): Registration => {
  if (file !== undefined) return readRegistration(file);
  throw new UserError(
    'This stamp has no registration: set COMMERCE_REGISTRATION_FILE (samples/registration.json is one)',
  );
};

const customersOf = (config: Config): RegistrationCustomers =>
  new RegistrationCustomers(registrationOf(config), {
    url: config.COMMERCE_URL,
    tokens: commerceTokens(config),
  });

interface JsonOption {
  readonly json?: boolean;
}

const show = async ({ json }: JsonOption): Promise<void> => {
  const config = readRegistrationConfig();
  const registration = registrationOf(config);
  const warnings = registrationWarnings(registration);
  const terms = await withClickHouse(config, readTerms);
  const applied = terms.map(({ effectiveFrom, reporting, planId }) => ({
    from: isoText(effectiveFrom),
    reporting,
    planId,
  }));
  if (json) {
    printJson({ registration, reporting: reportingOf(registration), warnings, terms: applied });
    return;
  }
  const { registrationName, billingModel, state, planId, subscriptionId } = registration;
  print(
    formatTable(
      ['REGISTRATION', 'STATE', 'BILLING MODEL', 'REPORTS USAGE', 'PLAN', 'SUBSCRIPTION'],
      [
        [
          registrationName,
          state,
          billingModel,
          reportingOf(registration) === 'on' ? 'yes' : 'no',
          planId,
          subscriptionId ?? null,
        ],
      ],
      { whole: ['REGISTRATION', 'SUBSCRIPTION'] },
    ),
  );
  if (applied.length > 0) {
    print(
      `\n${formatTable(
        ['APPLIED FROM REPORTED HOUR', 'REPORTING', 'PLAN'],
        applied.map(({ from, reporting, planId: plan }, at) => [
          at === 0 ? 'the beginning' : from,
          reporting,
          plan || null,
        ]),
      )}`,
    );
  } else print('\nNo bridge has run with a registration yet.');
  for (const warning of warnings) print(`\nWARNING: ${printable(warning)}`);
};

const list = async ({ json }: JsonOption): Promise<void> => {
  const customers = await customersOf(readRegistrationConfig()).list();
  if (json) {
    printJson(customers);
    return;
  }
  print(
    customers.length === 0
      ? 'The registration has no customers: its own subscription pays for all usage.'
      : formatTable(
          ['CUSTOMER SUBSCRIPTION', 'PAYS FOR', 'AZURE AD TENANT'],
          customers.map(({ subscriptionId, localSubscriptions, tenantId }) => [
            subscriptionId,
            localSubscriptions.join(' '),
            tenantId,
          ]),
          { whole: ['CUSTOMER SUBSCRIPTION', 'PAYS FOR'] },
        ),
  );
};

interface AddOptions {
  readonly for?: readonly string[];
  readonly tenantId?: string;
}

const add = async (
  id: string,
  { for: localSubscriptions = [], tenantId }: AddOptions,
): Promise<void> => {
  await customersOf(readRegistrationConfig()).put({
    subscriptionId: id,
    tenantId: tenantId ?? null,
    localSubscriptions,
  });
  print(
    localSubscriptions.length === 0
      ? `${id} pays for the usage of its tenant that is accepted from now on.`
      : `${id} pays for the usage of ${localSubscriptions.join(', ')} that is accepted from now on.`,
  );
};

const remove = async (id: string): Promise<void> => {
  await customersOf(readRegistrationConfig()).remove(id);
  print(`Removed ${id}: the registration's own subscription pays for its tenant from now on.`);
};

/** Azure takes it in lower case alone, and says so itself. */
const customerId = (text: string): string => {
  const key = subscriptionKey(text);
  if (key === text) return text;
  throw new InvalidArgumentError(`it must be in lower case: ${key}`);
};

const asJson = (command: Command): Command => command.option('--json', 'as JSON');

export const registrationCommand = (command: Command): Command =>
  command
    .addHelpText(
      'after',
      '\nThe registration itself is the file COMMERCE_REGISTRATION_FILE of the bridge. Its customers are kept by Azure, which is asked at\n' +
        'COMMERCE_URL, as the bridge does. A tenant without a customer subscription is billed to the subscription of the registration.',
    )
    .addCommand(
      asJson(new Command('show'))
        .description('the registration, what it means for billing, and since when it applies')
        .action(show),
    )
    .addCommand(
      asJson(new Command('list'))
        .description(
          'the customers of the registration, and for which local subscriptions they pay',
        )
        .action(list),
    )
    .addCommand(
      new Command('add')
        .argument('<customer-subscription>', 'a subscription in Azure, in lower case', customerId)
        .option(
          '--for <subscription>',
          'a local subscription whose usage it pays for; may be repeated',
          (text: string, before?: readonly string[]) => [...(before ?? []), subscriptionKey(text)],
        )
        .option('--tenant-id <id>', "the customer's Azure AD tenant, where Azure does not know it")
        .description('add a customer, or replace it')
        .action(add),
    )
    .addCommand(
      new Command('remove')
        .argument('<customer-subscription>', 'a subscription in Azure', subscriptionKey)
        .description('remove a customer: the registration pays for its tenant again')
        .action(remove),
    );
