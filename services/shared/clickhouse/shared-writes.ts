import { setTimeout as sleep } from 'node:timers/promises';

/** Writers that become ready at about the same moment go together, even if nothing is being written. */
const LINGER_MILLIS = 5;

/** How much goes in one write. A server keeps an insert of up to a million rows, or 256 MiB, in one block. */
const MOST_ROWS = 400_000;
const MOST_BYTES = 128 * 1024 * 1024;

/** What a writer gives to be written. */
export interface Shared {
  readonly writer: string;
  readonly rows: number;
  /** Bytes in the memory of the server. */
  readonly bytes: number;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Writes of several writers to one place, together. While a write runs, the others wait, and all that wait are the next
 * write. So a store gets few large writes, however many writers there are.
 *
 * A write that fails fails for each of its writers, who will try again. From then on each of them writes alone and waits
 * for nobody, until one of its own writes has succeeded: one of them may be to blame, and the others should not suffer.
 */
export class SharedWrites<Item extends Shared> {
  /** By place, while its writes run, what waits for the next one. */
  private readonly waiting = new Map<string, Waiting<Item>[]>();
  private readonly suspects = new Set<string>();
  private readonly write: (items: readonly Item[]) => Promise<void>;

  constructor(write: (items: readonly Item[]) => Promise<void>) {
    this.write = write;
  }

  /** Writes an item, with others of the same place. Resolves when it is stored. */
  add(place: string, item: Item): Promise<void> {
    if (this.suspects.has(item.writer)) return this.writeAlone(item);
    return new Promise((resolve, reject) => {
      const next = { item, resolve, reject };
      const waiting = this.waiting.get(place);
      if (waiting) waiting.push(next);
      else void this.run(place, [next]);
    });
  }

  private async writeAlone(item: Item): Promise<void> {
    await this.write([item]);
    this.suspects.delete(item.writer);
  }

  private async run(place: string, waiting: Waiting<Item>[]): Promise<void> {
    this.waiting.set(place, waiting);
    await sleep(LINGER_MILLIS);
    while (waiting.length > 0) await this.writeTogether(waiting.splice(0, fitting(waiting)));
    this.waiting.delete(place);
  }

  private async writeTogether(some: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.write(some.map(({ item }) => item));
      for (const { resolve } of some) resolve();
    } catch (error) {
      for (const { item, reject } of some) {
        this.suspects.add(item.writer);
        reject(error);
      }
    }
  }
}

/** How many of the first items make one write: at least one. */
const fitting = (waiting: readonly Waiting<Shared>[]): number => {
  let [rows, bytes] = [0, 0];
  const end = waiting.findIndex(({ item }) => {
    rows += item.rows;
    bytes += item.bytes;
    return rows > MOST_ROWS || bytes > MOST_BYTES;
  });
  return end < 0 ? waiting.length : Math.max(1, end);
};
