export interface Settings {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Where the spool is, and how far usage is reported. A disk of this machine. */
  readonly state: string;
  readonly vaults: string;
  readonly periodMillis: number;
}

const HOUR_SECONDS = 3_600;

/** @throws Error that names every setting that is wrong */
export const readSettings = (environment: NodeJS.ProcessEnv): Settings => {
  const { KAFKA_BROKERS, USAGE_TOPIC, STATE_DIRECTORY, VAULTS_FILE, REPORT_SECONDS } = environment;
  const seconds = Number(REPORT_SECONDS ?? 300);
  const problems: string[] = [];
  // Then no period crosses an hour, and whoever starts again cuts time at the same instants.
  if (!Number.isInteger(seconds) || seconds < 1 || HOUR_SECONDS % seconds !== 0) {
    problems.push('REPORT_SECONDS must be full seconds that divide an hour, such as 300');
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return {
    brokers: (KAFKA_BROKERS ?? '127.0.0.1:9092').split(','),
    topic: USAGE_TOPIC ?? 'usage.events.backup',
    state: STATE_DIRECTORY ?? 'state',
    vaults: VAULTS_FILE ?? 'vaults.json',
    periodMillis: seconds * 1_000,
  };
};
