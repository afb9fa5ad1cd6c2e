import type * as Chdb from 'chdb';
import type { Session } from 'chdb';
import { messageOf, UserError } from '../../shared/errors.ts';
import { Lane } from './lane.ts';

/** One statement, with all that it depends on. */
export interface Execution {
  readonly sql: string;
  readonly format: string;
  readonly readonly: '0' | '1' | '2';
  readonly database: string | null;
  readonly settings: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
}

export interface ExecutionResult {
  readonly bytes: Uint8Array;
  /** For an INSERT with data: the rows written. */
  readonly rows: number;
  readonly bytesRead: number;
}

/** Statements that read, running at the same time. Each blocks one thread of libuv's pool. */
const READERS = 8;

/** What `UV_THREADPOOL_SIZE` must be before the process starts: readers, the writer, and files. */
export const THREADS = READERS + 1 + 7;

/** A result that is not streamed lies in memory whole. */
const MAX_RESULT_BYTES = 1024 * 1024 * 1024;

/**
 * Where the embedded engine's defaults differ from a server's, and what makes one insert one block,
 * so that it is atomic: all or nothing, as a production insert of under a million rows is.
 */
const SESSION_ARGUMENTS = [
  '--async_insert=0',
  '--implicit_select=0',
  // 2 by default: then a deletion waits 0.14 s for each part of the table, one after another.
  '--background_pool_size=16',
  '--max_insert_threads=1',
  '--max_insert_block_size=1000000000',
  '--min_insert_block_size_rows=1000000000',
  '--min_insert_block_size_bytes=1000000000000',
];

/** A SQL string literal. */
export const literal = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A SQL identifier. */
const identifier = (name: string): string =>
  `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

/** The SET statement that gives a session what its one statement needs. */
export const setStatement = (execution: Execution): string | null => {
  const pairs = [
    ...Object.entries(execution.settings),
    ...Object.entries(execution.params).map(([name, value]) => [`param_${name}`, value] as const),
    ...(execution.readonly === '0' ? [] : [['readonly', execution.readonly] as const]),
  ];
  // In one statement: once `readonly` holds, it allows no further one.
  return pairs.length === 0
    ? null
    : `SET ${pairs.map(([name, value]) => `${identifier(name)} = ${literal(value)}`).join(', ')}`;
};

const withBoundedResult = (execution: Execution): Execution =>
  execution.readonly === '0'
    ? execution
    : {
        ...execution,
        settings: { max_result_bytes: String(MAX_RESULT_BYTES), ...execution.settings },
      };

const importChdb = async (): Promise<typeof Chdb> => {
  try {
    return await import('chdb');
  } catch (error) {
    throw new UserError(
      `The local ClickHouse needs the optional package "chdb", which could not be loaded: run "npm install chdb" (Linux with glibc, or macOS), or set CLICKHOUSE_URL to use an existing ClickHouse. (${messageOf(error).split('\n')[0] ?? ''})`,
    );
  }
};

/**
 * The embedded ClickHouse on one data directory. Every statement gets a session of its own, which
 * costs 0.2 ms, so that no setting, parameter or current database is left to the next one. Writes
 * and DDL run one after another, reads beside them.
 */
export class Engine {
  readonly #chdb: typeof Chdb;
  readonly #path: string;
  /** Keeps the data directory open between statements. */
  readonly #keeper: Session;
  readonly #readers = new Lane(READERS);
  readonly #writer = new Lane(1);
  readonly version: string;

  private constructor(chdb: typeof Chdb, path: string, keeper: Session, version: string) {
    this.#chdb = chdb;
    this.#path = path;
    this.#keeper = keeper;
    this.version = version;
  }

  /** @throws UserError if chDB is not installed; other errors are on standard error in full */
  static async open(path: string): Promise<Engine> {
    const chdb = await importChdb();
    const keeper = new chdb.Session(path, { connectionArgs: SESSION_ARGUMENTS });
    const result = await keeper.queryAsync('SELECT version()', { format: 'TSVRaw' });
    return new Engine(chdb, path, keeper, result.text().trim());
  }

  async #session(execution: Execution): Promise<Session> {
    const session = new this.#chdb.Session(this.#path, { connectionArgs: SESSION_ARGUMENTS });
    try {
      if (execution.database !== null) {
        await session.queryAsync(`USE ${identifier(execution.database)}`);
      }
      const set = setStatement(execution);
      if (set !== null) await session.queryAsync(set);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  #lane(execution: Execution): Lane {
    return execution.readonly === '0' ? this.#writer : this.#readers;
  }

  /** Runs a statement to its end. Throws the engine's error; it is one if a read gives over 1 GiB. */
  async run(execution: Execution): Promise<ExecutionResult> {
    const leave = await this.#lane(execution).enter();
    try {
      const session = await this.#session(withBoundedResult(execution));
      try {
        const result = await session.queryAsync(execution.sql, { format: execution.format });
        return { bytes: result.bytes(), rows: result.rowsRead, bytesRead: result.bytesRead };
      } finally {
        session.close();
      }
    } finally {
      leave();
    }
  }

  /** The result in pieces of some 65,000 rows, for formats of which `comesInPieces` is true. */
  async *stream(execution: Execution): AsyncGenerator<Uint8Array, void> {
    const leave = await this.#lane(execution).enter();
    try {
      const session = await this.#session(execution);
      try {
        for await (const chunk of session.queryStream(execution.sql, {
          format: execution.format,
        })) {
          yield chunk.raw();
        }
      } finally {
        session.close();
      }
    } finally {
      leave();
    }
  }

  /** To be called when no statement runs any more. */
  async close(): Promise<void> {
    await this.#chdb.drainPending();
    this.#keeper.close();
  }
}
