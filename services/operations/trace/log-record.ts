import { unframe } from '../../shared/avro/wire-format.ts';
import { LogReader } from '../../shared/kafka/log-reader.ts';
import type { KafkaConfig } from '../../shared/process/config.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { GivenPosition } from '../dead-letters/position.ts';
import { withAdmin } from '../sources/source-tools.ts';

const ID_BYTES = 16;

/** What stands at a position of the log. */
export type RecordAt =
  /** No record, or one without an id, such as a control record. */
  { readonly kind: 'no-event' } | { readonly kind: 'event'; readonly eventId: string };

/**
 * Reads one record of the log, as far as the id of its event.
 * @throws UserError if the log does not have it any more
 */
export const recordAt = (
  config: KafkaConfig,
  { topic, partition, offset }: GivenPosition,
): Promise<RecordAt> =>
  withAdmin(config, async (admin, kafka) => {
    const reader = await LogReader.open(kafka, admin, [topic]);
    try {
      let found: RecordAt = { kind: 'no-event' };
      await reader.read({ topic, partition }, offset, offset + 1, (records) => {
        const value = records.find((record) => record.offset === offset)?.value ?? null;
        const id = value === null ? undefined : unframe(value)?.datum.subarray(0, ID_BYTES);
        if (id?.length === ID_BYTES) found = { kind: 'event', eventId: uuidText(id) };
        return Promise.resolve();
      });
      return found;
    } finally {
      await reader.close();
    }
  });
