import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { insertRows } from '../../services/shared/clickhouse/client.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import type { SourcePartition } from '../../services/shared/model/source.ts';
import { writeSource, type RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import type { Tls } from '../../services/shared/http/tls.ts';
import { DirectoryView } from '../../services/shared/directory/directory-view.ts';
import { callerBy, type CallerOf, type CallerTools } from '../../services/usage-api/caller.ts';
import { ReadLimit } from '../../services/usage-api/read-limit.ts';
import { usageApiServer } from '../../services/usage-api/server.ts';
import type { UsagePage } from '../../services/usage-api/usage-page.ts';
import { UsageStore } from '../../services/usage-api/usage-store.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

export const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
export const PATH = `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates`;
export const VERSION = '2015-06-01-preview';

export const hour = (text: string): Hour => timeOf(`${text}:00:00Z`);

export interface RunningApi {
  readonly url: string;
  close(): Promise<void>;
}

/** The usage API on a free port, with a clock that stands still. */
export const startApi = async (
  clickHouse: ClickHouseClient,
  options: {
    readonly logger: Logger;
    readonly now: number;
    readonly timeLimitMillis?: number;
    readonly publicUrl?: string;
    readonly callerOf?: CallerOf;
    readonly readsPerHour?: number;
    readonly signIn?: CallerTools['signIn'];
    readonly tls?: Tls;
  },
): Promise<RunningApi> => {
  const directory = new DirectoryView(clickHouse);
  const signIn = options.signIn ?? null;
  const server = usageApiServer({
    store: new UsageStore(clickHouse, 30),
    providerSubscription: PROVIDER,
    callerOf: options.callerOf ?? callerBy({ signIn, directory, provider: PROVIDER }),
    directory,
    now: () => options.now,
    hourMillis: HOUR_MILLIS,
    tokenKeys: [{ id: 'test', secret: Buffer.alloc(32, 1) }],
    readLimit: new ReadLimit(options.readsPerHour ?? 1_000_000),
    timeLimitMillis: options.timeLimitMillis ?? 30_000,
    logger: options.logger,
    listener: { listenHost: '127.0.0.1', allowedHosts: [], linksFromElsewhere: true },
    publicUrl: options.publicUrl ?? null,
    tls: options.tls ?? null,
  });
  return {
    url: await server.listen({ host: '127.0.0.1', port: 0 }),
    close: () => server.close(),
  };
};

export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string };
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export const get = async <Body = UsagePage>(
  url: string,
  init?: RequestInit,
): Promise<Answer<Body>> => {
  const answer = await fetch(url, init);
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body };
};

/** `2025-12-01T00` to `2025-12-01T01`, by hour; other parameters as they are. */
export const hourly = (
  from: string,
  to: string,
  others: Readonly<Record<string, string>> = {},
): string =>
  `${PATH}?${new URLSearchParams({
    reportedStartTime: `${from}:00:00Z`,
    reportedEndTime: `${to}:00:00Z`,
    aggregationGranularity: 'Hourly',
    'api-version': VERSION,
    ...others,
  }).toString()}`;

export const declareSource = (
  client: ClickHouseClient,
  source: Pick<RegisteredSource, 'topic' | 'kind' | 'firstHour' | 'lastHour' | 'state'> &
    Partial<RegisteredSource>,
): Promise<RegisteredSource> =>
  writeSource(client, {
    epoch: 1,
    partitions: 1,
    hourMillis: HOUR_MILLIS,
    predecessor: null,
    billable: false,
    namespaces: ['*'],
    origin: 'test',
    revision: 0,
    ...source,
  });

/** Writes the checkpoint of a partition; a later one has to have a higher offset. */
export const closeThrough = (
  client: ClickHouseClient,
  { topic, epoch, partition }: SourcePartition,
  openHour: Hour,
  { nextOffset = 1, sealed = false } = {},
): Promise<void> =>
  insertRows(client, 'checkpoints', [
    {
      topic,
      epoch,
      partition,
      first_offset: 0,
      next_offset: nextOffset,
      watermark: openHour,
      open_hour: openHour / 1000,
      sealed,
      accepted: 0,
      duplicate: 0,
      dead_lettered: 0,
      control: nextOffset,
      last_record: null,
      digest: '',
      rules: '',
    },
  ]);

/** A row of `usage_hourly`. */
export interface TestWindow extends SourcePartition {
  readonly reportedHour: Hour;
  readonly usageHour: Hour;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
  readonly quantity: string;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export const insertWindows = (
  client: ClickHouseClient,
  windows: readonly TestWindow[],
): Promise<void> =>
  insertRows(
    client,
    'usage_hourly',
    windows.map((window) => ({
      topic: window.topic,
      epoch: window.epoch,
      partition: window.partition,
      reported_hour: window.reportedHour / 1000,
      usage_hour: window.usageHour / 1000,
      usage_hour_end: (window.usageHour + HOUR_MILLIS) / 1000,
      subscription_key: asciiLower(window.subscriptionId),
      meter_key: asciiLower(window.meterId),
      resource_key: asciiLower(window.resourceUri),
      subscription_id: window.subscriptionId,
      meter_id: window.meterId,
      resource_uri: window.resourceUri,
      location: window.location,
      tags: window.tags,
      additional_info: window.additionalInfo,
      quantity: window.quantity,
      event_count: 1,
      first_offset: window.firstOffset,
      last_offset: window.lastOffset,
      generation: 0,
    })),
  );
