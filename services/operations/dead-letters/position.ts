import { UserError } from '../../shared/process/errors.ts';
import type { SourcePartition } from '../../shared/model/source.ts';

/** The position of a dead letter in the log. */
export interface Position extends SourcePartition {
  readonly offset: number;
}

/** A position as a person writes it. Without an epoch, it means the topic's newest epoch that has it. */
export type GivenPosition = Omit<Position, 'epoch'> & { readonly epoch: number | null };

/** `usage.events.compute/1/0/4711`: topic, epoch, partition, offset. */
export const positionText = ({ topic, epoch, partition, offset }: Position): string =>
  [topic, epoch, partition, offset].map(String).join('/');

const POSITION = /^([^/\s]+)(?:\/(\d{1,9}))?\/(\d{1,5})\/(\d{1,15})$/;

/**
 * Reads `TOPIC/PARTITION/OFFSET` or `TOPIC/EPOCH/PARTITION/OFFSET`.
 * @throws UserError if it is neither, or names another epoch than the option
 */
export const parsePosition = (text: string, epochOption: number | null = null): GivenPosition => {
  const [, topic, epoch, partition, offset] = POSITION.exec(text) ?? [];
  if (topic === undefined) {
    throw new UserError(
      `"${text}" is not the position of a dead letter: write TOPIC/PARTITION/OFFSET, as "usagectl dlq list" does`,
    );
  }
  const given = epoch === undefined ? null : Number(epoch);
  if (given !== null && epochOption !== null && given !== epochOption) {
    throw new UserError(`"${text}" names epoch ${String(given)}, but --epoch names another one`);
  }
  return {
    topic,
    epoch: given ?? epochOption,
    partition: Number(partition),
    offset: Number(offset),
  };
};
