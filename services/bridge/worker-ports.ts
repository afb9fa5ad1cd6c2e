import type { Logger } from 'pino';
import type { OwnershipPorts } from '../shared/partition/ownership.ts';
import type { DryRunPorts } from './dry-run.ts';
import type { Knowledge } from './fold/log-entry.ts';
import type { Store } from './ports.ts';
import type { ResumePorts } from './resume-point.ts';
import type { SenderOptions, SenderPorts } from './sender-ports.ts';
import type { SourceRegister } from './source-register.ts';

/** What a worker of any partition needs to read its log. It knows the rest itself. */
export type WorkerKnowledge = Omit<Knowledge, 'sources' | 'partition'>;

export interface WorkerOptions extends SenderOptions {
  /** Milliseconds after which a checkpoint is written for folded records. */
  readonly flushInterval: number;
}

export interface WorkerPorts extends OwnershipPorts, Pick<ResumePorts, 'recover'> {
  readonly store: Store;
  readonly register: SourceRegister;
  readonly sender: Omit<
    SenderPorts,
    'partition' | 'finished' | 'store' | 'persist' | 'now' | 'logger'
  >;
  /** What would be sent for a batch, where nothing is sent (a dry run); without it usage is sent. */
  readonly dryRun?: DryRunPorts['bodyOf'] | null;
  readonly logger: Logger;
  /** Called when everything below an offset is composed and has its final outcome. */
  readonly report: (nextOffset: number) => void;
  /** Ends the process: something failed that no retry can fix. */
  readonly onCrash: (error: Error) => void;
}
