import { parseEnvironment, wholeNumber, type Environment } from '../../shared/process/config.ts';
import { DEFAULT_PORTS } from '../../shared/process/default-ports.ts';
import { UserError } from '../../shared/process/errors.ts';
import { checkPort, freePort } from './port.ts';

/** The port of each part of the local stack; 0 lets Kafka or ClickHouse choose a free one. */
export type StackPorts = Readonly<Record<keyof typeof DEFAULT_PORTS, number>>;

interface Part {
  readonly name: keyof StackPorts;
  /** For messages. */
  readonly what: string;
  readonly setting: string;
  /** The distance from the setting's port. */
  readonly step: number;
}

/** In the order in which PORT_BASE gives ports to them. */
const PARTS: readonly Part[] = [
  { name: 'kafka', what: 'Kafka', setting: 'KAFKA_PORT', step: 0 },
  { name: 'clickHouse', what: 'ClickHouse', setting: 'CLICKHOUSE_PORT', step: 0 },
  { name: 'usageApi', what: 'The usage API', setting: 'USAGE_API_PORT', step: 0 },
  { name: 'commerce', what: 'Commerce', setting: 'COMMERCE_PORT', step: 0 },
  { name: 'aggregatorHealth', what: 'The aggregator’s health', setting: 'HEALTH_PORT', step: 0 },
  { name: 'bridgeHealth', what: 'The bridge’s health', setting: 'HEALTH_PORT', step: 1 },
  { name: 'providers', what: 'The door of the providers', setting: 'HEALTH_PORT', step: 2 },
];

const LARGEST = 65_535;

/** Ports of servers that run elsewhere are not ours. */
const isOurs = ({ name }: Part, environment: Environment): boolean =>
  !(name === 'kafka' && environment['KAFKA_BROKERS']) &&
  !(name === 'clickHouse' && environment['CLICKHOUSE_URL']);

/** PORT_BASE as given; null if it is not set. */
const readBase = (environment: Environment): number | null =>
  environment['PORT_BASE']?.trim()
    ? parseEnvironment({ PORT_BASE: wholeNumber(0, 0, LARGEST + 1 - PARTS.length) }, environment)
        .PORT_BASE
    : null;

/** The wanted port of each part; 0 stands for any free port. */
const wantedPorts = (environment: Environment): StackPorts => {
  const base = readBase(environment);
  const first = (index: number): number => {
    if (base !== null) return base === 0 ? 0 : base + index;
    return DEFAULT_PORTS[PARTS[index]?.name ?? 'kafka'];
  };
  const settings = parseEnvironment(
    {
      KAFKA_PORT: wholeNumber(first(0), 0, LARGEST),
      CLICKHOUSE_PORT: wholeNumber(first(1), 0, LARGEST),
      USAGE_API_PORT: wholeNumber(first(2), 0, LARGEST),
      COMMERCE_PORT: wholeNumber(first(3), 0, LARGEST),
      /** The first of three. */
      HEALTH_PORT: wholeNumber(first(4), 0, LARGEST - 2),
    },
    environment,
  );
  const health = (step: number): number =>
    settings.HEALTH_PORT === 0 ? 0 : settings.HEALTH_PORT + step;
  return {
    kafka: settings.KAFKA_PORT,
    clickHouse: settings.CLICKHOUSE_PORT,
    usageApi: settings.USAGE_API_PORT,
    commerce: settings.COMMERCE_PORT,
    aggregatorHealth: health(0),
    bridgeHealth: health(1),
    providers: health(2),
  };
};

const settingOf = ({ setting, step }: Part): string =>
  step === 0 ? setting : `${setting} + ${String(step)}`;

const refuseDoubles = (parts: readonly Part[], ports: StackPorts): void => {
  const taken = new Map<number, Part>();
  for (const part of parts) {
    const port = ports[part.name];
    if (port === 0) continue;
    const other = taken.get(port);
    if (other) {
      throw new UserError(
        `The settings cannot be used. ${settingOf(other)} and ${settingOf(part)} are both ${String(port)}: give each a port of its own, or set PORT_BASE, which moves all of them`,
      );
    }
    taken.set(port, part);
  }
};

/**
 * The ports of everything that `npm start` starts. PORT_BASE moves all of them, and a part's own setting
 * moves that part. Parts that cannot report a free port themselves get one here.
 * @throws UserError that lists every invalid setting, or two that are equal
 */
export const readStackPorts = async (environment: Environment): Promise<StackPorts> => {
  const ports: Record<keyof StackPorts, number> = { ...wantedPorts(environment) };
  refuseDoubles(
    PARTS.filter((part) => isOurs(part, environment)),
    ports,
  );
  for (const { name } of PARTS) {
    if (name === 'kafka' || name === 'clickHouse') continue;
    while (ports[name] === 0) {
      const port = await freePort();
      if (!Object.values(ports).includes(port)) ports[name] = port;
    }
  }
  return ports;
};

/**
 * Waits for ports that are about to become free.
 * @param without parts that are not started
 * @throws UserError that names the setting to change, if something already listens on a port
 */
export const checkStackPorts = async (
  ports: StackPorts,
  environment: Environment,
  patienceMillis: number,
  without: readonly (keyof StackPorts)[] = [],
): Promise<void> => {
  const giveUpAt = Date.now() + patienceMillis;
  for (const part of PARTS) {
    if (ports[part.name] === 0 || !isOurs(part, environment)) continue;
    if (without.includes(part.name)) continue;
    const setting =
      part.setting === 'HEALTH_PORT' ? 'HEALTH_PORT (the first of three)' : part.setting;
    await checkPort(part.what, ports[part.name], `${setting} or PORT_BASE (all of them)`, giveUpAt);
  }
};
