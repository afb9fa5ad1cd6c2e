import { messageOf } from '../process/errors.ts';
import { certificateAdvice, codesOf } from '../process/trusted-certificates.ts';
import type { KafkaSecurity } from './security.ts';

const NO_LOGIN = /authentication failed|SASL_AUTHENTICATION_FAILED/i;
const OTHER_MECHANISM = /mechanism is not supported|UNSUPPORTED_SASL_MECHANISM/i;
/** What is left of a handshake with somebody who speaks otherwise. */
const OTHER_PROTOCOL =
  /before secure TLS connection|wrong version number|packet length too long|closed connection|ILLEGAL_SASL_STATE/i;

/** Says why no broker answers, and what to do. */
export const explainUnreachable = (
  brokers: readonly string[],
  { ssl, sasl }: KafkaSecurity,
  cause: unknown,
): string => {
  const said = messageOf(cause);
  const kafka = `Kafka at ${brokers.join(', ')}`;
  const advice = codesOf(cause)
    .map((code) => certificateAdvice(code, 'KAFKA_CA_FILE'))
    .find((text) => text !== null);
  if (advice) return `${kafka} is not trusted, ${advice} (${said})`;
  if (OTHER_MECHANISM.test(said)) {
    return `${kafka} takes no login by ${sasl?.mechanism.toUpperCase() ?? 'SASL'}: set KAFKA_SASL_MECHANISM to one that its listener has (${said})`;
  }
  if (NO_LOGIN.test(said)) {
    return `${kafka} refuses user "${sasl?.username ?? ''}": set KAFKA_USERNAME, and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE (${said})`;
  }
  if (OTHER_PROTOCOL.test(said)) {
    return (
      `${kafka} closes the connection: it is starting or ending, or it wants other settings than KAFKA_TLS=${ssl === false ? 'off' : 'on'} ` +
      `${sasl === null ? 'without KAFKA_SASL_MECHANISM' : `and KAFKA_SASL_MECHANISM=${sasl.mechanism.toUpperCase()}`} (${said})`
    );
  }
  return `${kafka} cannot be reached: start it with "npm start", or set KAFKA_BROKERS (${said})`;
};
