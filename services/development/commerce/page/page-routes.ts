import type { FastifyInstance } from 'fastify';
import {
  RefusedRequest,
  takesParameters,
  withoutParameters,
} from '../../../shared/http/guarded-server.ts';
import { searchOf } from '../../../shared/http/query-parameters.ts';
import type { Meter } from '../../../shared/meters/meter-catalog.ts';
import type { AcceptedEvents } from '../accepted-events.ts';
import type { Authorization } from '../authorization.ts';
import type { AcceptedEvent } from '../metering-event.ts';
import type { SubmissionPorts } from '../submission.ts';
import { billedPage } from './billed-page.ts';
import { identityFilter, PAGE_PARAMETERS, readPageQuery } from './page-query.ts';
import { STYLE } from './style.ts';

export interface PagePorts {
  readonly events: AcceptedEvents;
  readonly meters: readonly Meter[];
  readonly submission: Pick<SubmissionPorts, 'rules'>;
  readonly authorization: Authorization;
}

const PAGE_ROWS = 50;

/** The page that lists what was billed. */
export const pageRoutes = (app: FastifyInstance, ports: PagePorts): void => {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(
      'content-security-policy',
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    if (await ports.authorization.browser(request.headers.authorization)) return undefined;
    const ask = 'Basic realm="Commerce: any name, the token as password", charset="UTF-8"';
    return reply
      .code(401)
      .header('www-authenticate', ask)
      .type('text/plain')
      .send('A token is needed.\n');
  });

  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof RefusedRequest)) throw error;
    return reply
      .code(error.statusCode)
      .type('text/plain; charset=utf-8')
      .send(`${error.message}\n`);
  });

  app.get('/style.css', withoutParameters, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(STYLE),
  );

  app.get('/', takesParameters(PAGE_PARAMETERS), async (request, reply) => {
    const query = readPageQuery(searchOf(request.url));
    if (query === null) {
      const message =
        "The parameter 'after' is not a position in this list: start again without it.";
      throw new RefusedRequest({ status: 400, message });
    }
    const found: AcceptedEvent[] = [];
    const scan = ports.events.scan({
      order: 'newest first',
      matches: identityFilter(query, ports.meters),
      ...(query.after && { after: query.after }),
    });
    for await (const event of scan) {
      found.push(event);
      if (found.length > PAGE_ROWS) break; // one more than is shown: there are more
    }
    const page = billedPage({
      query,
      count: ports.events.count(),
      events: found.slice(0, PAGE_ROWS),
      more: found.length > PAGE_ROWS,
      meters: ports.meters,
      anyAge: ports.submission.rules.maxAgeMillis === null,
    });
    return reply.type('text/html; charset=utf-8').send(page.text);
  });
};
