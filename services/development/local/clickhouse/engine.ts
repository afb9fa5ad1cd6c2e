import type * as Chdb from 'chdb';
import type { Session } from 'chdb';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../../../shared/process/errors.ts';
import {
  forbiddenOf,
  GRANTS,
  LOCKED_SETTINGS,
  OPEN_TYPES,
  writeAccess,
  type EngineInventory,
  type Forbidden,
} from './access.ts';
import { Lane } from './lane.ts';

/** One statement, with everything that it depends on. */
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
  /** Of the result; for an INSERT with data: the rows written. */
  readonly rows: number;
  readonly bytesRead: number;
}

/** Statements that read, running at the same time. Each blocks one thread of libuv's pool. */
const READERS = 8;

/** What `UV_THREADPOOL_SIZE` must be before the process starts: readers, the writer, and files. */
export const THREADS = READERS + 1 + 7;

/** The limit of a result that is not streamed, because it is entirely in memory. */
const MAX_RESULT_BYTES = 1024 * 1024 * 1024;

/**
 * Settings where the embedded engine's defaults differ from a server's, and settings that make each insert
 * one block. So an insert is atomic, like a production insert of under a million rows.
 */
const SESSION_ARGUMENTS = [
  '--async_insert=0',
  '--implicit_select=0',
  // 2 by default: then a deletion waits 0.14 s for each part of the table, one after another.
  '--background_pool_size=16',
  '--max_insert_threads=1',
  // 50 by default: waking so often takes 0.2 % of a core for ever.
  '--memory_worker_period_ms=1000',
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

/** The SET statement that prepares a session for its only statement. */
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

const namesIn = async (session: Session, query: string): Promise<readonly string[]> =>
  (await session.queryAsync(query, { format: 'TSVRaw' })).text().split('\n').filter(Boolean);

/** What this version of the engine has. An engine without data is started and asked, and closed again. */
const takeInventory = async (chdb: typeof Chdb, directory: string): Promise<EngineInventory> => {
  const session = new chdb.Session(directory);
  try {
    const types = OPEN_TYPES.map(literal).join();
    const locked = LOCKED_SETTINGS.map(literal).join();
    return {
      tableFunctions: await namesIn(session, 'SELECT name FROM system.table_functions'),
      engines: await namesIn(
        session,
        'SELECT name FROM system.table_engines UNION ALL SELECT name FROM system.database_engines',
      ),
      textSettings: await namesIn(
        session,
        `SELECT name FROM system.settings WHERE type IN (${types}) OR name IN (${locked})`,
      ),
    };
  } finally {
    session.close();
    await chdb.drainPending();
    await rm(directory, { recursive: true, force: true });
  }
};

/**
 * The embedded ClickHouse on one data directory. Every statement gets a session of its own, which costs 0.2
 * ms, so that no setting, parameter or current database leaks into the next one. Writes and DDL run one
 * after another, reads in parallel.
 */
export class Engine {
  private readonly chdb: typeof Chdb;
  private readonly store: string;
  private readonly arguments: string[];
  /** Keeps the data directory open between statements. */
  private readonly keeper: Session;
  private readonly readers = new Lane(READERS);
  private readonly writer = new Lane(1);
  readonly version: string;
  /** What statements must be searched for, because the engine alone would allow it. */
  readonly forbidden: Forbidden;

  private constructor(
    chdb: typeof Chdb,
    store: string,
    sessionArguments: string[],
    keeper: Session,
    version: string,
    forbidden: Forbidden,
  ) {
    this.chdb = chdb;
    this.store = store;
    this.arguments = sessionArguments;
    this.keeper = keeper;
    this.version = version;
    this.forbidden = forbidden;
  }

  /** @throws UserError if chDB is not installed; other errors are on standard error in full */
  static async open(directory: string, grants: readonly string[] = GRANTS): Promise<Engine> {
    const chdb = await importChdb();
    const inventory = await takeInventory(chdb, join(directory, 'inventory'));
    const config = await writeAccess(directory, inventory, grants);
    const store = join(directory, 'store');
    const connectionArgs = [...SESSION_ARGUMENTS, `--config-file=${config}`];
    const keeper = new chdb.Session(store, { connectionArgs });
    const [version = ''] = await namesIn(keeper, 'SELECT version()');
    return new Engine(chdb, store, connectionArgs, keeper, version, forbiddenOf(inventory));
  }

  private open(): Session {
    return new this.chdb.Session(this.store, { connectionArgs: this.arguments });
  }

  private async session(execution: Execution): Promise<Session> {
    const session = this.open();
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

  private lane(execution: Execution): Lane {
    return execution.readonly === '0' ? this.writer : this.readers;
  }

  /** Runs a statement to its end. Throws the engine's error; it is one if a read gives over 1 GiB. */
  async run(execution: Execution): Promise<ExecutionResult> {
    const leave = await this.lane(execution).enter();
    try {
      const session = await this.session(withBoundedResult(execution));
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
    const leave = await this.lane(execution).enter();
    try {
      const session = await this.session(execution);
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

  /** The decompressed content of a file, entirely in memory. */
  async decompress(path: string, method: string): Promise<Uint8Array> {
    const leave = await this.readers.enter();
    try {
      const session = this.open();
      try {
        await session.queryAsync('CREATE TEMPORARY TABLE body (data String)');
        await session.queryAsync(
          `INSERT INTO body FROM INFILE ${literal(path)} COMPRESSION ${literal(method)} FORMAT RawBLOB`,
        );
        const result = await session.queryAsync('SELECT data FROM body', { format: 'RawBLOB' });
        return result.bytes();
      } finally {
        session.close();
      }
    } finally {
      leave();
    }
  }

  /** Call this when no statement is running any more. */
  async close(): Promise<void> {
    await this.chdb.drainPending();
    this.keeper.close();
  }
}
