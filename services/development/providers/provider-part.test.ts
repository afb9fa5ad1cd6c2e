import { getEventListeners } from 'node:events';
import { pino } from 'pino';
import { HOUR_MILLIS, hourOf, millis, type Hour } from '../../shared/model/time.ts';
import type { SubscriptionState } from '../../shared/model/subscription.ts';
import { newResource } from '../simulated-cloud/new-resource.ts';
import type { Revised } from './cloud-store.ts';
import { FaultPlans } from './faults/fault-plan.ts';
import type { Report } from './faults/report-of.ts';
import { LiveCloud } from './live-cloud.ts';
import { ProviderPart, type PartPorts } from './provider-part.ts';
import { progressFrom, type Progress } from './reporting/progress.ts';
import { reportingClock } from './reporting/reporting-clock.ts';

const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

/** A provider that has not reported for two hours and a part of one, and what is remembered of it. */
const gone = () => {
  const begin = (hourOf(millis(Date.now()), HOUR_MILLIS) - 2 * HOUR_MILLIS) as Hour;
  const clock = reportingClock(HOUR_MILLIS, null);
  const address = newResource({
    subscriptionId: SUBSCRIPTION,
    group: 'web',
    kind: 'public-ip',
    name: 'ip',
    changes: [{ kind: 'created', at: begin, size: 'static' }],
  });
  const remembered = { progress: { value: progressFrom(begin), revision: 0 } };
  const open = (ports: Partial<PartPorts>): ProviderPart =>
    new ProviderPart(remembered.progress, {
      rules: { provider: 'network', begin, hourMillis: HOUR_MILLIS, plans: new FaultPlans([]) },
      clock,
      cloud: new LiveCloud([address], [], begin, () => Promise.resolve()),
      send: () => Promise.resolve(),
      closeProvider: () => Promise.resolve(),
      putProgress: (progress: Revised<Progress>) => {
        remembered.progress = progress;
        return Promise.resolve();
      },
      subscriptionState: () => Promise.resolve<SubscriptionState | null>('active'),
      stallMillis: 30_000,
      graceMillis: 50,
      logger: pino({ level: 'silent' }),
      ...ports,
    });
  return { begin, remembered, open };
};

const periods = ({ usage }: Report): readonly string[] =>
  usage.map(({ from, to }) => `${String(from)}-${String(to)}`);

test('a provider that is killed after it has sent a report sends the same report again', async () => {
  const { begin, open } = gone();
  const sent: string[] = [];
  const killed = new AbortController();
  const first = open({
    send: (report) => {
      sent.push(...periods(report));
      killed.abort(); // before anybody can note that it was sent
      return Promise.resolve();
    },
  });
  await first.run(killed.signal).catch(() => undefined);
  const stopped = new AbortController();
  const second = open({
    send: (report) => {
      sent.push(...periods(report));
      if (sent.length === 4) stopped.abort();
      return Promise.resolve();
    },
  });
  await second.run(stopped.signal).catch(() => undefined);
  const hour = (n: number): string =>
    `${String(begin + n * HOUR_MILLIS)}-${String(begin + (n + 1) * HOUR_MILLIS)}`;
  expect(sent.slice(0, 3)).toEqual([hour(0), hour(0), hour(1)]);
});

test('what was sent before a stop is not sent again', async () => {
  const { remembered, open } = gone();
  const stopped = new AbortController();
  const reports: Report[] = [];
  const part = open({
    send: (report) => {
      reports.push(report);
      return Promise.resolve();
    },
  });
  const running = part.run(stopped.signal);
  while (reports.length < 2) await new Promise((resolve) => setImmediate(resolve));
  stopped.abort();
  await running.catch(() => undefined);
  await part.remember();
  const again: Report[] = [];
  const next = open({
    send: (report) => {
      again.push(report);
      return Promise.resolve();
    },
  });
  const end = new AbortController();
  setImmediate(() => end.abort());
  await next.run(end.signal).catch(() => undefined);
  const all = [...reports, ...again].flatMap(periods);
  expect(new Set(all).size).toBe(all.length);
  expect(remembered.progress.revision).toBeGreaterThan(2);
});

test('a report that gets through while the provider stops is remembered', async () => {
  const { begin, remembered, open } = gone();
  const stopped = new AbortController();
  const part = open({
    graceMillis: 60_000,
    send: () => {
      stopped.abort(new Error('stopped'));
      return new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  await part.run(stopped.signal).catch(() => undefined);
  await part.close();
  expect(remembered.progress.value.reportedThrough).toBe(begin + HOUR_MILLIS);
});

test('a stop does not wait for a broker that is away', async () => {
  const { open } = gone();
  const stopped = new AbortController();
  const part = open({
    send: () => {
      stopped.abort(new Error('stopped'));
      return new Promise(() => undefined);
    },
  });
  await expect(part.run(stopped.signal)).rejects.toThrow('stopped');
});

test('reports leave no listeners behind on the signal of the process', async () => {
  const { open } = gone();
  const stopped = new AbortController();
  const listeners: number[] = [];
  const part = open({
    send: () => {
      listeners.push(getEventListeners(stopped.signal, 'abort').length);
      if (listeners.length === 3) stopped.abort();
      return Promise.resolve();
    },
  });
  await part.run(stopped.signal).catch(() => undefined);
  expect(listeners[2]).toBe(listeners[0]);
});

test.each([
  [null, /^The directory has no subscription .*: make it with "npx usagectl subscriptions add/],
  ['suspended' as const, /is suspended: nothing can be created in it/],
])('in a subscription that is %s nothing is created', async (state, message) => {
  const { open } = gone();
  const part = open({ subscriptionState: () => Promise.resolve(state) });
  const request = { kind: 'public-ip', subscriptionId: SUBSCRIPTION, resourceGroup: 'g' } as const;
  expect(await part.create(request, 'olga')).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(message) as string },
  });
});

test('what is created is listed from the next slice on', async () => {
  const { open } = gone();
  const part = open({});
  const request = { kind: 'public-ip', subscriptionId: SUBSCRIPTION, resourceGroup: 'g' } as const;
  const created = await part.create(request, 'olga');
  expect(created).toMatchObject({
    ok: true,
    value: { value: [{ state: 'running', size: 'static' }] },
  });
  expect(part.list(SUBSCRIPTION).map(({ resourceUri }) => resourceUri.split('/').at(-1))).toEqual([
    'ip',
    'public-ip-1',
  ]);
  expect(part.list('another')).toEqual([]);
});
