import { kafkaSettings, parseEnvironment, type Environment } from '../process/config.ts';
import { explainUnreachable } from './explain-unreachable.ts';
import { kafkaSecurity, type KafkaSecurity } from './security.ts';

const securityOf = (environment: Environment): KafkaSecurity =>
  kafkaSecurity(parseEnvironment(kafkaSettings, environment));

const LOGIN = { KAFKA_USERNAME: 'usage', KAFKA_PASSWORD: 'secret' };

test('without settings there is neither TLS nor a login', () => {
  expect(securityOf({})).toEqual({ ssl: false, sasl: null });
});

test.each(['PLAIN', 'SCRAM-SHA-256', 'scram-sha-512'])('a login by %s', (KAFKA_SASL_MECHANISM) => {
  expect(securityOf({ ...LOGIN, KAFKA_SASL_MECHANISM, KAFKA_TLS: 'on' })).toEqual({
    ssl: {},
    sasl: {
      mechanism: KAFKA_SASL_MECHANISM.toLowerCase(),
      username: 'usage',
      password: 'secret',
    },
  });
});

test.each<[string, Environment, string]>([
  ['another mechanism', { KAFKA_SASL_MECHANISM: 'GSSAPI' }, 'must be one of PLAIN, SCRAM-SHA-256'],
  ['a login without a mechanism', LOGIN, 'KAFKA_SASL_MECHANISM: must be set, since KAFKA_USERNAME'],
  ['a mechanism without a login', { KAFKA_SASL_MECHANISM: 'PLAIN' }, 'needs KAFKA_USERNAME, and'],
  ['certificates without TLS', { KAFKA_CA_FILE: '/x' }, 'no effect unless KAFKA_TLS is on'],
  [
    'certificates that are not there',
    { KAFKA_TLS: 'on', KAFKA_CA_FILE: '/nowhere/ca.pem' },
    'set KAFKA_CA_FILE to a file of certificates in PEM',
  ],
  [
    'a file that has no certificate',
    { KAFKA_TLS: 'on', KAFKA_CA_FILE: 'package.json' },
    'it has no certificate',
  ],
])('%s is refused with what to do', (_, environment, message) => {
  expect(() => securityOf(environment)).toThrow(message);
});

const PLAIN: KafkaSecurity = {
  ssl: false,
  sasl: { mechanism: 'plain', username: 'usage', password: 'secret' },
};

const failure = (message: string, code?: string): Error =>
  new Error('Failed', { cause: Object.assign(new Error(message), code !== undefined && { code }) });

test.each<[string, unknown, string]>([
  [
    'an authority that is not trusted',
    failure('self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'),
    "set KAFKA_CA_FILE to the file of that authority's certificate",
  ],
  ['a wrong password', new Error('SASL PLAIN authentication failed: no'), 'refuses user "usage"'],
  [
    'a mechanism that the listener has not',
    new Error('SASL PLAIN mechanism is not supported by the server'),
    'takes no login by PLAIN: set KAFKA_SASL_MECHANISM',
  ],
  [
    'a listener with TLS',
    new Error('Closed connection'),
    'wants other settings than KAFKA_TLS=off and KAFKA_SASL_MECHANISM=PLAIN',
  ],
  ['nobody', new Error('connect ECONNREFUSED'), 'start it with "npm start", or set KAFKA_BROKERS'],
])('%s is explained', (_, error, text) => {
  const explained = explainUnreachable(['a:1'], PLAIN, error);
  expect(explained).toContain(text);
  expect(explained).toMatch(/^Kafka at a:1 /);
  expect(explained).not.toContain('secret');
});
