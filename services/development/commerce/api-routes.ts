import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parse } from 'lossless-json';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { readParameters, searchOf } from '../../shared/http/query-parameters.ts';
import type { Millis } from '../../shared/model/time.ts';
import type { AcceptedEvents } from './accepted-events.ts';
import { badRequest, batchItem, singleAnswer, type Body, type Outcome } from './answers.ts';
import { bearerMayCall } from './authorization.ts';
import { isFields, type Detail, type RefusedStatus } from './event-check.ts';
import { performFault, type FaultyConnections } from './fault-routes.ts';
import type { FaultQueue } from './faults.ts';
import { MAX_BATCH, submit, type SubmissionPorts } from './submission.ts';
import {
  canMatch,
  eventMatches,
  identityMatches,
  readUsageEventsQuery,
  USAGE_EVENTS_PARAMETERS,
  usageEventsRow,
  type UsageEventsQuery,
} from './usage-events-query.ts';

const API_VERSION = '2018-08-31';

export interface ApiPorts {
  readonly events: AcceptedEvents;
  readonly submission: SubmissionPorts;
  readonly token: string | null;
  readonly now: () => Millis;
  readonly newId: () => string;
  readonly faults: { readonly queue: FaultQueue; readonly connections: FaultyConnections } | null;
  readonly logger: Logger;
}

interface Answer {
  readonly status: number;
  readonly body: Body | Readable;
}

/** Carries out a request. If `refuse` is given, every event of it is refused with that status. */
type Handle = (request: FastifyRequest, refuse: RefusedStatus | null) => Promise<Answer>;

const JSON_TYPE = 'application/json; charset=utf-8';

/** Azure's metering service API, version 2018-08-31. */
export const apiRoutes = (app: FastifyInstance, ports: ApiPorts): void => {
  readJsonBodies(app);
  refuseWrongRequests(app, ports);
  const answered = answeredBy(ports);
  app.post(
    '/batchUsageEvent',
    answered(({ body }, refuse) => submitBatch(ports, body, refuse)),
  );
  app.post(
    '/usageEvent',
    answered(({ body }, refuse) => submitOne(ports, body, refuse)),
  );
  app.get(
    '/usageEvents',
    answered((request) => Promise.resolve(listUsageEvents(ports, request))),
  );
};

const readJsonBodies = (app: FastifyInstance): void => {
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (_request, body: Buffer, done) => {
      try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
        done(null, parse(text, null, Number)); // unlike JSON.parse, it takes no field twice
      } catch {
        done(Object.assign(new Error('The body is not valid JSON.'), { statusCode: 400 }));
      }
    },
  );
};

/** Refuses what no operation accepts: a wrong token, unknown parameters, another version of the API. */
const refuseWrongRequests = (app: FastifyInstance, { token, newId }: ApiPorts): void => {
  app.addHook('onRequest', async (request, reply) => {
    for (const name of ['x-ms-requestid', 'x-ms-correlationid']) {
      reply.header(name, request.headers[name] ?? newId());
    }
    if (!bearerMayCall(token, request.headers.authorization)) {
      const message = 'The bearer token is missing or invalid.';
      return sendBody(reply, 403, { message, code: 'Forbidden' });
    }
    const { parameters, details } = parametersOf(request);
    const version = parameters.get('api-version');
    const wrong =
      version === API_VERSION
        ? details
        : [
            ...details,
            { target: 'api-version', message: `The api-version must be ${API_VERSION}.` },
          ];
    return wrong.length === 0 ? undefined : sendBody(reply, 400, badRequest(wrong, 'request'));
  });
};

/** Answers with what an operation gives, unless the next fault that a test asked for says otherwise. */
const answeredBy =
  ({ faults, logger }: ApiPorts) =>
  (handle: Handle) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const fault = faults?.queue.take(request.method) ?? null;
    if (!faults || fault === null) return sendAnswer(reply, await handle(request, null));
    logger.warn({ fault }, 'misbehaving as requested');
    if (fault.kind === 'refuse') return sendAnswer(reply, await handle(request, fault.status));
    if (fault.stored) await handle(request, null);
    return performFault(fault, reply, faults.connections);
  };

const submitBatch = async (
  ports: ApiPorts,
  body: unknown,
  refuse: RefusedStatus | null,
): Promise<Answer> => {
  const inputs = isFields(body) ? body['request'] : null;
  if (!Array.isArray(inputs)) return invalid('request', 'The request is required.');
  if (inputs.length === 0 || inputs.length > MAX_BATCH) {
    const message = `The request must have 1 to ${String(MAX_BATCH)} usage events.`;
    return invalid('request', message);
  }
  const now = ports.now();
  const outcomes = await decide(ports, inputs, now, refuse);
  const result = outcomes.map((outcome, i) => batchItem(outcome, inputs[i], now));
  return { status: 200, body: { count: result.length, result } };
};

const submitOne = async (
  ports: ApiPorts,
  body: unknown,
  refuse: RefusedStatus | null,
): Promise<Answer> => {
  const [outcome] = await decide(ports, [body], ports.now(), refuse);
  if (outcome === undefined) throw new Error('an event was not decided');
  return singleAnswer(outcome);
};

const decide = async (
  { submission, logger }: ApiPorts,
  inputs: readonly unknown[],
  now: Millis,
  refuse: RefusedStatus | null,
): Promise<readonly Outcome[]> => {
  const outcomes = refuse
    ? inputs.map(() => refusal(refuse))
    : await submit(inputs, now, submission);
  logger.info(countStatuses(outcomes), 'submission');
  return outcomes;
};

const listUsageEvents = (
  { events, submission, now }: ApiPorts,
  request: FastifyRequest,
): Answer => {
  const { parameters } = parametersOf(request);
  const result = readUsageEventsQuery(parameters, now(), submission.rules.hourMillis);
  return result.kind === 'invalid'
    ? { status: 400, body: badRequest(result.details) }
    : { status: 200, body: Readable.from(rowsText(events, result.query)) };
};

const refusal = (status: RefusedStatus): Outcome => ({
  kind: 'refused',
  status,
  details: [{ target: 'resourceId', message: `Refused as ${status}, as a test requested.` }],
});

const invalid = (target: string, message: string): Answer => ({
  status: 400,
  body: badRequest([{ target, message }]),
});

export const sendBody = (reply: FastifyReply, status: number, body: Body): FastifyReply =>
  reply.code(status).type(JSON_TYPE).send(JSON.stringify(body));

const sendAnswer = (reply: FastifyReply, { status, body }: Answer): FastifyReply =>
  body instanceof Readable
    ? reply.code(status).type(JSON_TYPE).send(body)
    : sendBody(reply, status, body);

/** The parameters that the operation has, and what is wrong with those of this request. */
const parametersOf = ({
  method,
  url,
}: FastifyRequest): {
  readonly parameters: ReadonlyMap<string, string>;
  readonly details: readonly Detail[];
} => {
  const ofOperation = method === 'POST' ? [] : USAGE_EVENTS_PARAMETERS;
  const { values, problems } = readParameters(searchOf(url), {
    known: ['api-version', ...ofOperation],
  });
  const details = problems.map(({ name, problem }) => ({
    target: name,
    message: `The ${name} ${problem}.`,
  }));
  return { parameters: values, details };
};

const countStatuses = (outcomes: readonly Outcome[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const status = outcome.kind === 'refused' ? outcome.status : outcome.kind;
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
};

/** The rows as the text of a JSON array, piece by piece, because they may not fit in memory. */
async function* rowsText(events: AcceptedEvents, query: UsageEventsQuery): AsyncGenerator<string> {
  let separator = '[';
  if (canMatch(query)) {
    const { from, through } = query;
    const matches = identityMatches(query);
    for await (const event of events.scan({ order: 'oldest first', from, through, matches })) {
      if (!eventMatches(query, event)) continue;
      yield separator + JSON.stringify(usageEventsRow(event));
      separator = ',';
    }
  }
  yield separator === '[' ? '[]' : ']';
}
