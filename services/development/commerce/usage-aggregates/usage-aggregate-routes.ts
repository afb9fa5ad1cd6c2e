import type { FastifyInstance, FastifyRequest } from 'fastify';
import { asciiLower } from '../../../shared/model/placement.ts';
import { isSubscriptionId } from '../../../shared/model/subscription-id.ts';
import { millis, type Millis } from '../../../shared/model/time.ts';
import type { AcceptedEvents } from '../accepted-events.ts';
import type { CommerceMeters } from '../commerce-meters.ts';
import type { Answer, FaultDesk, Trouble } from '../faults/perform-fault.ts';
import { managerParameters, managerRoom, type ManagerRoom } from '../manager-answers.ts';
import { managerError } from '../manager-error.ts';
import { usageAggregateBody, UsageAggregates } from './usage-aggregate-rows.ts';
import {
  readUsageAggregatesQuery,
  tokenFor,
  USAGE_AGGREGATES_PARAMETERS,
  waitFor,
  type UsageAggregatesQuery,
} from './usage-aggregates-query.ts';

export interface UsageAggregatePorts extends ManagerRoom {
  readonly events: AcceptedEvents;
  readonly meters: CommerceMeters;
  readonly now: () => Millis;
  readonly faults: FaultDesk;
}

const API_VERSION = '2015-06-01-preview';
const PAGE = 1000;
const PATH = '/subscriptions/:subscriptionId/providers/Microsoft.Commerce/UsageAggregates';

/** Azure's own usage API, over what was accepted and is billed to a subscription. */
export const usageAggregateRoutes = (app: FastifyInstance, ports: UsageAggregatePorts): void => {
  managerRoom(app, ports);
  app.get(
    PATH,
    ports.faults.answered('usage', (request, trouble) => list(ports, request, trouble)),
  );
};

const list = async (
  ports: UsageAggregatePorts,
  request: FastifyRequest,
  { skew }: Trouble,
): Promise<Answer> => {
  const { subscriptionId } = request.params as { readonly subscriptionId: string };
  if (!isSubscriptionId(subscriptionId)) {
    const message = `The provided subscription identifier '${subscriptionId}' is malformed or invalid.`;
    return { status: 400, body: managerError('InvalidSubscriptionId', message) };
  }
  const parameters = managerParameters(request.url, [API_VERSION], USAGE_AGGREGATES_PARAMETERS);
  if (!parameters.ok) return { status: 400, body: parameters.error };
  const now = millis(ports.now() + skew);
  const query = readUsageAggregatesQuery(parameters.value, now);
  if (!query.ok) return { status: 400, body: managerError(query.error.code, query.error.message) };
  const wait = waitFor(query.value, now);
  if (wait > 0) {
    const message = 'The usage of this time is still being processed.';
    return {
      status: 202,
      body: managerError('ProcessingNotCompleted', message),
      headers: { 'retry-after': String(wait) },
    };
  }
  return page(ports, request, asciiLower(subscriptionId), query.value);
};

const page = async (
  { events, meters }: UsageAggregatePorts,
  request: FastifyRequest,
  subscription: string,
  query: UsageAggregatesQuery,
): Promise<Answer> => {
  const aggregates = new UsageAggregates(query);
  for await (const event of events.acceptedBetween(query.from, query.to)) {
    if (event.billedTo === subscription) aggregates.add(event);
  }
  const rows = aggregates.inOrder();
  const end = query.skip + PAGE;
  return {
    status: 200,
    body: {
      value: rows
        .slice(query.skip, end)
        .map((row) => usageAggregateBody(row, subscription, query, meters)),
      ...(rows.length > end && { nextLink: nextLink(request, tokenFor(query, end)) }),
    },
  };
};

const nextLink = ({ protocol, host, url }: FastifyRequest, token: string): string => {
  const [path = '', search = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(search);
  for (const name of [...parameters.keys()]) {
    if (name.toLowerCase() === 'continuationtoken') parameters.delete(name);
  }
  parameters.set('continuationToken', token);
  return `${protocol}://${host}${path}?${parameters.toString()}`;
};
