import { ClassicLevel } from 'classic-level';
import { makeDirectory } from '../../shared/process/directory.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { Serial } from '../../shared/process/serial.ts';

/** The form of what is stored. It changes when keys or values do. */
const LAYOUT = '3';
const LAYOUT_KEY = '!layout';

export const SEPARATOR = '\0';
/** The character after the separator: the end of a range of keys. */
export const AFTER_SEPARATOR = '\x01';

export type Change =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

/**
 * What Commerce keeps, in an embedded store on disk:
 *
 *     <hour> NUL <resource> NUL <dimension>        an accepted event, under its identity
 *     !reported NUL <time> NUL <key of an event>   the keys of what was accepted then in one write, the first one in
 *                                                  this key, for reads by reported time
 *     !count                                       how many were accepted
 *     !customer NUL <registration> NUL <customer>  a customer subscription of a registration
 *     !credit NUL <id>                             a credit that was granted
 *     !clock, !key, !layout                        the clock of a test, the key of tokens, the form of all this
 *
 * A key begins with the hour, so keys are also the index by date.
 *
 * Every write is one batch with `sync`: the store's log is flushed to the disk (`fdatasync`) before the write
 * is done, and only then is a request answered. So neither SIGKILL nor a loss of power loses what was answered.
 */
export class Store {
  readonly db: ClassicLevel;
  private readonly serial = new Serial();

  private constructor(db: ClassicLevel) {
    this.db = db;
  }

  /** @throws UserError if the directory cannot be used, or another process uses it */
  static async open(directory: string): Promise<Store> {
    await makeDirectory('The store of Commerce', directory, 'COMMERCE_DATA_DIR');
    const db = new ClassicLevel(directory);
    try {
      await db.open();
    } catch (error) {
      throw explainOpenError(directory, error);
    }
    const store = new Store(db);
    await store.claimLayout();
    return store;
  }

  /** Runs what reads and then writes; one after the other. */
  decide<T>(task: () => Promise<T>): Promise<T> {
    return this.serial.run(task);
  }

  /**
   * All of it is on disk when this is done. After a rejection it is unknown whether it is, so the process
   * must end.
   */
  async write(changes: readonly Change[]): Promise<void> {
    await this.db.batch([...changes], { sync: true }).catch((error: unknown) => {
      throw explainWriteError(this.db.location, error);
    });
  }

  /** Waits for what is being decided. */
  async close(): Promise<void> {
    await this.serial.run(() => this.db.close());
  }

  private async claimLayout(): Promise<void> {
    const layout = await this.db.get(LAYOUT_KEY);
    if (layout === LAYOUT) return;
    const [first] = await this.db.keys({ limit: 1 }).all();
    if (layout === undefined && first === undefined) {
      await this.write([{ type: 'put', key: LAYOUT_KEY, value: LAYOUT }]);
      return;
    }
    await this.db.close();
    throw new UserError(
      `The store ${this.db.location} was written by another version of Commerce: remove it ("npm run clean" removes all local data), or set COMMERCE_DATA_DIR to another directory.`,
    );
  }
}

const explainOpenError = (directory: string, error: unknown): UserError => {
  // The store's error has the reason in its cause.
  const cause = (error as { readonly cause?: unknown }).cause ?? error;
  const locked = (cause as { readonly code?: unknown }).code === 'LEVEL_LOCKED';
  return new UserError(
    locked
      ? `The store ${directory} is in use by another process: stop that one, or set COMMERCE_DATA_DIR to another directory.`
      : `The store ${directory} cannot be opened (${messageOf(cause)}): correct that, or set COMMERCE_DATA_DIR to another directory.`,
    { cause: error },
  );
};

const explainWriteError = (directory: string, error: unknown): UserError =>
  new UserError(
    `The store ${directory} cannot be written (${messageOf(error)}): correct that and start again; what was answered Accepted is stored.`,
    { cause: error },
  );
