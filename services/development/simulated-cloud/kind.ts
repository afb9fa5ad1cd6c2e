import type { Hour } from '../../shared/model/time.ts';
import type { Measure } from './measure.ts';
import type { ProviderName } from './resource.ts';
import type { ResourceState } from './resource-state.ts';

/** A resource in an hour in which it exists. */
export interface InHour {
  readonly resourceUri: string;
  readonly state: ResourceState;
  readonly hour: Hour;
  readonly hourMillis: number;
}

/** What the cloud knows about one kind of resources. */
export interface Kind {
  readonly provider: ProviderName;
  /** As it is written in a resource's URI. */
  readonly type: string;
  /** The sizes that one can have, the usual one first. */
  readonly sizes: readonly string[];
  /** Whether a person can start, stop and deallocate it. */
  readonly hasPower: boolean;
  /** What its meters count while its state lasts. A meter that counts nothing may be left out. */
  readonly measures: (inHour: InHour) => readonly Measure[];
  /** What its provider says about it in each usage, as the recorded stamp's does. */
  readonly additionalInfo: (state: ResourceState) => string | null;
}
