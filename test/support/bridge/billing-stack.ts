import type { Admin } from 'kafkajs';
import { kafkaAdmin } from '../../../services/shared/kafka/admin.ts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../../../services/shared/process/repository.ts';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import {
  readBillingCounts,
  type BillingCounts,
} from '../../../services/shared/billing/billing-counts.ts';
import { readCommerceHoldings } from '../../../services/shared/billing/commerce-holdings.ts';
import { readBillingSides } from '../../../services/shared/billing/billing-sides.ts';
import { reconcile, type Reconciliation } from '../../../services/shared/billing/reconcile.ts';
import { openLogWriter } from '../../../services/shared/kafka/log-writer.ts';
import { createOutTopics } from '../../../services/shared/sources/check-topics.ts';
import type { SourceTools } from '../../../services/shared/sources/source-opening.ts';
import { staticToken } from '../../../services/shared/commerce/token-source.ts';
import { startCommerce, type CommerceProcess } from '../commerce-process.ts';
import { openTestStack, type TestStack } from '../test-stack.ts';
import { waitFor } from '../wait-for.ts';
import { lastWordsOfServices, startService, type ServiceProcess } from './service-process.ts';

type Settings = Readonly<Record<string, string>>;

const REGISTRATION = inRepository('samples/registration.json');

/** A test's own topics, database, Commerce store, and the processes that it starts on them. */
export interface BillingStack extends TestStack {
  readonly tools: SourceTools;
  startAggregator(settings?: Settings): Promise<ServiceProcess>;
  /** With the sample registration, unless the settings name another. */
  /** For what only tests do to topics. */
  readonly admin: Admin;
  startBridge(settings?: Settings): Promise<ServiceProcess>;
  /** Always with the same store and, after the first time, at the same address. */
  startCommerce(settings?: Settings): Promise<CommerceProcess>;
  readonly commerceUrl: string;
  /** Writes a file of the test's own and returns its path. */
  writeFile(content: string): Promise<string>;
  counts(): Promise<BillingCounts>;
  reconcile(): Promise<Reconciliation>;
}

/** Settings that make crash tests quick. Each look at the register of sources costs the engine 10 ms. */
const QUICK = {
  AGGREGATOR_FLUSH_MILLIS: '50',
  AGGREGATOR_SOURCES_MILLIS: '500',
  AGGREGATOR_SESSION_MILLIS: '1000',
  BRIDGE_FLUSH_MILLIS: '50',
  BRIDGE_SOURCES_MILLIS: '500',
  BRIDGE_SESSION_MILLIS: '1000',
  BRIDGE_RETRY_MILLIS: '200',
  BRIDGE_CLOCK_SKEW_MILLIS: '0',
};

export const openBillingStack = async (): Promise<BillingStack> => {
  const stack = await openTestStack();
  const directory = await mkdtemp(join(tmpdir(), 'billing-'));
  const admin = stack.kafka.admin();
  await admin.connect();
  await createOutTopics(kafkaAdmin(admin), stack.config);
  const writer = await openLogWriter(stack.kafka);
  const ends: (() => Promise<unknown>)[] = [];
  let commerceUrl = 'http://127.0.0.1:9';

  const started = async (name: string, settings: Settings): Promise<ServiceProcess> => {
    const service = await startService(name, { ...stack.environment, ...QUICK, ...settings });
    ends.push(() => service.end('SIGKILL'));
    return service;
  };
  const reconciled = async (): Promise<Reconciliation> => {
    const holdings = await readCommerceHoldings({
      url: commerceUrl,
      tokens: staticToken(null),
    });
    return reconcile({ ...(await readBillingSides(stack.clickHouse)), holdings });
  };
  return {
    ...stack,
    admin,
    tools: {
      clickHouse: stack.clickHouse,
      admin: kafkaAdmin(admin),
      writer,
      keyring: stack.keyring,
      schemas: readSchemaDirectory(),
      replicationFactor: 1,
    },
    startAggregator: (settings = {}) => started('aggregator', settings),
    startBridge: (settings = {}) =>
      started('bridge', {
        COMMERCE_URL: commerceUrl,
        COMMERCE_REGISTRATION_FILE: REGISTRATION,
        ...settings,
      }),
    startCommerce: async (settings = {}) => {
      const port = new URL(commerceUrl).port;
      const commerce = await startCommerce({
        COMMERCE_DATA_DIR: join(directory, 'commerce'),
        COMMERCE_PORT: port === '9' ? '0' : port,
        COMMERCE_MAX_AGE_HOURS: '0',
        ...settings,
      });
      commerceUrl = commerce.url;
      ends.push(() => commerce.end('SIGKILL'));
      return commerce;
    },
    get commerceUrl() {
      return commerceUrl;
    },
    writeFile: async (content) => {
      const path = join(directory, `${randomUUID()}.json`);
      await writeFile(path, content);
      return path;
    },
    counts: () => readBillingCounts(stack.clickHouse),
    reconcile: reconciled,
    close: async () => {
      await Promise.all(ends.map((end) => end()));
      await writer.close();
      await admin.disconnect();
      await stack.close();
      await rm(directory, { recursive: true });
    },
  };
};

/** Asks until the answer is as wanted. In vain, it shows the last answer and what the services said last. */
export const until = async <T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
): Promise<T> => {
  let last: T | undefined;
  try {
    const found = await waitFor('an answer as wanted', async () => {
      last = await ask();
      return isWanted(last) ? { answer: last } : null;
    });
    return found.answer;
  } catch (error) {
    throw new Error(`the last answer was ${JSON.stringify(last)}\n${lastWordsOfServices()}`, {
      cause: error,
    });
  }
};

/** Waits until what ClickHouse holds of closed hours is composed, and nothing is on its way to Commerce. */
export const allComposed = async (stack: BillingStack): Promise<void> => {
  const isSettled = async (): Promise<boolean> => (await stack.counts()).pending === 0;
  const isComposed = async (): Promise<boolean> =>
    (await stack.reconcile()).differences.every(({ kind }) => kind !== 'not-composed');
  await until(
    // The cheap look comes first; the last one sees what was composed until then.
    async () => (await isSettled()) && (await isComposed()) && (await isSettled()),
    (isDone) => isDone,
  );
};
