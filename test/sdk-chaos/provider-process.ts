import { spawn, type ChildProcess } from 'node:child_process';
import { delay, END_WITH_PARENT, exitOf } from '../../services/development/local/child-process.ts';
import { nodeArguments } from '../../services/shared/process/repository.ts';
import type { Assignment } from './assignment.ts';

const PROVIDER = 'test/sdk-chaos/provider-main.ts';

const numbersOf = (line: string): readonly number[] => line.split(' ').slice(1).map(Number);

/**
 * A provider that is started again whenever it was killed, or could not be opened because the broker was away, as a
 * supervisor would do it. A new life begins with the oldest usage that was not taken, and so emits some again.
 */
export class ProviderProcess {
  readonly emitted = new Set<number>();
  /** `emit` has resolved for these. */
  readonly taken = new Set<number>();
  /** Ends that nothing explains. */
  readonly faults: string[] = [];
  refusals = 0;
  lives = 0;
  output = '';
  private readonly assignment: Omit<Assignment, 'first' | 'life'>;
  private readonly restartMillis: () => number;
  private child: ChildProcess | null = null;
  private isOpen = false;
  private isEnding = false;
  private isGivenUp = false;
  private readonly running: Promise<void>;

  constructor(assignment: Omit<Assignment, 'first' | 'life'>, restartMillis: () => number) {
    this.assignment = assignment;
    this.restartMillis = restartMillis;
    this.running = this.run();
  }

  get hasSpool(): boolean {
    return this.assignment.spool !== null;
  }

  get topic(): string {
    return this.assignment.topic;
  }

  kill(): void {
    this.child?.kill('SIGKILL');
  }

  /** Tells it to end in good order: with everything sent. */
  async end(): Promise<void> {
    this.isEnding = true;
    if (this.isOpen) this.child?.kill('SIGTERM');
    await this.running;
  }

  async killForGood(): Promise<void> {
    this.isGivenUp = true;
    this.kill();
    await this.running;
  }

  private isOver(): boolean {
    return this.isGivenUp;
  }

  private firstNotTaken(): number {
    let first = 0;
    while (this.taken.has(first)) first++;
    return first;
  }

  private async run(): Promise<void> {
    while (!this.isOver()) {
      if (await this.live()) return;
      await delay(this.restartMillis());
    }
  }

  /** True if it has ended in good order. */
  private async live(): Promise<boolean> {
    const life = this.lives++;
    const assignment: Assignment = { ...this.assignment, first: this.firstNotTaken(), life };
    const args = [END_WITH_PARENT, ...nodeArguments(PROVIDER), JSON.stringify(assignment)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    if (this.isGivenUp) this.kill();
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.hear(line);
    });
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    const closed = new Promise((resolve) => child.once('close', resolve));
    const { code, signal } = await exitOf(child);
    await closed;
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.child = null;
    if (code === 0) return true;
    const isExplained = signal === 'SIGKILL' || (!wasOpen && !this.hasSpool);
    if (!isExplained) {
      this.faults.push(`life ${String(life)} ended by itself (${signal ?? String(code)})`);
    }
    return false;
  }

  private hear(line: string): void {
    const [what] = line.split(' ');
    if (what === 'open') {
      this.isOpen = true;
      if (this.isEnding) this.child?.kill('SIGTERM');
    } else if (what === 'emit') for (const n of numbersOf(line)) this.emitted.add(n);
    else if (what === 'taken') for (const n of numbersOf(line)) this.taken.add(n);
    else if (what === 'refused') this.refusals++;
  }
}
