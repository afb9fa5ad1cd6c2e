import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import errors from 'kafkajs/src/protocol/error.js';
import { UserError } from '../../process/errors.ts';
import { codecsReady } from './codecs.ts';
import { readFetchResponse } from './fetch-response.ts';

/** Older versions have another form; only brokers before 0.11 need them. */
const OLDEST = 4;

let maxBatchBytes = 0;

const nameOfError = (code: number): string =>
  errors.createErrorFromCode(code).type ?? `error ${String(code)}`;

/**
 * Replaces the decoder of kafkajs with the one in this folder (ADR 6), for the entire process. The decoder
 * of kafkajs knows no compression but gzip, checks no checksums, takes any amount of memory, makes an
 * object for every record, and fails all partitions of a fetch because of an error in one.
 */
export const readFetchesWithin = (bytesOfBatch: number): void => {
  const isInstalled = maxBatchBytes > 0;
  maxBatchBytes = bytesOfBatch;
  if (isInstalled) return;
  const { protocol } = fetch;
  fetch.protocol = ({ version }) => {
    if (version < OLDEST) {
      throw new UserError(
        'Kafka is older than 0.11: its records have no headers, which the pipeline needs; use a newer Kafka',
      );
    }
    const request = protocol({ version });
    const decode = async (bytes: Buffer): Promise<unknown> => {
      await codecsReady();
      return readFetchResponse(bytes, version, maxBatchBytes, nameOfError);
    };
    return (options) => {
      const made = request(options);
      return { ...made, response: { ...made.response, decode } };
    };
  };
};
