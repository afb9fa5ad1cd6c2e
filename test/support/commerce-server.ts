import type { FastifyInstance, InjectOptions } from 'fastify';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { AcceptedEvents } from '../../services/development/commerce/accepted-events.ts';
import { Authorization } from '../../services/development/commerce/authorization.ts';
import { Clock } from '../../services/development/commerce/clock.ts';
import { CustomerMap } from '../../services/development/commerce/registrations/customer-map.ts';
import {
  readAzureDirectory,
  type AzureDirectory,
} from '../../services/development/commerce/registrations/registrations-file.ts';
import { MonthBills } from '../../services/development/commerce/portal/month-bills.ts';
import { Names } from '../../services/development/commerce/portal/names.ts';
import { Pricing } from '../../services/development/commerce/portal/pricing.ts';
import { Credits } from '../../services/development/commerce/credits.ts';
import { commerceMeters } from '../../services/development/commerce/commerce-meters.ts';
import type { RateBook } from '../../services/operations/rates/rate-book.ts';
import { parseRates } from '../../services/operations/rates/rate-file.ts';
import { whoPays } from '../../services/development/commerce/registrations/who-pays.ts';
import { buildServer, type ServerPorts } from '../../services/development/commerce/server.ts';
import { AccessTokens } from '../../services/development/commerce/sign-in/access-tokens.ts';
import { Store } from '../../services/development/commerce/store.ts';
import { readMeterCatalog } from '../../services/shared/meters/meter-catalog.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { inRepository } from '../../services/shared/process/repository.ts';

export const TOKEN = 'secret';
export const NOW = timeOf('2026-03-10T12:34:56Z');
export const VM = '9cd92d4c-bafd-4492-b278-bedc2de8232a';
export const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
export const URI = `/subscriptions/${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm0`;
export const CLIENT = { clientId: 'the-bridge', secret: 'hidden', tenantId: 'contoso.example' };

const RATES = JSON.stringify({
  currency: 'USD',
  provider: 'Azure',
  billingAccountId: 'a',
  billingAccountName: 'A',
  rates: [{ meter: VM, from: '2017-07-01', price: '0.046' }],
});

export const event = {
  resourceUri: URI,
  quantity: 2,
  dimension: VM,
  effectiveStartTime: '2026-03-10T11:00:00Z',
  planId: 'plan1',
};

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The routes of the Commerce mock on a store of their own, without a socket. Its clock stands still at `NOW`. */
export class CommerceServer {
  readonly app: FastifyInstance;
  readonly events: AcceptedEvents;
  readonly customers: CustomerMap;
  readonly directory: AzureDirectory;
  private readonly store: Store;
  private readonly folder: string;

  private constructor(
    parts: Pick<CommerceServer, 'app' | 'events' | 'customers' | 'directory'>,
    store: Store,
    folder: string,
  ) {
    ({
      app: this.app,
      events: this.events,
      customers: this.customers,
      directory: this.directory,
    } = parts);
    this.store = store;
    this.folder = folder;
  }

  static async start(
    changes: Partial<ServerPorts> & { readonly token?: string | null } = {},
    settings: {
      readonly client?: boolean;
      readonly maxAgeMillis?: number | null;
      readonly book?: RateBook;
    } = {},
  ): Promise<CommerceServer> {
    const folder = await mkdtemp(join(tmpdir(), 'commerce-'));
    const store = await Store.open(folder);
    const events = await AcceptedEvents.load(store);
    const customers = await CustomerMap.load(store);
    const clock = await Clock.load(store, () => NOW);
    const credits = await Credits.load(store);
    const tokens = await AccessTokens.load(store, 3600);
    const directory =
      changes.directory ?? readAzureDirectory(inRepository('samples/commerce-registrations.json'));
    const client = settings.client === true ? { secret: CLIENT.secret, tokens } : null;
    const { token = TOKEN, ...ports } = changes;
    const meters = new Map([
      ...commerceMeters(readMeterCatalog()),
      [
        VM,
        {
          name: 'Windows VM Size Hours',
          unit: 'Virtual core hours',
          category: 'Compute',
          charged: true,
        },
      ],
    ]);
    const book = settings.book ?? parseRates('rates', RATES);
    let ids = 0;
    const app = await buildServer({
      events,
      customers,
      directory,
      clock,
      credits,
      bills: new MonthBills(events, credits, new Pricing(book, meters, directory)),
      names: new Names(meters, directory),
      meters,
      price: book,
      submission: {
        accept: (candidates) => events.accept(candidates),
        rules: {
          maxAgeMillis: settings.maxAgeMillis === undefined ? 86_400_000 : settings.maxAgeMillis,
          hourMillis: 3_600_000,
          dimensions: new Set([VM]),
        },
        newId: () => `id-${String(++ids)}`,
        whoPays: (each, { clientId }) => whoPays(directory, customers, each, clientId),
      },
      authorization: new Authorization({ token, client, now: () => clock.now() }),
      signIn: settings.client === true ? { client: CLIENT, tokens } : null,
      newId: () => 'made-here',
      faultQueue: null,
      logger: pino({ level: 'silent' }),
      listener: { listenHost: '127.0.0.1', allowedHosts: [], linksFromElsewhere: true },
      ...ports,
    });
    return new CommerceServer({ app, events, customers, directory }, store, folder);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.store.close();
    await rm(this.folder, { recursive: true });
  }

  /** With the fixed token, unless the options say otherwise. */
  async ask(options: InjectOptions): Promise<Answered> {
    const { statusCode, payload, headers } = await this.app.inject({
      ...options,
      headers: { authorization: `Bearer ${TOKEN}`, ...options.headers },
    });
    const json = String(headers['content-type']).startsWith('application/json');
    return {
      status: statusCode,
      text: payload,
      body: json ? JSON.parse(payload) : null,
      headers,
    };
  }

  post(path: string, body: unknown): Promise<Answered> {
    return this.ask({
      method: 'POST',
      url: `/api/${path}?api-version=2018-08-31`,
      headers: { 'content-type': 'application/json' },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  batch(...request: readonly unknown[]): Promise<Answered> {
    return this.post('batchUsageEvent', { request });
  }

  get(url: string): Promise<Answered> {
    return this.ask({ method: 'GET', url });
  }
}
