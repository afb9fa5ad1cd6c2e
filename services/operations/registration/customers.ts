import { z } from 'zod';
import type { Registration } from '../../shared/billing/registration.ts';
import { askSignedIn, type TokenSource } from '../../shared/commerce/token-source.ts';
import { causeText, UserError } from '../../shared/process/errors.ts';

/** A customer subscription of the registration: it pays for the usage of its tenant's local subscriptions. */
export interface Customer {
  /** In Azure. */
  readonly subscriptionId: string;
  /** The customer's directory (Azure AD tenant). */
  readonly tenantId: string;
  readonly localSubscriptions: readonly string[];
}

export interface RegistrationPorts {
  /** Where Azure Resource Manager answers. */
  readonly url: string;
  readonly tokens: TokenSource;
}

const API_VERSION = '2017-06-01';
const TIME_LIMIT_MILLIS = 60_000;

const listSchema = z.object({
  value: z.array(
    z.object({
      name: z.string(),
      properties: z.object({
        tenantId: z.string(),
        localSubscriptionIds: z.array(z.string()).default([]),
      }),
    }),
  ),
  nextLink: z.string().optional(),
});

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What to do about the documented errors (docs/commerce.md, "Customers"). */
const HELP: Readonly<Record<string, string>> = {
  RegistrationNotFound:
    'subscriptionId, resourceGroup and registrationName in the registration file must be those in Azure',
  BadCustomerSubscriptionId:
    'the customer must belong to the partner to whom the registration belongs',
  InvalidCustomerSubscriptionId: 'give the id of an active Azure subscription, in lower case',
  CustomerSubscriptionNotFound: '"usagectl registration list" shows those that are there',
  UnauthorizedCspRegistration: 'ask Microsoft to approve the registration for multi-tenancy',
  CustomerSubscriptionsNotAllowed:
    'a registration with the billing model Capacity has no customers',
  InvalidCSPSubscription:
    'the subscription must have been bought through a cloud solution provider',
  MetadataResolverBadGatewayError: 'Azure had a problem of its own: try again later',
};

/** The customers of a registration, which are kept at Azure. Its errors are UserErrors. */
export class RegistrationCustomers {
  private readonly ports: RegistrationPorts;
  private readonly root: string;

  /** @throws UserError if the registration does not say where it is */
  constructor(registration: Registration, ports: RegistrationPorts) {
    const { subscriptionId, resourceGroup, registrationName } = registration;
    if (subscriptionId === undefined) {
      throw new UserError(
        'The registration file has no "subscriptionId": give the Azure subscription that was registered',
      );
    }
    this.ports = ports;
    this.root =
      `/subscriptions/${subscriptionId}/resourceGroups/${encodeURIComponent(resourceGroup)}` +
      `/providers/Microsoft.AzureStack/registrations/${encodeURIComponent(registrationName)}/customerSubscriptions`;
  }

  /** All of them, in the order of their ids. */
  async list(): Promise<readonly Customer[]> {
    const customers: Customer[] = [];
    let next: string | undefined = `${this.root}?api-version=${API_VERSION}`;
    while (next !== undefined) {
      const { value, nextLink }: z.output<typeof listSchema> = this.read(
        await this.ask('GET', next),
      );
      for (const { name, properties } of value) {
        const { tenantId, localSubscriptionIds } = properties;
        customers.push({
          subscriptionId: name,
          tenantId,
          localSubscriptions: localSubscriptionIds,
        });
      }
      next = nextLink;
    }
    return customers;
  }

  /** Adds a customer, or replaces it. */
  async put({
    subscriptionId,
    tenantId,
    localSubscriptions,
  }: Omit<Customer, 'tenantId'> & { readonly tenantId: string | null }): Promise<void> {
    await this.ask('PUT', this.pathOf(subscriptionId), {
      properties: {
        ...(tenantId !== null && { tenantId }),
        ...(localSubscriptions.length > 0 && { localSubscriptionIds: localSubscriptions }),
      },
    });
  }

  async remove(subscriptionId: string): Promise<void> {
    await this.ask('DELETE', this.pathOf(subscriptionId));
  }

  private pathOf(subscriptionId: string): string {
    return `${this.root}/${encodeURIComponent(subscriptionId)}?api-version=${API_VERSION}`;
  }

  private read(text: string): z.output<typeof listSchema> {
    try {
      return listSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new UserError(
        `${this.ports.url} answered something else than a list of customers: set COMMERCE_URL to the Commerce of this stamp`,
        { cause },
      );
    }
  }

  private async ask(method: string, path: string, body?: object): Promise<string> {
    const { url, tokens } = this.ports;
    let answer: Response;
    let text: string;
    try {
      const asked = await askSignedIn(
        tokens,
        (token) =>
          fetch(new URL(path, url), {
            method,
            headers: {
              ...(token !== null && { authorization: `Bearer ${token}` }),
              ...(body && { 'content-type': 'application/json' }),
            },
            ...(body && { body: JSON.stringify(body) }),
            signal: AbortSignal.timeout(TIME_LIMIT_MILLIS),
          }),
        ({ status }) => status,
      );
      if (!asked.ok) throw new Error(`nobody can sign in: ${asked.error.reason}`);
      answer = asked.value;
      text = await answer.text();
    } catch (cause) {
      throw new UserError(
        `Commerce at ${url} does not answer (${causeText(cause)}): set COMMERCE_URL`,
        { cause },
      );
    }
    if (answer.ok) return text;
    throw new UserError(refusal(url, answer.status, text));
  }
}

/** An error of Azure, with what to do about it. */
const refusal = (url: string, status: number, text: string): string => {
  if (status === 401 || status === 403) {
    const said = errorOf(text);
    if (said === null || HELP[said.code] === undefined) {
      return `Commerce at ${url} answered ${String(status)}: set COMMERCE_TOKEN or COMMERCE_CLIENT_ID to what it accepts`;
    }
  }
  const said = errorOf(text);
  if (said === null) return `Commerce at ${url} answered ${String(status)}: set COMMERCE_URL`;
  const help = HELP[said.code];
  return `${said.code}: ${said.message}${help === undefined ? '' : ` (${help})`}`;
};

const errorOf = (text: string): { readonly code: string; readonly message: string } | null => {
  try {
    return errorSchema.parse(JSON.parse(text)).error;
  } catch {
    return null;
  }
};
