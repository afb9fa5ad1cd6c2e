import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parse } from 'lossless-json';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { readParameters, searchOf } from '../../shared/http/query-parameters.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import type { AcceptedEvents } from './accepted-events.ts';
import { badRequest, batchItem, singleAnswer, type Outcome } from './answers.ts';
import type { Callers } from './callers.ts';
import { isFields, SAID, type Detail, type Refused, type RefusedStatus } from './event-check.ts';
import { sendBody, type Answer, type FaultDesk, type Trouble } from './faults/perform-fault.ts';
import { meteringTokenProblem } from './token-problem.ts';
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
  readonly callers: Callers;
  readonly now: () => Millis;
  readonly newId: () => string;
  readonly faults: FaultDesk;
  readonly logger: Logger;
}

/** Azure's metering service API, version 2018-08-31. */
export const apiRoutes = (app: FastifyInstance, ports: ApiPorts): void => {
  readJsonBodies(app);
  refuseWrongRequests(app, ports);
  const { faults } = ports;
  app.post(
    '/batchUsageEvent',
    faults.answered('metering', (request, trouble) => submitBatch(ports, request, trouble)),
  );
  app.post(
    '/usageEvent',
    faults.answered('metering', (request, trouble) => submitOne(ports, request, trouble)),
  );
  app.get(
    '/usageEvents',
    faults.answered('metering', (request, trouble) =>
      Promise.resolve(listUsageEvents(ports, request, trouble)),
    ),
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
const refuseWrongRequests = (app: FastifyInstance, { callers, newId }: ApiPorts): void => {
  app.addHook('onRequest', async (request, reply) => {
    for (const name of ['x-ms-requestid', 'x-ms-correlationid']) {
      reply.header(name, request.headers[name] ?? newId());
    }
    const caller = await callers.identify(request);
    if (!caller.ok) return sendBody(reply, 403, meteringTokenProblem(caller.error));
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

const submitBatch = async (
  ports: ApiPorts,
  request: FastifyRequest,
  trouble: Trouble,
): Promise<Answer> => {
  const inputs = isFields(request.body) ? request.body['request'] : null;
  if (!Array.isArray(inputs)) return invalid('request', 'The request is required.');
  if (inputs.length === 0 || inputs.length > MAX_BATCH) {
    const message = `The request must have 1 to ${String(MAX_BATCH)} usage events.`;
    return invalid('request', message);
  }
  const now = ports.now();
  const outcomes = await decide(ports, request, { inputs, now, trouble });
  const result = outcomes.map((outcome, i) => batchItem(outcome, inputs[i], now));
  return { status: 200, body: { count: result.length, result } };
};

const submitOne = async (
  ports: ApiPorts,
  request: FastifyRequest,
  trouble: Trouble,
): Promise<Answer> => {
  const now = ports.now();
  const [outcome] = await decide(ports, request, { inputs: [request.body], now, trouble });
  if (outcome === undefined) throw new Error('an event was not decided');
  return singleAnswer(outcome);
};

interface Submitted {
  readonly inputs: readonly unknown[];
  readonly now: Millis;
  readonly trouble: Trouble;
}

const decide = async (
  { submission, callers, logger }: ApiPorts,
  request: FastifyRequest,
  { inputs, now, trouble: { refuse, skew } }: Submitted,
): Promise<readonly Outcome[]> => {
  const refusalAt = (place: number): Refused | null =>
    refuse && (refuse.items?.includes(place) ?? true) ? refusal(refuse.status) : null;
  const caller = callers.of(request);
  const outcomes = await submit(
    { inputs, now, judgedAt: millis(now + skew), caller, refuse: refusalAt },
    submission,
  );
  logger.info(countStatuses(outcomes), 'submission');
  return outcomes;
};

const listUsageEvents = (
  { events, submission, now }: ApiPorts,
  request: FastifyRequest,
  { skew }: Trouble,
): Answer => {
  const { parameters } = parametersOf(request);
  const at = millis(now() + skew);
  const result = readUsageEventsQuery(parameters, at, submission.rules.hourMillis);
  return result.kind === 'invalid'
    ? { status: 400, body: badRequest(result.details) }
    : { status: 200, body: Readable.from(rowsText(events, result.query)) };
};

/** What a refusal says that a test asked for: Azure's words, as far as these are known. */
const REFUSALS: Partial<Readonly<Record<RefusedStatus, Detail>>> = {
  Expired: { target: 'effectiveStartTime', message: SAID.time },
  InvalidDimension: { target: 'dimension', message: SAID.dimension },
  ResourceNotFound: { target: 'resourceId', message: SAID.resource },
  ResourceNotActive: { target: 'resourceId', message: SAID.resource },
};

const refusal = (status: RefusedStatus): Refused => ({
  kind: 'refused',
  status,
  details: [
    REFUSALS[status] ?? {
      target: 'resourceId',
      message: `Refused as ${status}, as a test requested.`,
    },
  ],
});

const invalid = (target: string, message: string): Answer => ({
  status: 400,
  body: badRequest([{ target, message }]),
});

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
