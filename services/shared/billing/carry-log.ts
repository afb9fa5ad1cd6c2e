import type { LogWriter } from '../kafka/log-writer.ts';
import type { NewRecord } from '../kafka/new-record.ts';
import { serializeCarryMove, type CarryMove } from '../model/carry-move.ts';
import { controlRecord, type Keyring } from '../model/control-record.ts';
import { partitionOfKey } from '../model/placement.ts';
import type { SourcePartition } from '../model/source.ts';
import { millis } from '../model/time.ts';
import { aggregateKey } from '../model/usage-aggregate.ts';
import { serializeUsageCarry, type UsageCarry } from '../model/usage-carry.ts';

export interface CarryLogOptions {
  /** The aggregates topic. */
  readonly topic: string;
  readonly partitions: number;
  readonly keyring: Keyring;
  readonly now: () => number;
  /** Where the carry of a quantity must go on to; null if its own source partition will compose it. */
  readonly movesTo: (carry: UsageCarry) => SourcePartition | null;
}

/** Appends carries, and what moves them, to the logs of their source partitions. */
export class CarryLog {
  private readonly writer: LogWriter;
  private readonly options: CarryLogOptions;

  constructor(writer: LogWriter, options: CarryLogOptions) {
    this.writer = writer;
    this.options = options;
  }

  /**
   * Appends carries. One that must go on is in one batch with its move, so that no hour closes between the
   * two: then it is never composed where it must not be.
   */
  async appendCarries(carries: readonly UsageCarry[]): Promise<void> {
    const staying: UsageCarry[] = [];
    for (const carry of carries) {
      const to = this.options.movesTo(carry);
      if (to === null) {
        staying.push(carry);
        continue;
      }
      const { topic, epoch, partition, submissionId, moves } = carry;
      const move = { topic, epoch, partition, submissionId, moves, to };
      await this.append([this.carryRecord(carry), this.moveRecord(move)]);
    }
    await this.append(staying.map((carry) => this.carryRecord(carry)));
  }

  /** Appends carries to the source partitions to which they were moved. */
  appendMoved(carries: readonly UsageCarry[]): Promise<void> {
    return this.append(carries.map((carry) => this.carryRecord(carry)));
  }

  appendMoves(moves: readonly CarryMove[]): Promise<void> {
    return this.append(moves.map((move) => this.moveRecord(move)));
  }

  private carryRecord(carry: UsageCarry): NewRecord & { readonly key: string } {
    return this.record('carry', carry, serializeUsageCarry(carry));
  }

  private moveRecord(move: CarryMove): NewRecord & { readonly key: string } {
    return this.record('moved', move, serializeCarryMove(move));
  }

  private record(
    kind: 'carry' | 'moved',
    at: SourcePartition,
    body: string,
  ): NewRecord & { readonly key: string } {
    const { keyring, now } = this.options;
    const { value, headers } = controlRecord(kind, at, body, keyring);
    return { value, headers, key: aggregateKey(at), timestamp: millis(now()) };
  }

  private async append(records: readonly (NewRecord & { readonly key: string })[]): Promise<void> {
    const { topic, partitions } = this.options;
    const byPartition = new Map<number, NewRecord[]>();
    for (const record of records) {
      const partition = partitionOfKey(record.key, partitions);
      const ofPartition = byPartition.get(partition) ?? [];
      byPartition.set(partition, ofPartition);
      ofPartition.push(record);
    }
    for (const [partition, ofPartition] of byPartition) {
      await this.writer.append({ topic, partition }, ofPartition);
    }
  }
}
