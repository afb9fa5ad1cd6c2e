import { z } from 'zod';
import { asciiLower } from '../../../shared/model/placement.ts';
import { isSubscriptionId } from '../../../shared/model/subscription-id.ts';
import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import type { Customer } from './customer-map.ts';
import type { AzureDirectory, StampRegistration } from './registrations-file.ts';

/** Why a request about customers is refused: Azure's own codes (docs/commerce.md, "Customers"). */
export interface Refusal {
  readonly status: 400 | 403 | 404 | 409;
  readonly code: string;
  readonly message: string;
}

export interface RegistrationPath {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly registration: string;
}

/** All three parts must be right, in any case. */
export const findRegistration = (
  { registrations }: AzureDirectory,
  path: RegistrationPath,
): Result<StampRegistration, Refusal> => {
  const same = (a: string, b: string): boolean => asciiLower(a) === asciiLower(b);
  const found = registrations.find(
    ({ subscriptionId, resourceGroup, name }) =>
      same(subscriptionId, path.subscriptionId) &&
      same(resourceGroup, path.resourceGroup) &&
      same(name, path.registration),
  );
  return found
    ? succeed(found)
    : fail({
        status: 404,
        code: 'RegistrationNotFound',
        message: `The registration ${path.registration} was not found in resource group ${path.resourceGroup} of subscription ${path.subscriptionId}.`,
      });
};

/** Whether a registration may have customers. */
export const mayHaveCustomers = ({
  name,
  billingModel,
  multiTenancy,
}: StampRegistration): Refusal | null => {
  if (billingModel === 'Capacity') {
    return {
      status: 409,
      code: 'CustomerSubscriptionsNotAllowed',
      message: `The registration ${name} has the billing model Capacity, which allows no customer subscriptions.`,
    };
  }
  return multiTenancy
    ? null
    : {
        status: 403,
        code: 'UnauthorizedCspRegistration',
        message: `The registration ${name} is not approved for multi-tenancy.`,
      };
};

const bodySchema = z.looseObject({
  properties: z
    .looseObject({
      tenantId: z.string().min(1).optional(),
      localSubscriptionIds: z.array(z.string().refine(isSubscriptionId)).min(1).optional(),
    })
    .nullish(),
});

/**
 * Reads a customer from the path and the body of a PUT.
 *
 * | the subscription                               | code                            |
 * |------------------------------------------------|---------------------------------|
 * | is no id in lower case, or is disabled         | `InvalidCustomerSubscriptionId` |
 * | was not bought through a partner               | `InvalidCSPSubscription`        |
 * | belongs to another partner                     | `BadCustomerSubscriptionId`     |
 *
 * One that the directory does not list is taken for a customer of the same partner.
 */
export const readCustomer = (
  directory: AzureDirectory,
  { partner }: StampRegistration,
  subscriptionId: string,
  body: unknown,
): Result<Customer, Refusal> => {
  const bad = (code: string, message: string): Result<Customer, Refusal> =>
    fail({ status: 400, code, message });
  const known = directory.subscriptions.find((each) => each.subscriptionId === subscriptionId);
  if (!isSubscriptionId(subscriptionId) || subscriptionId !== asciiLower(subscriptionId)) {
    return bad(
      'InvalidCustomerSubscriptionId',
      `'${subscriptionId}' is not the id of an Azure subscription in lower case.`,
    );
  }
  if (known?.state === 'Disabled') {
    return bad(
      'InvalidCustomerSubscriptionId',
      `The subscription ${subscriptionId} is not a valid Azure subscription.`,
    );
  }
  if (known && known.offer !== 'CSP') {
    return bad(
      'InvalidCSPSubscription',
      `The subscription ${subscriptionId} is not a valid CSP subscription.`,
    );
  }
  if (known && known.partner !== partner) {
    return bad(
      'BadCustomerSubscriptionId',
      `The subscription ${subscriptionId} and the registration belong to different CSPs.`,
    );
  }
  const parsed = bodySchema.safeParse(body ?? {});
  if (!parsed.success) {
    return bad('InvalidRequestContent', `The body is not valid: ${z.prettifyError(parsed.error)}`);
  }
  const tenantId = parsed.data.properties?.tenantId ?? known?.tenantId;
  if (tenantId === undefined) {
    return bad(
      'InvalidCustomerSubscriptionId',
      `The tenant of the subscription ${subscriptionId} is not known: say it as properties.tenantId.`,
    );
  }
  const local = parsed.data.properties?.localSubscriptionIds ?? [tenantId];
  return succeed({ subscriptionId, tenantId, localSubscriptions: local.map(asciiLower) });
};
