import { CONTROL_HEADER } from '../shared/model/control-record.ts';
import type { LogRecord } from '../shared/model/log-record.ts';
import { namespaceOf } from '../shared/model/placement.ts';
import { sourceName, type Source, type SourcePartition } from '../shared/model/source.ts';
import { isRead } from '../shared/sources/check-topics.ts';
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

  async refresh(): Promise<ReadonlyMap<string, Source>> {
    const sources = await this.read();
    this.sources = new Map(
      sources
        .filter((source) => isRead(source) || source.state === 'abandoned')
        .map((source) => [sourceName(source), source]),
    );
    return this.sources;
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
   * Why a quantity of a resource cannot be carried within its source partition; null if it can. Every
   * bridge must choose the same place for a carry, or two bridges could carry it to two places. So usage is
   * carried only to the source partition that it came from, and only while the resource lives there by the
   * current register.
   */
  async cannotCarry(): Promise<(at: SourcePartition, resourceUri: string) => string | null> {
    const sources = await this.refresh();
    return (at, resourceUri) => reasonNotToCarry(sources.get(sourceName(at)), resourceUri);
  }
}

const reasonNotToCarry = (source: Source | undefined, resourceUri: string): string | null => {
  if (!source) return 'Its source is not in the register.';
  if (source.kind === 'history') return 'History is not carried into another hour.';
  if (source.state !== 'open') return 'Its source has ended: no later hour can carry it.';
  const namespace = namespaceOf(resourceUri) ?? '';
  return source.namespaces.includes('*') || source.namespaces.includes(namespace)
    ? null
    : 'Its resource provider has moved to another source.';
};
