import fetch, { type FetchOptions } from 'kafkajs/src/protocol/requests/fetch/index.js';
import errors from 'kafkajs/src/protocol/error.js';
import { checkVersion } from '../oldest-version.ts';
import { codecsReady } from './codecs.ts';
import { readFetchResponse, type AskedOffset } from './fetch-response.ts';
import { Patience } from './patience.ts';

const OLDEST = 4;

let maxBatchBytes = 0;

const nameOfError = (code: number): string =>
  errors.createErrorFromCode(code).type ?? `error ${String(code)}`;

const askedOffsetIn =
  (topics: FetchOptions['topics']): AskedOffset =>
  (topic, partition) => {
    const { partitions } = topics.find((each) => each.topic === topic) ?? { partitions: [] };
    return Number(partitions.find((each) => each.partition === partition)?.fetchOffset ?? -1);
  };

/**
 * Replaces the decoder of kafkajs with the one in this folder (ADR 6), for the entire process. The decoder
 * of kafkajs knows no compression but gzip, checks no checksums, takes any amount of memory, makes an
 * object for every record, and fails all partitions of a fetch because of an error in one. Fetches also wait as
 * long as `Patience` says.
 */
export const readFetchesWithin = (bytesOfBatch: number): void => {
  const isInstalled = maxBatchBytes > 0;
  maxBatchBytes = bytesOfBatch;
  if (isInstalled) return;
  const { protocol } = fetch;
  const patience = new Patience();
  fetch.protocol = ({ version }) => {
    checkVersion(version, OLDEST);
    const request = protocol({ version });
    return (options) => {
      const made = request({ ...options, maxWaitTime: patience.waitOf(options.maxWaitTime) });
      const decode = async (bytes: Buffer): Promise<unknown> => {
        await codecsReady();
        const asked = askedOffsetIn(options.topics);
        const answer = readFetchResponse(bytes, version, maxBatchBytes, nameOfError, asked);
        patience.answered(answer);
        return answer;
      };
      return { ...made, response: { ...made.response, decode } };
    };
  };
};
