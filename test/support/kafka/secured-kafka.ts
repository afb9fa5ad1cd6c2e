import { Kafka, logLevel } from 'kafkajs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localCertificates } from '../../../services/development/local/certificates.ts';
import { runCommand } from '../../../services/development/local/child-process.ts';
import { provideJars } from '../../../services/development/local/kafka/jars.ts';
import { findJava } from '../../../services/development/local/kafka/java.ts';
import { DEFAULT_CACHE, JVM_FLAGS, POM } from '../../../services/development/local/kafka/jvm.ts';
import {
  startKafka,
  type LocalKafka,
} from '../../../services/development/local/kafka/start-kafka.ts';
import { freePort } from '../../../services/development/local/port.ts';
import { grantDocumented } from './acls.ts';

/** A broker with a listener that wants TLS and a login, besides the plain one, and with ACLs. */
export interface SecuredKafka {
  readonly kafka: LocalKafka;
  /** The addresses of the listener that wants both. */
  readonly securedBrokers: string;
  /** Whoever trusts this certificate trusts the broker's. */
  readonly caFile: string;
  /** Has the rights that docs/own-servers.md names, and no others. */
  readonly user: string;
  readonly password: string;
  /** With the same password and no rights; logs in by PLAIN alone. */
  readonly stranger: string;
}

const USER = 'usage';
const STRANGER = 'stranger';
/** A space, a colon and quotes, since people's passwords have them. */
const PASSWORD = 'a pass: "word"';

const LISTENER = 'listener.name.secured';
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];

/** As a string of a JAAS configuration. */
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

const listenerSettings = (keyStore: string): Readonly<Record<string, string>> => ({
  [`${LISTENER}.ssl.keystore.type`]: 'PEM',
  [`${LISTENER}.ssl.keystore.location`]: keyStore,
  [`${LISTENER}.sasl.enabled.mechanisms`]: ['PLAIN', ...SCRAM].join(','),
  [`${LISTENER}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required ${[USER, STRANGER].map((name) => `user_${name}=${quoted(PASSWORD)}`).join(' ')};`,
  ...Object.fromEntries(
    SCRAM.map((name) => [
      `${LISTENER}.${name.toLowerCase()}.sasl.jaas.config`,
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    ]),
  ),
});

/** Starts the broker, and adds its user for SCRAM. Everything is in `directory`. */
export const startSecuredKafka = async (directory: string): Promise<SecuredKafka> => {
  const { ca, certificate, key } = await localCertificates(join(directory, 'tls'));
  const keyStore = join(directory, 'broker.pem');
  const pems = await Promise.all([key, certificate].map((path) => readFile(path, 'utf8')));
  await writeFile(keyStore, pems.join(''), { mode: 0o600 });

  const [plain, secured, controller] = [await freePort(), await freePort(), await freePort()];
  const at = (name: string, port: number): string => `${name}://127.0.0.1:${String(port)}`;
  const kafka = await startKafka({
    dataDir: join(directory, 'kafka'),
    port: plain,
    overrides: {
      listeners: [
        at('PLAINTEXT', plain),
        at('SECURED', secured),
        at('CONTROLLER', controller),
      ].join(),
      'advertised.listeners': [at('PLAINTEXT', plain), at('SECURED', secured)].join(),
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${String(controller)}`,
      'group.min.session.timeout.ms': '1000',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS', // of the plain listener and of the controller
      ...listenerSettings(keyStore),
    },
  });
  try {
    await addScramUser(directory, kafka.brokers.join());
    await grantDocumented(openPlainly(kafka));
  } catch (error) {
    await kafka.stop();
    throw error;
  }
  const securedBrokers = `127.0.0.1:${String(secured)}`;
  return {
    ...{ kafka, securedBrokers, caFile: ca },
    ...{ user: USER, password: PASSWORD, stranger: STRANGER },
  };
};

/** A client on the plain listener, which lets everybody do everything. */
export const openPlainly = ({ brokers }: LocalKafka): Kafka =>
  new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });

/** By Kafka's own command, over the plain listener: a request takes one mechanism of a user. */
const addScramUser = async (directory: string, brokers: string): Promise<void> => {
  const java = await findJava(process.env);
  const { classPath } = await provideJars(POM, DEFAULT_CACHE, () => undefined);
  const command = [...JVM_FLAGS, '-cp', classPath, 'kafka.admin.ConfigCommand'];
  const user = ['--alter', '--entity-type', 'users', '--entity-name', USER];
  for (const mechanism of SCRAM) {
    const settings = join(directory, `${mechanism}.properties`);
    await writeFile(settings, `${mechanism}=password=${PASSWORD}\n`, { mode: 0o600 });
    const { code, output } = await runCommand(java.command, [
      ...command,
      ...['--bootstrap-server', brokers, ...user, '--add-config-file', settings],
    ]);
    if (code !== 0) throw new Error(`the user for ${mechanism} could not be added: ${output}`);
  }
};
