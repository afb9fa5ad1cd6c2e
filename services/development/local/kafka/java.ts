import { UserError } from '../../../shared/process/errors.ts';
import { runCommand } from '../child-process.ts';

/** Kafka 4 brokers need Java 17: https://kafka.apache.org/41/documentation/compatibility.html */
const OLDEST_JAVA = 17;

const WAYS_OUT = `install Java ${String(OLDEST_JAVA)} or newer (JAVA_HOME or PATH), or set KAFKA_BROKERS to use an existing broker.`;

export interface Java {
  readonly command: string;
  /** As it names itself: `17.0.15`. */
  readonly version: string;
}

/** Reads `java -version`: `openjdk version "17.0.15" 2025-04-15`, `java version "1.8.0_392"`. */
export const parseJavaVersion = (
  output: string,
): { readonly version: string; readonly major: number } | null => {
  const version = /version "([^"]+)"/.exec(output)?.[1];
  const numbers = /^(?:1\.)?(\d+)/.exec(version ?? '');
  return version === undefined || numbers === null ? null : { version, major: Number(numbers[1]) };
};

/** Finds a Java that can run Kafka. Throws a UserError that says what to do if there is none. */
export const findJava = async (environment: NodeJS.ProcessEnv): Promise<Java> => {
  const home = environment['JAVA_HOME'];
  const command = home ? `${home}/bin/java` : 'java';
  const result = await runCommand(command, ['-version']);
  if (result.missing) {
    throw new UserError(`The local Kafka needs Java and "${command}" was not found: ${WAYS_OUT}`);
  }
  const parsed = parseJavaVersion(result.output);
  if (result.code !== 0 || parsed === null) {
    throw new UserError(
      `"${command} -version" failed (${result.output.trim().split('\n')[0] ?? ''}): ${WAYS_OUT}`,
    );
  }
  if (parsed.major < OLDEST_JAVA) {
    throw new UserError(
      `The local Kafka needs Java ${String(OLDEST_JAVA)} and "${command}" is ${parsed.version}: ${WAYS_OUT}`,
    );
  }
  return { command, version: parsed.version };
};
