import type { Logger } from 'pino';
import { unsentProblem, type Unsent } from '../shared/billing/unsent.ts';
import type { Health } from '../shared/process/health.ts';
import { messageOf } from '../shared/process/errors.ts';

export interface UnsentPorts {
  readonly read: () => Promise<Unsent | null>;
  readonly now: () => number;
  readonly logger: Logger;
}

const LOOK_MILLIS = 60_000;
/** The log says again after so long that usage waits. */
const AGAIN_MILLIS = 600_000;

/**
 * Looks once a minute how old the oldest usage is that has not been sent, so that nobody finds out after
 * Commerce has begun to refuse it.
 */
export class UnsentWatch {
  private readonly ports: UnsentPorts;
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private found: string | null = null;
  private toldAt = -Infinity;

  constructor(ports: UnsentPorts) {
    this.ports = ports;
  }

  start(): void {
    this.timer = setInterval(() => {
      this.last = this.last.then(() => this.look());
    }, LOOK_MILLIS);
  }

  /** The health of a service whose usage this is. */
  addTo({ problems, details }: Health): Health {
    return { problems: this.found === null ? problems : [...problems, this.found], details };
  }

  async look(): Promise<void> {
    const { read, now, logger } = this.ports;
    try {
      this.found = unsentProblem(await read(), now());
    } catch (error) {
      this.found = `nobody knows how old the oldest unsent usage is: it could not be read (${messageOf(error)})`;
    }
    if (this.found === null) {
      this.toldAt = -Infinity;
    } else if (now() - this.toldAt >= AGAIN_MILLIS) {
      this.toldAt = now();
      logger.warn(this.found);
    }
  }

  /** Ends when the look in progress has ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
  }
}
