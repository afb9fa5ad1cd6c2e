import type { Source, SourcePartition } from '../model/source.ts';

/** The partition whose log is folded. */
export interface Place extends SourcePartition {
  readonly source: Source;
}
