import type { SASLOptions } from 'kafkajs';
import { UserError } from '../process/errors.ts';
import { readCertificates } from '../process/trusted-certificates.ts';
import type { KafkaSecurityConfig } from './security-config.ts';

type Login = Extract<SASLOptions, { readonly username: string }>;

/** How a client reaches its brokers; in the words of kafkajs. */
export interface KafkaSecurity {
  /** False without TLS. */
  readonly ssl: false | { readonly ca?: Buffer };
  /** Null without a login. */
  readonly sasl: Login | null;
}

export const NO_SECURITY: KafkaSecurity = { ssl: false, sasl: null };

const cannotUse = (problem: string): UserError =>
  new UserError(`The settings cannot be used. ${problem}`);

/**
 * What the settings say about TLS and login.
 * @throws UserError if some of them do not go together, or the certificates cannot be read
 */
export const kafkaSecurity = (config: KafkaSecurityConfig): KafkaSecurity => ({
  ssl: sslOf(config),
  sasl: saslOf(config),
});

const sslOf = ({
  KAFKA_TLS: tls,
  KAFKA_CA_FILE: path,
}: KafkaSecurityConfig): KafkaSecurity['ssl'] => {
  if (tls === 'on')
    return path === undefined ? {} : { ca: readCertificates(path, 'KAFKA_CA_FILE') };
  if (path === undefined) return false;
  throw cannotUse('KAFKA_CA_FILE: has no effect unless KAFKA_TLS is on');
};

const saslOf = (config: KafkaSecurityConfig): KafkaSecurity['sasl'] => {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_USERNAME: username,
    KAFKA_PASSWORD: password,
  } = config;
  if (mechanism === undefined) {
    if (username === undefined && password === undefined) return null;
    throw cannotUse(
      'KAFKA_SASL_MECHANISM: must be set, since KAFKA_USERNAME or KAFKA_PASSWORD is: to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, whichever the brokers want',
    );
  }
  if (username === undefined || password === undefined) {
    throw cannotUse(
      'KAFKA_SASL_MECHANISM: needs KAFKA_USERNAME, and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE',
    );
  }
  return { mechanism: mechanism.toLowerCase(), username, password } as Login;
};
