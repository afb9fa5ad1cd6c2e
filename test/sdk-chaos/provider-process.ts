import { spawn, type ChildProcess } from 'node:child_process';
import { delay, END_WITH_PARENT, exitOf } from '../../services/development/local/child-process.ts';
import { pathToFileURL } from 'node:url';
import { inRepository, nodeArguments } from '../../services/shared/process/repository.ts';
import type { Patch } from '../simulation/mutants.ts';
import type { Assignment } from './assignment.ts';

const PROVIDER = 'test/sdk-chaos/provider-main.ts';

/** What is the same for all lives. */
export type FixedAssignment = Omit<Assignment, 'again' | 'first' | 'life'>;

const numbersOf = (line: string): readonly number[] => line.split(' ').slice(1).map(Number);

const PATCHED = [
  '--import',
  pathToFileURL(inRepository('test/simulation/register-patches.mjs')).href,
];

/**
 * A provider that is started again whenever it was killed, or could not be opened because the broker was away, as a
 * supervisor would do it. A new life emits again what was not taken, and nothing that was: so whatever is lost stays lost.
 */
export class ProviderProcess {
  readonly emitted = new Set<number>();
  /** `emit` has resolved for these. */
  readonly taken = new Set<number>();
  /** What was emitted again, in the same life or in another one. */
  readonly repeated = new Set<number>();
  /** Ends that nothing explains. */
  readonly faults: string[] = [];
  refusals = 0;
  lives = 0;
  output = '';
  private readonly assignment: FixedAssignment;
  private readonly patches: readonly Patch[];
  private readonly restartMillis: () => number;
  private child: ChildProcess | null = null;
  private isOpen = false;
  private isEnding = false;
  private isGivenUp = false;
  private readonly running: Promise<void>;

  /** @param patches to the SDK: a mistake that must be noticed */
  constructor(assignment: FixedAssignment, restartMillis: () => number, patches: readonly Patch[]) {
    this.assignment = assignment;
    this.patches = patches;
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

  private async run(): Promise<void> {
    while (!this.isOver()) {
      if (await this.live()) return;
      await delay(this.restartMillis());
    }
  }

  /** True if it has ended in good order. */
  private async live(): Promise<boolean> {
    const life = this.lives++;
    const again = [...this.emitted].filter((n) => !this.taken.has(n));
    const first = Math.max(-1, ...this.emitted) + 1;
    const assignment: Assignment = { ...this.assignment, again, first, life };
    const args = [
      ...[END_WITH_PARENT, ...(this.patches.length > 0 ? PATCHED : [])],
      ...[...nodeArguments(PROVIDER), JSON.stringify(assignment)],
    ];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SIMULATION_PATCHES: JSON.stringify(this.patches) },
    });
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
    } else if (what === 'emit') {
      for (const n of numbersOf(line)) (this.emitted.has(n) ? this.repeated : this.emitted).add(n);
    } else if (what === 'taken') for (const n of numbersOf(line)) this.taken.add(n);
    else if (what === 'refused') {
      this.refusals++;
      for (const n of numbersOf(line)) this.repeated.add(n);
    }
  }
}
