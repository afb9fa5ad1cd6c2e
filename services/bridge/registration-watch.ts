import type { Logger } from 'pino';
import { messageOf, UserError } from '../shared/process/errors.ts';

export interface RegistrationPorts {
  /** @throws UserError if the file cannot be read */
  readonly read: () => string;
  /**
   * Brings what the file says in force.
   * @throws UserError if the file cannot be used
   */
  readonly apply: (text: string) => Promise<void>;
  readonly logger: Logger;
}

/**
 * Reads the registration file again, and brings what it says in force when it has changed. What cannot be used changes
 * nothing: the registration of before stays in force, the log says why, and the bridge is not ready.
 */
export class RegistrationWatch {
  private readonly ports: RegistrationPorts;
  private inForce: string;
  /** A content that cannot be used need not be tried again. */
  private unusable: string | null = null;
  private problem: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();

  /** @param inForce what stood in the file when the bridge started */
  constructor(inForce: string, ports: RegistrationPorts) {
    this.inForce = inForce;
    this.ports = ports;
  }

  start(everyMillis: number): void {
    this.timer = setInterval(() => {
      this.last = this.last.then(() => this.look());
    }, everyMillis);
  }

  get problems(): readonly string[] {
    return this.problem === null ? [] : [this.problem];
  }

  async look(): Promise<void> {
    let text: string | null = null;
    try {
      text = this.ports.read();
      if (text === this.unusable) return;
      if (text !== this.inForce) {
        await this.ports.apply(text);
        this.inForce = text;
        this.ports.logger.info('the registration file has changed, and was read again');
      }
      this.unusable = null;
      this.problem = null;
    } catch (error) {
      if (error instanceof UserError) this.unusable = text;
      this.tell(`${messageOf(error)}. The registration of before stays in force`);
    }
  }

  /** Ends when the look in progress has ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
  }

  private tell(problem: string): void {
    if (problem !== this.problem) this.ports.logger.error(problem);
    this.problem = problem;
  }
}
