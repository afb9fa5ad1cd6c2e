import {
  delay,
  runCommand,
  signalProcess,
} from '../../services/development/local/child-process.ts';
import { messageOf } from '../../services/shared/process/errors.ts';
import { startService, type ServiceProcess } from '../support/service-process.ts';

type Environment = Readonly<Record<string, string>>;

const RESTART_MILLIS = 300;

const living = new Set<ServiceProcess>();

/** At once, for a run that is interrupted: one that stands still would outlive this process. */
export const killAggregators = (): void => {
  for (const { pid } of living) signalProcess(pid, 'SIGKILL');
};

/**
 * How a life ended that was not told to: by SIGKILL; by itself after it had been ready; or before
 * that, because a server that it needs did not answer.
 */
export type End = 'killed' | 'by-itself' | 'refused';

/**
 * A service that is started again whenever it ends, as a supervisor would do it, until it is
 * told to leave. Each life may have settings of its own; the last ones hold for all later lives.
 */
export class Member {
  readonly name: string;
  private readonly service: string;
  readonly ends: End[] = [];
  private readonly lives: readonly Environment[];
  private readonly printed: string[] = [];
  private process: ServiceProcess | null = null;
  private wanted = true;
  private readonly running: Promise<void>;

  constructor(service: string, name: string, lives: readonly Environment[]) {
    this.service = service;
    this.name = name;
    this.lives = lives;
    this.running = this.run();
  }

  /** All that it has printed in all its lives. */
  get output(): string {
    return this.printed.join('\n-- started again --\n') + (this.process?.output() ?? '');
  }

  /** Address of the health server of its present life. */
  get healthUrl(): string | null {
    return /"health":"([^"]+)"/.exec(this.process?.output() ?? '')?.[1] ?? null;
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  pause(): void {
    if (this.process) signalProcess(this.process.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.process) signalProcess(this.process.pid, 'SIGCONT');
  }

  /** Whether SIGSTOP has reached it. */
  async isPaused(): Promise<boolean> {
    if (!this.process) return false;
    const { output } = await runCommand('ps', ['-p', String(this.process.pid), '-o', 'state=']);
    return output.trim().startsWith('T');
  }

  /** Stops it in good order and for good; it must end with exit code 0. */
  async leave(): Promise<void> {
    this.wanted = false;
    this.resume();
    await this.process?.stop();
    await this.running;
  }

  async killForGood(): Promise<void> {
    this.wanted = false;
    await this.kill();
    await this.running;
  }

  private isWanted(): boolean {
    return this.wanted;
  }

  private async run(): Promise<void> {
    for (let life = 0; this.isWanted(); life++) {
      const environment = this.lives[Math.min(life, this.lives.length - 1)] ?? {};
      await this.live(environment);
      if (this.isWanted()) await delay(RESTART_MILLIS);
    }
  }

  private async live(environment: Environment): Promise<void> {
    try {
      this.process = await startService(this.service, environment);
    } catch (error) {
      const message = messageOf(error);
      this.printed.push(message);
      this.ends.push(new RegExp(`^${this.service}: `, 'm').test(message) ? 'refused' : 'killed');
      return;
    }
    const { process } = this;
    living.add(process);
    if (!this.wanted) await process.stop();
    const exit = await process.exited;
    living.delete(process);
    this.printed.push(process.output());
    this.process = null;
    if (exit.signal === 'SIGKILL') this.ends.push('killed');
    else if (this.wanted || exit.code !== 0) this.ends.push('by-itself');
  }
}

/** The processes of one service in one schedule: aggregators, if it is not said otherwise. */
export class Fleet {
  readonly members: Member[] = [];
  private readonly environment: Environment;
  private readonly service: string;

  constructor(environment: Environment, service = 'aggregator') {
    this.environment = environment;
    this.service = service;
  }

  /** A further process; what its first lives have in addition, one after another. */
  join(...lives: readonly Environment[]): Member {
    const name = `${this.service}-${String(this.members.length + 1)}`;
    const settings = [...lives, {}].map((life) => ({ ...this.environment, ...life }));
    const member = new Member(this.service, name, settings);
    this.members.push(member);
    return member;
  }

  /** Stops all in good order. */
  async leave(): Promise<void> {
    await Promise.all(this.members.map((member) => member.leave()));
  }

  async killForGood(): Promise<void> {
    await Promise.all(this.members.map((member) => member.killForGood()));
  }
}
