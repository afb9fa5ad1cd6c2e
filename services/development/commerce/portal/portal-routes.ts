import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  RefusedRequest,
  takesParameters,
  withoutParameters,
} from '../../../shared/http/guarded-server.ts';
import { searchOf } from '../../../shared/http/query-parameters.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import { monthOf, type Millis } from '../../../shared/model/time.ts';
import type { AcceptedEvents } from '../accepted-events.ts';
import type { Authorization } from '../authorization.ts';
import { sendBody } from '../faults/perform-fault.ts';
import type { AcceptedEvent } from '../metering-event.ts';
import type { SubmissionPorts } from '../submission.ts';
import { acceptedPage } from './accepted-page.ts';
import { ACCEPTED_PARAMETERS, identityFilter, readAcceptedQuery } from './accepted-query.ts';
import { billJson } from './bill-json.ts';
import { billPage } from './bill-page.ts';
import type { BillPage } from './bill-view.ts';
import { selectLines } from './bill.ts';
import type { Html } from './html.ts';
import { invoiceCsv } from './invoice-csv.ts';
import { invoicePage } from './invoice-page.ts';
import { invoiceOf, type Invoice } from './invoice.ts';
import type { MonthBills } from './month-bills.ts';
import type { Names } from './names.ts';
import {
  PORTAL_PARAMETERS,
  portalAddress,
  readPortalQuery,
  type PortalQuery,
} from './portal-query.ts';
import { STYLE } from './style.ts';

export interface PortalPorts {
  readonly events: AcceptedEvents;
  readonly bills: MonthBills;
  readonly names: Names;
  readonly price: { readonly currency: string; readonly provider: string };
  readonly submission: Pick<SubmissionPorts, 'rules'>;
  readonly authorization: Authorization;
  readonly now: () => Millis;
}

const PAGE_ROWS = 50;

/** The billing portal: what was accepted, and what it costs. */
export const portalRoutes = (app: FastifyInstance, ports: PortalPorts): void => {
  guard(app, ports);
  app.get('/', withoutParameters, (_request, reply) => reply.redirect('/portal', 302));
  app.get('/portal/style.css', withoutParameters, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(STYLE),
  );
  const takesQuery = takesParameters(PORTAL_PARAMETERS);
  app.get('/portal', takesQuery, async (request, reply) =>
    sendPage(reply, billPage(await billView(ports, request))),
  );
  app.get('/portal/bill.json', takesQuery, async (request, reply) =>
    sendBody(reply, 200, billJson(await billView(ports, request))),
  );
  app.get('/portal/invoice', takesQuery, async (request, reply) => {
    const query = await monthQuery(ports, request);
    const invoice = await findInvoice(ports, query);
    const of = { ...query, registration: invoice.registration, customer: invoice.billedTo };
    return sendPage(
      reply,
      invoicePage({
        invoice,
        names: ports.names,
        ...ports.price,
        csvAddress: portalAddress('/portal/invoice.csv', of),
        billAddress: portalAddress('/portal', of),
      }),
    );
  });
  app.get('/portal/invoice.csv', takesQuery, async (request, reply) => {
    const invoice = await findInvoice(ports, await monthQuery(ports, request));
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="invoice-${invoice.id}.csv"`)
      .send(invoiceCsv(invoice, ports.names, ports.price.currency));
  });
  app.get('/portal/usage', takesParameters(ACCEPTED_PARAMETERS), (request, reply) =>
    sendAccepted(ports, request, reply),
  );
};

const guard = (app: FastifyInstance, { authorization }: PortalPorts): void => {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(
      'content-security-policy',
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    if (await authorization.browser(request.headers.authorization)) return undefined;
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
};

const sendPage = (reply: FastifyReply, page: Html): FastifyReply =>
  reply.type('text/html; charset=utf-8').send(page.text);

const refuse = (status: 400 | 404, message: string): RefusedRequest =>
  new RefusedRequest({ status, message });

type MonthQuery = PortalQuery & { readonly month: Millis };

/** Without a month in the query it is the newest one with usage, or this one. */
const monthQuery = async (
  { events, now }: PortalPorts,
  request: FastifyRequest,
): Promise<MonthQuery> => {
  const query = readPortalQuery(searchOf(request.url));
  if (!query.ok) throw refuse(400, query.error);
  const month = query.value.month ?? (await events.months()).at(-1) ?? monthOf(now());
  return { ...query.value, month };
};

const billView = async (ports: PortalPorts, request: FastifyRequest): Promise<BillPage> => {
  const query = await monthQuery(ports, request);
  const months = await ports.events.months();
  const { lines, uncharged } = await ports.bills.of(query.month);
  return {
    query,
    months: months.includes(query.month) ? months : [...months, query.month].sort((a, b) => a - b),
    lines: selectLines(lines, query, ports.names),
    all: lines,
    names: ports.names,
    currency: ports.price.currency,
    uncharged,
    anyAge: ports.submission.rules.maxAgeMillis === null,
  };
};

/** An invoice is of one registration and one customer; they need be named only where there are several. */
const findInvoice = async (ports: PortalPorts, query: MonthQuery): Promise<Invoice> => {
  const bill = await ports.bills.of(query.month);
  const lines = selectLines(bill.lines, query, ports.names);
  const owners = new Map(
    lines.map(({ registration, billedTo }) => [
      `${registration}\0${billedTo}`,
      { registration, billedTo },
    ]),
  );
  const [owner] = owners.values();
  if (owner === undefined) {
    throw refuse(
      404,
      `There is no such invoice: nothing is billed to it in ${usageMonthOf(query.month)}.`,
    );
  }
  if (owners.size > 1) {
    throw refuse(400, "There are several invoices: say which by 'registration' and 'customer'.");
  }
  return invoiceOf(bill, owner, {
    now: ports.now(),
    maxAgeMillis: ports.submission.rules.maxAgeMillis,
  });
};

const sendAccepted = async (
  ports: PortalPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const query = readAcceptedQuery(searchOf(request.url));
  if (query === null) {
    throw refuse(
      400,
      "The parameter 'after' is not a position in this list: start again without it.",
    );
  }
  const found: AcceptedEvent[] = [];
  const scan = ports.events.scan({
    order: 'newest first',
    matches: identityFilter(query, ports.names),
    ...(query.after && { after: query.after }),
  });
  for await (const event of scan) {
    found.push(event);
    if (found.length > PAGE_ROWS) break; // one more than is shown: there are more
  }
  const page = acceptedPage({
    query,
    count: ports.events.count(),
    events: found.slice(0, PAGE_ROWS),
    more: found.length > PAGE_ROWS,
    names: ports.names,
    anyAge: ports.submission.rules.maxAgeMillis === null,
  });
  return sendPage(reply, page);
};
