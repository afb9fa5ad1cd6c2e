export interface BrokerPlace {
  readonly port: number;
  readonly controllerPort: number;
  readonly logDir: string;
}

/**
 * One node that is broker and controller, on loopback only. Settings that are not named here have Kafka's
 * own defaults: https://kafka.apache.org/41/documentation.html#brokerconfigs
 */
export const brokerProperties = (
  place: BrokerPlace,
  overrides: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: `PLAINTEXT://127.0.0.1:${String(place.port)},CONTROLLER://127.0.0.1:${String(place.controllerPort)}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${String(place.port)}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': `1@127.0.0.1:${String(place.controllerPort)}`,
  'log.dirs': place.logDir,
  'auto.create.topics.enable': 'false',
  'default.replication.factor': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  // A killed broker is accepted again only when its session is over, by default after 9 seconds.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '1000',
  // An idle controller writes to its log so often, for a quorum that is not here; 500 ms by default.
  'metadata.max.idle.interval.ms': '5000',
  // The log cleaner's table of keys; the default of 128 MB is taken from the heap at once.
  'log.cleaner.dedupe.buffer.size': String(4 * 1024 * 1024),
  ...overrides,
});

const escapeCharacter = (character: string): string =>
  /[\x20-\x7e]/.test(character)
    ? character.replace(/[\\ ]/, '\\$&')
    : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Java's `.properties` text, which is Latin-1 with backslash escapes. */
export const formatProperties = (properties: Readonly<Record<string, string>>): string =>
  Object.entries(properties)
    .map(([key, value]) => `${key}=${value.split('').map(escapeCharacter).join('')}\n`)
    .join('');
