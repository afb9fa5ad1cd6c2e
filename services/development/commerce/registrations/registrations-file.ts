import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BILLING_MODELS } from '../../../shared/billing/registration.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import { isSubscriptionId } from '../../../shared/model/subscription-id.ts';
import { messageOf, UserError } from '../../../shared/process/errors.ts';

const subscriptionId = z
  .string()
  .refine(isSubscriptionId, { error: 'must be a subscription id' })
  .transform(asciiLower);

const text = z.string().min(1, { error: 'must not be empty' });

const registrationSchema = z.strictObject({
  /** Pays for what no customer pays for. */
  subscriptionId,
  resourceGroup: text,
  name: text,
  displayName: text,
  billingModel: z.enum(BILLING_MODELS),
  /** The Cloud Solution Provider that owns it. */
  partner: text,
  /** Whether it is approved for customers of its own. */
  multiTenancy: z.boolean(),
  /** The client whose usage belongs to it. Without one, usage of all other clients does. */
  clientId: text.optional(),
});

const subscriptionSchema = z.strictObject({
  subscriptionId,
  displayName: text,
  /** The directory that it belongs to. */
  tenantId: text,
  offer: z.enum(['CSP', 'EA', 'PayAsYouGo']),
  /** Null for one that was not bought through a partner. */
  partner: text.nullable(),
  state: z.enum(['Active', 'Disabled']),
});

const fileSchema = z.strictObject({
  registrations: z
    .array(registrationSchema)
    .min(1, { error: 'must hold at least one registration' })
    .refine((all) => new Set(all.map(({ name }) => asciiLower(name))).size === all.length, {
      error: 'a name stands twice',
    })
    .refine((all) => all.filter(({ clientId }) => clientId === undefined).length === 1, {
      error: 'exactly one must have no clientId: the usage of all other clients belongs to it',
    }),
  subscriptions: z.array(subscriptionSchema),
});

/** A stamp's registration, as Azure has it. */
export type StampRegistration = z.output<typeof registrationSchema>;

/** An Azure subscription that may be a customer's. */
export type AzureSubscription = z.output<typeof subscriptionSchema>;

/** What Azure knows of stamps and customers before anybody calls it. */
export interface AzureDirectory {
  readonly registrations: readonly StampRegistration[];
  readonly subscriptions: readonly AzureSubscription[];
}

/** @throws UserError that names every problem */
export const readAzureDirectory = (path: string): AzureDirectory => {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(
      `The file of registrations ${path} cannot be used: ${problem}. Correct it (samples/commerce-registrations.json is one), or set COMMERCE_REGISTRATIONS_FILE to another`,
      { cause },
    );
  }
};

/** The registration that the usage of a client belongs to. */
export const registrationOf = (
  { registrations }: AzureDirectory,
  clientId: string | null,
): StampRegistration => {
  const found =
    registrations.find((each) => clientId !== null && each.clientId === clientId) ??
    registrations.find((each) => each.clientId === undefined);
  if (found === undefined) throw new Error('no registration is without a client');
  return found;
};
