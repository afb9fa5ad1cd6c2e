import { CONTROL_HEADER } from '../shared/model/control-record.ts';
import type { LogRecord } from '../shared/model/log-record.ts';
import { carryTarget, movesTo, withLog, type CarryTarget } from '../shared/billing/carry-target.ts';
import type { Source, SourcePartition } from '../shared/model/source.ts';
import { sourceOfKey } from './fold/log-entry.ts';

/** The register of sources as this process last read it. */
export class SourceRegister {
  private readonly read: () => Promise<readonly Source[]>;
  private sources: ReadonlyMap<string, Source> = new Map();

  constructor(read: () => Promise<readonly Source[]>) {
    this.read = read;
  }

  /** Sources that have or had a log, by `sourceName`. */
  get known(): ReadonlyMap<string, Source> {
    return this.sources;
  }

  /** Reads the register again. Returns all of it, with sources that have no log yet. */
  async refresh(): Promise<readonly Source[]> {
    const sources = await this.read();
    this.sources = withLog(sources);
    return sources;
  }

  /**
   * Whether the register as read still holds for the source of a record. A source is in the register before
   * its first record. A run may have been abandoned since the register was read.
   */
  isCurrentFor({ key, headers }: LogRecord): boolean {
    const source = this.sources.get(sourceOfKey(key) ?? '');
    return source !== undefined && !(source.kind === 'history' && CONTROL_HEADER in headers);
  }

  /**
   * Reads the register again. Returns why a quantity of a resource cannot go into a later hour; null if it
   * can.
   */
  async cannotCarry(): Promise<(at: SourcePartition, resourceUri: string) => string | null> {
    await this.refresh();
    return (at, resourceUri) => {
      const target = this.targetOf(at, resourceUri);
      return target.kind === 'nowhere' ? target.why : null;
    };
  }

  /** Where a quantity of a resource goes if it is carried, by the register as last read. */
  targetOf(at: SourcePartition, resourceUri: string): CarryTarget {
    return carryTarget(this.sources, at, resourceUri);
  }

  /** Where the carry of a resource must be moved; null if it can stay. */
  movesTo(at: SourcePartition, resourceUri: string): SourcePartition | null {
    return movesTo(this.sources, at, resourceUri);
  }
}
