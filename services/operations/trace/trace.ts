import type { ClickHouseClient } from '@clickhouse/client';
import { asciiLower } from '../../shared/model/placement.ts';
import { traceBilling, type TracedBilling } from './billing.ts';
import { eventsOf, type AcceptedEvent, type RefusedRecord } from './events.ts';
import { readWindows, type TracedWindow, type WindowFilter } from './windows.ts';

/** A window with where it went. */
export interface WindowTrace {
  readonly window: TracedWindow;
  readonly billing: TracedBilling;
}

/** An accepted event with its window; null if the window is not stored, which "usagectl audit" explains. */
export interface EventTrace {
  readonly event: AcceptedEvent;
  readonly trace: WindowTrace | null;
}

/** Everything that is known of one event. */
export interface Trace {
  readonly events: readonly EventTrace[];
  readonly letters: readonly RefusedRecord[];
}

export const traceEvent = async (
  client: ClickHouseClient,
  event: AcceptedEvent,
): Promise<EventTrace> => {
  const filter: WindowFilter = {
    at: event,
    reportedHour: event.reportedHour,
    usageHour: event.usageHour,
    subscriptionKey: asciiLower(event.subscriptionId),
    meterKeys: [asciiLower(event.meterId)],
    resourceKey: asciiLower(event.resourceUri),
  };
  const [window] = await readWindows(client, filter, 1);
  return { event, trace: window === undefined ? null : await traceWindow(client, window) };
};

const traceWindow = async (
  client: ClickHouseClient,
  window: TracedWindow,
): Promise<WindowTrace> => ({ window, billing: await traceBilling(client, window) });

/** The newest windows of a resource, each with its events if there are only a few windows. */
export interface ResourceTrace {
  readonly windows: readonly (WindowTrace & { readonly events: readonly AcceptedEvent[] | null })[];
  readonly hasMore: boolean;
}

const MOST_WINDOWS = 20;
/** With more windows, one line for each must do. */
const FEW_WINDOWS = 3;

export const traceResource = async (
  client: ClickHouseClient,
  filter: Pick<WindowFilter, 'resourceKey' | 'meterKeys' | 'usageHour'>,
): Promise<ResourceTrace> => {
  const all = { at: null, reportedHour: null, subscriptionKey: null, ...filter };
  const found = await readWindows(client, all, MOST_WINDOWS + 1);
  const shown = found.slice(0, MOST_WINDOWS);
  const windows: (WindowTrace & { events: readonly AcceptedEvent[] | null })[] = [];
  for (const window of shown) {
    const events = shown.length <= FEW_WINDOWS ? await eventsOf(client, window) : null;
    windows.push({ ...(await traceWindow(client, window)), events });
  }
  return { windows, hasMore: found.length > shown.length };
};
