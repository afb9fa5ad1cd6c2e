import { setTimeout as sleep } from 'node:timers/promises';

/** Writers that become ready at about the same moment go together, even if nothing is being written. */
const LINGER_MILLIS = 5;

/** How much goes in one write. A server keeps an insert of up to a million rows, or 256 MiB, in one block. */
const MOST_ROWS = 400_000;
const MOST_BYTES = 128 * 1024 * 1024;

interface Sized {
  readonly rows: number;
  readonly bytes: number;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

interface Lane<Item> {
  readonly waiting: Waiting<Item>[];
  isRunning: boolean;
  /** So many of the next items go alone: a write of several items has failed, and one of them may be to blame. */
  alone: number;
}

/**
 * Writes of several writers to one place, together. While a write runs, the others wait, and all that wait are the next
 * write. So a store gets few large writes, however many writers there are. A write that fails fails for each of its
 * writers, who will try again; then each one is written alone, so that nobody suffers long from what another one writes.
 */
export class SharedWrites<Item extends Sized> {
  private readonly lanes = new Map<string, Lane<Item>>();
  private readonly write: (items: readonly Item[]) => Promise<void>;

  constructor(write: (items: readonly Item[]) => Promise<void>) {
    this.write = write;
  }

  /** Writes an item with others of the same place. Resolves when it is stored. */
  add(place: string, item: Item): Promise<void> {
    const lane = this.lanes.get(place) ?? { waiting: [], isRunning: false, alone: 0 };
    this.lanes.set(place, lane);
    return new Promise((resolve, reject) => {
      lane.waiting.push({ item, resolve, reject });
      if (!lane.isRunning) void this.run(place, lane);
    });
  }

  private async run(place: string, lane: Lane<Item>): Promise<void> {
    lane.isRunning = true;
    await sleep(LINGER_MILLIS);
    while (lane.waiting.length > 0) await this.writeSome(lane);
    lane.isRunning = false;
    if (lane.alone === 0) this.lanes.delete(place);
  }

  private async writeSome(lane: Lane<Item>): Promise<void> {
    const some = lane.waiting.splice(0, lane.alone > 0 ? 1 : fitting(lane.waiting));
    if (lane.alone > 0) lane.alone--;
    try {
      await this.write(some.map(({ item }) => item));
      for (const { resolve } of some) resolve();
    } catch (error) {
      if (some.length > 1) lane.alone += some.length;
      for (const { reject } of some) reject(error);
    }
  }
}

/** How many of the first items make one write: at least one. */
const fitting = (waiting: readonly Waiting<Sized>[]): number => {
  let [rows, bytes] = [0, 0];
  const end = waiting.findIndex(({ item }) => {
    rows += item.rows;
    bytes += item.bytes;
    return rows > MOST_ROWS || bytes > MOST_BYTES;
  });
  return end < 0 ? waiting.length : Math.max(1, end);
};
