import { seededRandom, type Random } from '../../support/workload/random.ts';
import { PortCalls } from '../port-calls.ts';
import type { Counts, ScheduleResult } from '../schedule-result.ts';
import { Violation, violated } from '../violation.ts';
import { BridgeWorld } from './bridge-world.ts';
import { Operator } from './operator.ts';
import { onTheWay, requireEnd } from './required-end.ts';
import { CLOCKS_DIFFER_BY } from './simulated-commerce.ts';
import { SimulatedBridge, type BridgeProcessOptions, type HeldLog } from './simulated-bridge.ts';
import { putBack, takeOver } from './simulated-timers.ts';

/** So long may a schedule take, in steps, before it counts as stuck. */
const MAX_STEPS = 200_000;
/** Hours that are published after all is quiet: they take what is carried then. */
const LAST_ROUNDS = 2;

const quiet = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/**
 * One schedule: bridges that come, go, crash and act as zombies over logs that are being written, against a Commerce
 * that fails in every way, until a last healthy one has sent everything. Everything follows from the seed.
 */
export const runSchedule = async (seed: number): Promise<ScheduleResult> => {
  const schedule = new Schedule(seed);
  let violation: string | null = null;
  const { fetch } = globalThis;
  try {
    await schedule.run();
  } catch (error) {
    if (error instanceof Violation) violation = error.message;
    else violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    putBack();
    globalThis.fetch = fetch;
  }
  return { counts: schedule.counts(), violation };
};

class Schedule {
  private readonly random: Random;
  private readonly world: BridgeWorld;
  private readonly calls: PortCalls;
  private readonly processes: SimulatedBridge[] = [];
  private readonly byUrl = new Map<string, SimulatedBridge>();
  private steps = 0;
  /** What the end waits for when all is read and sent. */
  private awaited: string | null = null;
  private crashes = 0;
  private reassignments = 0;
  private gracefulStops = 0;
  private readonly hasZombies: boolean;
  private readonly crashRate: number;
  private readonly operator: Operator;
  private readonly hasOperator: boolean;
  private readonly isFickle: boolean;
  private readonly losesRecords: boolean;
  private readonly isRestless: boolean;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const { random } = this;
    this.losesRecords = random.chance(0.3);
    this.isRestless = random.chance(0.6);
    this.hasOperator = random.chance(0.5);
    // Only somebody who resubmits what was refused finds out.
    this.isFickle = this.hasOperator && random.chance(0.5);
    this.world = new BridgeWorld(seededRandom(seed + 0x1_0000_0000), {
      isRestless: this.isRestless,
      isFickle: this.isFickle,
      movesProvider: !this.losesRecords && random.chance(0.4),
    });
    this.calls = new PortCalls(random, random.pick([0, 0.03, 0.1, 0.25]));
    this.hasZombies = random.chance(0.7);
    this.crashRate = random.pick([0, 1, 3]);
    this.operator = new Operator(this.world, this.calls);
    takeOver(this.world.timers, random);
    globalThis.fetch = ((to: string, init: RequestInit) => {
      const url = new URL(to);
      return this.byUrl.get(url.host)?.fetch(url, init) ?? Promise.reject(new Error(to));
    }) as typeof fetch;
  }

  async run(): Promise<void> {
    await this.disturb();
    await this.finish();
    requireEnd(this.world.oracle);
  }

  counts(): Counts {
    const { world, calls } = this;
    return {
      ...calls.faults,
      ...world.commerce.counts,
      ...world.oracle.counts,
      records: world.logs.reduce((sum, { high }) => sum + high, 0),
      crashes: this.crashes,
      commands: this.operator.commands,
      foundAccepted: this.operator.foundAccepted,
      reassignments: this.reassignments,
      gracefulStops: this.gracefulStops,
    };
  }

  /** Everything that can go wrong does, while the logs are written. */
  private async disturb(): Promise<void> {
    const { random, world } = this;
    // A carry takes a while to be written, and another one to move.
    const length = this.isRestless ? 200 + random.below(400) : 50 + random.below(250);
    this.reassign();
    for (let step = 0; step < length; step++) {
      const draw = random.below(100);
      if (draw < 8) world.happen();
      else if (draw < 10) this.reassign();
      else if (this.hasOperator && random.chance(this.isFickle ? 0.06 : 0.02)) this.operate();
      else if (this.losesRecords && random.chance(0.02)) this.loseRecords();
      else if (random.chance(0.04) && world.isMoving) this.interrupt();
      else if (draw < 10 + this.crashRate) this.crashOne();
      else if (draw < 15) await this.learn();
      else if (draw < 19 && this.calls.hasLate) this.calls.stepLate();
      else if (draw < 24) world.timers.fireNext();
      else await this.act(random.pick(this.processes));
      await quiet();
      this.requireNoFailure();
    }
  }

  /** All is published, then one healthy bridge sends it to the end, beside the zombies. */
  private async finish(): Promise<void> {
    const { random, world, calls } = this;
    for (const process of this.processes.slice()) if (random.chance(0.4)) this.crash(process);
    const healthy = this.start({ flushInterval: 0 });
    calls.keepSafe(healthy);
    // Commerce is still in trouble for a while.
    for (let step = random.below(150); step > 0; step--) await this.actTowardsEnd(healthy);
    world.commerce.recover();
    world.openEpoch();
    for (let round = 0; round <= LAST_ROUNDS; round++) {
      if (round === 1 && this.hasOperator) await this.operateLast(healthy);
      world.publishAll();
      await this.settleAll(healthy);
      if (round === LAST_ROUNDS) break;
      // What waits now must move on.
      if (this.isRestless) world.turnOn();
      // The hours that are open now are over soon.
      world.closeHours();
    }
  }

  private async settleAll(healthy: SimulatedBridge): Promise<void> {
    const { calls } = this;
    do {
      await this.settle(healthy);
      while (calls.hasLate) calls.stepLate();
    } while (!this.isDone(healthy));
  }

  /** What was refused is resubmitted once nobody can send it any more: then every submission has its place. */
  private async operateLast(healthy: SimulatedBridge): Promise<void> {
    const { world, calls, operator } = this;
    world.commerce.learnResources();
    for (const process of this.processes.slice()) if (process !== healthy) this.crash(process);
    while (calls.hasLate) calls.stepLate();
    world.passDay();
    calls.keepSafe(operator);
    operator.run('dead-lettered', 0);
    await this.settleAll(healthy);
  }

  /** Somebody mends why Commerce refuses resources, or asks for what was refused or is held. */
  private operate(): void {
    const { random, world, operator } = this;
    // Where only some of its servers refuse resources, what was refused may be accepted, before or later.
    if (random.chance(this.isFickle ? 0.02 : 0.3)) world.commerce.learnResources();
    else
      operator.run(random.pick(['held', 'dead-lettered']), random.pick([0, -600_000, 3_000_000]));
  }

  /** A bridge dies while a carry moves; perhaps the log loses it then. */
  private interrupt(): void {
    if (this.losesRecords && this.random.chance(0.5)) this.loseRecords();
    else this.crashOne();
  }

  /** The bridge was away for longer than the log is kept. */
  private loseRecords(): void {
    for (const process of this.processes.slice()) this.crash(process);
    while (this.calls.hasLate) this.calls.stepLate();
    this.world.loseRecords((partition) => this.operator.neededFrom(partition));
    this.reassign();
  }

  private async settle(healthy: SimulatedBridge): Promise<void> {
    while (!this.isDone(healthy)) await this.actTowardsEnd(healthy);
  }

  private async actTowardsEnd(healthy: SimulatedBridge): Promise<void> {
    const { random, calls, world } = this;
    for (const partition of world.logs.keys()) {
      if (!healthy.held.has(partition)) healthy.assign(partition);
    }
    if (calls.hasLate && random.chance(0.1)) calls.stepLate();
    await this.act(random.chance(0.8) ? healthy : random.pick(this.processes));
    // Now and then also while requests wait: a zombie that repeats a refused one for ever must not stop the clock.
    if (random.chance(calls.hasWaiting ? 0.01 : 0.3)) world.timers.fireNext();
    await quiet();
    this.requireNoFailure();
  }

  /** Whether it has read all, and everything composed has its outcome. */
  private isDone(healthy: SimulatedBridge): boolean {
    const { store, logs, oracle } = this.world;
    if (this.operator.isBusy) return false;
    const isRead = [...logs.entries()].every(([partition, { high }]) => {
      const held = healthy.held.get(partition);
      return (
        held?.expected === high &&
        held.busy === 0 &&
        (store.checkpoints.get(partition)?.nextOffset ?? 0) === high &&
        store.unfinished(partition).length === 0 &&
        held.worker.status().pending === 0
      );
    });
    if (!isRead) return false;
    oracle.catchUp();
    this.awaited = onTheWay(oracle);
    return this.awaited === null;
  }

  /** One step of a process: a request of its reader or timer, or an answer to one of its own. */
  private async act(process: SimulatedBridge): Promise<void> {
    const { random, calls } = this;
    if (++this.steps > MAX_STEPS) {
      violated(`the schedule does not come to an end: ${this.awaited ?? 'something is pending'}`);
    }
    const held = [...process.held.values()];
    if (calls.hasWaiting && random.chance(0.75)) calls.step();
    else if (held.length > 0) this.request(process, random.pick(held));
    await quiet();
  }

  private requireNoFailure(): void {
    for (const { failure } of [...this.processes, this.operator]) {
      if (failure !== null) throw failure as Error;
    }
    for (const { gate } of this.processes) {
      const problem = gate.problem();
      if (problem !== null) violated(problem);
    }
  }

  /** Asks a worker for something. */
  private request(process: SimulatedBridge, held: HeldLog): void {
    const { random } = this;
    if (held.closing !== 'no') return;
    const draw = random.below(20);
    if (random.chance(0.05)) process.refresh();
    if (draw > 4 && held.expected !== null) {
      process.read(held, 1 + random.below(process.options.batch));
    } else if (draw < 4) process.timer(held);
    else if (held.busy === 0) process.reposition(held);
  }

  /** The group gives partitions to other processes; those that had them do not know it yet. */
  private reassign(): void {
    const { random } = this;
    this.reassignments++;
    for (const partition of this.world.logs.keys()) {
      const isNew =
        this.processes.length === 0 || (this.processes.length < 3 && random.chance(0.4));
      const process = isNew ? this.start() : random.pick(this.processes);
      for (const other of this.processes) {
        const held = other.held.get(partition);
        if (held && other !== process && !this.hasZombies) other.unassign(held);
      }
      process.assign(partition);
    }
  }

  /** A process learns that a partition is no longer its own, or stops gracefully. */
  private async learn(): Promise<void> {
    const { random } = this;
    const process = random.pick(this.processes);
    const held = [...process.held.values()];
    if (held.length === 0) return;
    const one = random.pick(held);
    if (one.closing === 'done' || random.chance(0.5)) process.unassign(one);
    else if (one.closing === 'no') {
      this.gracefulStops++;
      process.close(one);
    }
    await quiet();
  }

  private crashOne(): void {
    this.crash(this.random.pick(this.processes));
    if (this.processes.length === 0) this.reassign();
  }

  private crash(process: SimulatedBridge): void {
    this.crashes++;
    process.crash();
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  private start(changes: Partial<BridgeProcessOptions> = {}): SimulatedBridge {
    const { random } = this;
    const host = `bridge-${String(this.byUrl.size)}`;
    const process = new SimulatedBridge(`http://${host}`, this.world, this.calls, {
      clockAhead: random.pick([0, 0, -120_000, 300_000, 4_000_000]),
      batch: random.pick([1, 3, 20]),
      flushInterval: random.pick([0, 1, 600_000]),
      retryMillis: random.pick([1_000, 60_000, 600_000]),
      clockSkewMillis: CLOCKS_DIFFER_BY,
      ...changes,
    });
    this.processes.push(process);
    this.byUrl.set(host, process);
    return process;
  }
}
