import type { Environment } from '../../shared/process/config.ts';
import { UserError } from '../../shared/process/errors.ts';
import type { StackPorts } from './stack-ports.ts';

/** What is started here, besides the services that run in production. */
export interface StackParts {
  /** Kafka and ClickHouse, where the environment names no others. */
  readonly servers: boolean;
  /** The mock of Commerce. */
  readonly commerce: boolean;
  /** The simulated providers. */
  readonly providers: boolean;
}

export const WHOLE_STACK: StackParts = { servers: true, commerce: true, providers: true };

/** The ports on which nothing of this stack listens. */
export const unusedPorts = ({ commerce, providers }: StackParts): readonly (keyof StackPorts)[] => [
  ...(commerce ? [] : ['commerce' as const]),
  ...(providers ? [] : ['providers' as const]),
];

/** @throws UserError where servers are needed that nobody has named */
export const checkOwnServers = ({ servers }: StackParts, environment: Environment): void => {
  const missing = ['KAFKA_BROKERS', 'CLICKHOUSE_URL'].filter((name) => !environment[name]?.trim());
  if (servers || missing.length === 0) return;
  throw new UserError(
    `No servers are started here, and ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set: ` +
      'set both to your own servers (docs/own-servers.md), or let "npm start" start local ones',
  );
};

/**
 * The settings of what is not started here: they are those that were given, if any. Otherwise `usagectl`
 * would look for a service that nobody meant to run.
 */
export const settingsOfParts = (
  settings: Readonly<Record<string, string>>,
  { commerce, providers }: StackParts,
  environment: Environment,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      const isElsewhere =
        (name === 'COMMERCE_URL' && !commerce) || (name.endsWith('_PROVIDER_URL') && !providers);
      if (!isElsewhere) return [[name, value]];
      const given = environment[name]?.trim();
      return given ? [[name, given]] : [];
    }),
  );
