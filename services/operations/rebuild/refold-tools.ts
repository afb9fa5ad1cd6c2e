import type { ClickHouseClient } from '@clickhouse/client';
import type { LogReader } from '../../shared/kafka/log-reader.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import type { Checkpoint } from '../../shared/usage-fold/chunk.ts';
import type { FoldState } from '../../shared/usage-fold/fold.ts';
import type { Halt } from '../../shared/usage-fold/halt.ts';
import type { Knowledge } from '../../shared/usage-fold/knowledge.ts';
import type { MemoryBounds } from '../../shared/usage-fold/record-folder.ts';
import type { Place } from '../../shared/usage-fold/place.ts';

/** The tools for folding a log again. */
export interface RefoldTools {
  readonly client: ClickHouseClient;
  readonly reader: LogReader;
  readonly knowledge: Knowledge;
  readonly bounds: MemoryBounds;
}

/** A partition to fold again, from the first remaining record. */
export interface PartitionPlan {
  readonly place: Place;
  readonly checkpoint: Checkpoint;
  /** Its next offset is the first counted record. */
  readonly state: FoldState;
  /** The first hour whose records all remain; 0 if no record is gone. */
  readonly firstHour: Hour;
  /** Whether events were accepted before it that only the ledger knows. */
  readonly hasGivenIds: boolean;
}

export const cannotFold = (place: Place, { message }: Halt): UserError =>
  new UserError(`The log of ${partitionName(place)} cannot be folded: ${message}`);
