import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import errors from 'kafkajs/src/protocol/error.js';
import { UserError } from '../../process/errors.ts';
import { codecsReady } from './codecs.ts';
import { readFetchResponse } from './fetch-response.ts';

/** Older answers have another form; only brokers before 0.11 ask for them. */
const OLDEST = 4;

let maxBatchBytes = 0;

const nameOfError = (code: number): string =>
  errors.createErrorFromCode(code).type ?? `error ${String(code)}`;

/**
 * Lets kafkajs read what brokers send with the decoder of this folder instead of its own (ADR 6), in
 * this whole process: its own knows no compression but gzip, checks no checksum, takes any amount of memory,
 * makes an object of every record, and fails all partitions of a fetch for what is wrong with one.
 */
export const readFetchesWithin = (bytesOfBatch: number): void => {
  const isInstalled = maxBatchBytes > 0;
  maxBatchBytes = bytesOfBatch;
  if (isInstalled) return;
  const { protocol } = fetch;
  fetch.protocol = ({ version }) => {
    if (version < OLDEST) {
      throw new UserError(
        'Kafka is older than 0.11: its records have no headers, which these need; use a newer one',
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
