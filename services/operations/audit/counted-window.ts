import { addQuantities, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { textsBy, type Texts } from './texts.ts';
import type { Usage } from './usage.ts';

/** What the log adds up to in one window. */
export interface CountedWindow {
  readonly usageHour: number;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** The texts of its event with the lowest offset. */
  readonly first: Texts;
  readonly firstOffset: number;
  quantity: Quantity;
  eventCount: number;
  lastOffset: number;
}

export interface CountedHour {
  readonly hour: number;
  readonly windows: ReadonlyMap<string, CountedWindow>;
}

/** Accepted usage, and the number that its quantity stands for. */
export interface CountableUsage {
  readonly usage: Usage;
  readonly quantity: Quantity;
}

/** Adds an event to its window among those of a reported hour. Events come in the order of the log. */
export const addToWindow = (
  windows: Map<string, CountedWindow>,
  offset: number,
  usageHour: number,
  { usage, quantity }: CountableUsage,
): void => {
  const subscriptionKey = asciiLower(usage.subscriptionId);
  const meterKey = asciiLower(usage.meterId);
  const resource = resourceKey(usage.resourceUri);
  const name = windowName(usageHour, subscriptionKey, meterKey, resource);
  const window = windows.get(name);
  if (window) {
    window.quantity = addQuantities(window.quantity, quantity);
    window.eventCount++;
    window.lastOffset = offset;
    return;
  }
  windows.set(name, {
    usageHour,
    subscriptionKey,
    meterKey,
    resourceKey: resource,
    // Not the usage itself: its bytes would keep the entire fetch in memory.
    first: textsBy((name) => usage[name]),
    firstOffset: offset,
    quantity,
    eventCount: 1,
    lastOffset: offset,
  });
};

/** Identities hold no NUL, so the name is unambiguous. */
export const windowName = (
  usage: number,
  subscriptionKey: string,
  meterKey: string,
  resource: string,
): string => [usage, subscriptionKey, meterKey, resource].join('\0');
