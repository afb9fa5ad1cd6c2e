import { z } from 'zod';
import { asciiLower } from '../../shared/model/placement.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import type { Subscription, SubscriptionState } from '../../shared/model/subscription.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';

/**
 * The states that Azure Stack Hub's Microsoft.Subscriptions.Admin knows, and ours. A warned or overdue
 * subscription goes on working.
 */
const STATES: Readonly<Record<string, SubscriptionState>> = {
  enabled: 'active',
  warned: 'active',
  pastdue: 'active',
  disabled: 'suspended',
  active: 'active',
  suspended: 'suspended',
  deleted: 'deleted',
};

/** Longer texts are not names, and would fill a terminal. */
const MAX_LENGTH = 1024;

const id = z
  .string()
  .refine(isSubscriptionId, { message: 'must be a subscription id, in the form of a GUID' })
  .transform(asciiLower);

const text = z
  .string()
  .max(MAX_LENGTH)
  .nullish()
  .transform((value) => value ?? '');

const rowSchema = z.object({
  subscriptionId: id,
  delegatedProviderSubscriptionId: id,
  displayName: text,
  offerId: text,
  tenantId: text.transform(asciiLower),
  state: z.string().transform((given, context): SubscriptionState => {
    const state = STATES[asciiLower(given)];
    if (state !== undefined) return state;
    context.addIssue({
      code: 'custom',
      message: 'must be Enabled, Warned, PastDue, Disabled, Deleted, active, suspended or deleted',
    });
    return z.NEVER;
  }),
});

const fileSchema = z.object({
  value: z.array(z.unknown(), { error: 'must be a list of subscriptions' }),
  nextLink: z.string().nullish(),
});

/**
 * Reads a saved answer of Azure Stack Hub's list of user subscriptions:
 * `GET …/providers/Microsoft.Subscriptions.Admin/subscriptions`.
 * @throws UserError that names the row and what is wrong with it
 */
export const readSubscriptionFile = (name: string, content: string): readonly Subscription[] => {
  const refuse = (problem: string): never => {
    throw new UserError(`${name} cannot be imported: ${problem}. Nothing was changed.`);
  };
  const file = fileSchema.safeParse(parseJson(content, refuse));
  if (!file.success) {
    return refuse(`it is not a list of subscriptions: ${issuesOf(file.error)}`);
  }
  if (file.data.nextLink) {
    return refuse('it is one page of several: save the rows of all pages in one file');
  }
  const rows = file.data.value.map((row, index) => {
    const read = rowSchema.safeParse(row);
    if (!read.success) return refuse(`subscription ${String(index + 1)}: ${issuesOf(read.error)}`);
    return subscriptionOf(read.data);
  });
  const seen = new Map<string, number>();
  for (const [index, each] of rows.entries()) {
    const before = seen.get(each.id);
    if (before !== undefined) {
      return refuse(
        `subscription ${String(index + 1)} has the id of subscription ${String(before)}`,
      );
    }
    seen.set(each.id, index + 1);
  }
  return rows;
};

const subscriptionOf = (row: z.output<typeof rowSchema>): Subscription => ({
  id: row.subscriptionId,
  provider: row.delegatedProviderSubscriptionId,
  state: row.state,
  displayName: row.displayName,
  offer: row.offerId,
  customer: row.tenantId,
});

const parseJson = (content: string, refuse: (problem: string) => never): unknown => {
  try {
    return JSON.parse(content.replace(/^\uFEFF/, '')); // PowerShell writes a byte order mark
  } catch (error) {
    return refuse(`it is not JSON (${messageOf(error)})`);
  }
};

const issuesOf = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
