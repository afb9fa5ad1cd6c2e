import { inRepository } from '../../../shared/process/repository.ts';

export const POM = inRepository('deploy/kafka/pom.xml');
export const DEFAULT_CACHE = inRepository('.local/cache');

/**
 * Measured on two cores with Java 17: 1.5 s to listen, 2.1 s with the JVM's defaults; the full
 * compiler gains nothing for one broker on loopback.
 */
export const JVM_FLAGS: readonly string[] = [
  '-Xms64m',
  '-Xmx320m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${inRepository('deploy/kafka/log4j2.properties')}`,
];
