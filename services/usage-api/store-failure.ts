import { ClickHouseError } from '@clickhouse/client';
import { KeysUnavailable } from '../shared/sign-in/signing-keys.ts';
import {
  GATEWAY_TIMEOUT,
  INTERNAL_SERVER_ERROR,
  SERVICE_UNAVAILABLE,
  type ApiError,
} from './api-error.ts';
import { KEYS_UNAVAILABLE } from './sign-in-errors.ts';

/** A query took longer than allowed. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

/** Stops waiting but does not stop the query: the engine has its own limit. */
export const withinMillis = async <T>(limit: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitError(`No answer in ${String(limit)} ms`)), limit);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/** TIMEOUT_EXCEEDED of ClickHouse's `ErrorCodes.cpp`. */
const TIMEOUT_CODE = 159;

/**
 * Errors of ClickHouse that pass by themselves or that its operator can fix: unknown table or database,
 * cannot open file, too many queries, network, socket time-out, memory limit, cannot schedule, no login,
 * server shutting down. Source: `ErrorCodes.cpp`.
 */
const UNAVAILABLE_CODES: ReadonlySet<number> = new Set([
  60, 76, 81, 202, 209, 210, 236, 241, 242, 279, 289, 394, 439, 516,
]);

/** The errors of a connection to ClickHouse: `ECONNREFUSED`, `ENOTFOUND`, `EPIPE`, … */
const isConnectionError = (thrown: unknown): boolean =>
  typeof thrown === 'object' &&
  thrown !== null &&
  'code' in thrown &&
  typeof thrown.code === 'string' &&
  /^E[A-Z_]+$/.test(thrown.code);

/** The answer to a call when the store, or the look-up of the issuer's keys, has failed. */
export const storeFailure = (thrown: unknown): ApiError => {
  if (thrown instanceof TimeLimitError) return GATEWAY_TIMEOUT;
  if (thrown instanceof KeysUnavailable) return KEYS_UNAVAILABLE;
  if (thrown instanceof ClickHouseError) {
    const code = Number(thrown.code);
    if (code === TIMEOUT_CODE) return GATEWAY_TIMEOUT;
    return UNAVAILABLE_CODES.has(code) ? SERVICE_UNAVAILABLE : INTERNAL_SERVER_ERROR;
  }
  return isConnectionError(thrown) ? SERVICE_UNAVAILABLE : INTERNAL_SERVER_ERROR;
};
