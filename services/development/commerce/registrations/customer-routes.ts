import type { FastifyInstance } from 'fastify';
import type { Body } from '../answers.ts';
import type { Answer, FaultDesk } from '../faults/perform-fault.ts';
import { managerParameters, managerRoom, type ManagerRoom } from '../manager-answers.ts';
import { managerError } from '../manager-error.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import type { Customer, CustomerMap } from './customer-map.ts';
import {
  findRegistration,
  mayHaveCustomers,
  readCustomer,
  type Refusal,
  type RegistrationPath,
} from './customer-request.ts';
import type { AzureDirectory, StampRegistration } from './registrations-file.ts';

export interface CustomerPorts extends ManagerRoom {
  readonly directory: AzureDirectory;
  readonly customers: CustomerMap;
  readonly faults: FaultDesk;
}

const API_VERSIONS = ['2017-06-01', '2020-06-01-preview', '2022-06-01'];
const PAGE = 100;
const ROOT =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.AzureStack/registrations/:registration/customerSubscriptions';

type Params = RegistrationPath & { readonly customer?: string };

/** The customer subscriptions of a registration: add or replace, list, look at, remove. */
export const customerRoutes = (app: FastifyInstance, ports: CustomerPorts): void => {
  managerRoom(app, ports);
  const { faults } = ports;
  app.get(
    ROOT,
    faults.answered('customers', (request) => Promise.resolve(list(ports, request))),
  );
  const one = `${ROOT}/:customer`;
  app.get(
    one,
    faults.answered('customers', (request) => Promise.resolve(show(ports, request))),
  );
  app.put(
    one,
    faults.answered('customers', (request) => put(ports, request)),
  );
  app.delete(
    one,
    faults.answered('customers', (request) => remove(ports, request)),
  );
};

interface Request {
  readonly url: string;
  readonly params: unknown;
  readonly body?: unknown;
}

type Found =
  | {
      readonly registration: StampRegistration;
      readonly params: Params;
      readonly skipToken: string;
    }
  | Answer;

const find = ({ directory }: CustomerPorts, { url, params }: Request): Found => {
  const parameters = managerParameters(url, API_VERSIONS, ['$skipToken']);
  if (!parameters.ok) return { status: 400, body: parameters.error };
  const found = findRegistration(directory, params as Params);
  if (!found.ok) return refused(found.error);
  const skipToken = parameters.value.get('$skipToken') ?? '';
  return { registration: found.value, params: params as Params, skipToken };
};

const refused = ({ status, code, message }: Refusal): Answer => ({
  status,
  body: managerError(code, message),
});

const list = (ports: CustomerPorts, request: Request): Answer => {
  const found = find(ports, request);
  if ('status' in found) return found;
  const { registration, skipToken } = found;
  const after = Buffer.from(skipToken, 'base64url').toString('utf8');
  const left = ports.customers
    .of(registration.name)
    .filter(({ subscriptionId }) => subscriptionId > after);
  const page = left.slice(0, PAGE);
  const last = page.at(-1);
  const more = left.length > PAGE && last !== undefined;
  const [path = ''] = request.url.split('?', 1);
  return {
    status: 200,
    body: {
      value: page.map((customer) => resourceOf(registration, customer)),
      ...(more && {
        nextLink: `${path}?api-version=${API_VERSIONS[0] ?? ''}&$skipToken=${Buffer.from(last.subscriptionId).toString('base64url')}`,
      }),
    },
  };
};

const show = (ports: CustomerPorts, request: Request): Answer => {
  const found = find(ports, request);
  if ('status' in found) return found;
  const { registration, params } = found;
  const wanted = asciiLower(params.customer ?? '');
  const customer = ports.customers
    .of(registration.name)
    .find(({ subscriptionId }) => subscriptionId === wanted);
  return customer === undefined
    ? notFound(params)
    : { status: 200, body: resourceOf(registration, customer) };
};

const put = async (ports: CustomerPorts, request: Request): Promise<Answer> => {
  const found = find(ports, request);
  if ('status' in found) return found;
  const { registration, params } = found;
  const forbidden = mayHaveCustomers(registration);
  if (forbidden) return refused(forbidden);
  const customer = readCustomer(ports.directory, registration, params.customer ?? '', request.body);
  if (!customer.ok) return refused(customer.error);
  await ports.customers.put(registration.name, customer.value);
  return { status: 201, body: null };
};

const remove = async (ports: CustomerPorts, request: Request): Promise<Answer> => {
  const found = find(ports, request);
  if ('status' in found) return found;
  const { registration, params } = found;
  const wanted = asciiLower(params.customer ?? '');
  return (await ports.customers.remove(registration.name, wanted))
    ? { status: 204, body: null }
    : notFound(params);
};

const notFound = ({ customer = '', registration }: Params): Answer =>
  refused({
    status: 404,
    code: 'CustomerSubscriptionNotFound',
    message: `The customer subscription ${customer} was not found under the registration ${registration}.`,
  });

const resourceOf = (
  { subscriptionId, resourceGroup, name }: StampRegistration,
  customer: Customer,
): Body => ({
  id: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.AzureStack/registrations/${name}/customerSubscriptions/${customer.subscriptionId}`,
  name: customer.subscriptionId,
  // With a backslash, as documented.
  type: 'Microsoft.AzureStack\\customerSubscriptions',
  properties: {
    tenantId: customer.tenantId,
    localSubscriptionIds: customer.localSubscriptions,
  },
});
