import { randomUUID } from 'node:crypto';
import { isoText, millis } from '../shared/model/time.ts';

const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/**
 * The headers by which ARM identifies a request: its own id, the caller's correlation id if it sent one,
 * and the route: `NORTHWEST:20200210T201650Z:{guid}`.
 */
export const requestIdHeaders = (
  sentCorrelationId: string | undefined,
  now: number,
): Readonly<Record<string, string>> => {
  const id = randomUUID();
  const time = isoText(millis(Math.floor(now / 1000) * 1000)).replace(/[-:]/g, '');
  return {
    'x-ms-request-id': id,
    'x-ms-correlation-request-id':
      sentCorrelationId !== undefined && ACCEPTABLE.test(sentCorrelationId)
        ? sentCorrelationId
        : id,
    'x-ms-routing-request-id': `LOCAL:${time}:${id}`,
  };
};
