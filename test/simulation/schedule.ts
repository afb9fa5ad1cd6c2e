import type { Place } from '../../services/shared/usage-fold/place.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import { knowledge } from '../support/fold/fixtures.ts';
import { seededRandom, type Random } from '../support/workload/random.ts';
import { PortCalls, type Faults } from './port-calls.ts';
import { SimulatedProcess, type Held } from './simulated-process.ts';
import type { Counts, ScheduleResult } from './schedule-result.ts';
import type { StoreMistake } from './simulated-store.ts';
import { Violation, violated } from './violation.ts';
import { World } from './world.ts';

/** What happened in a schedule, for the summary. */
interface ScheduleCounts extends Faults, Counts {
  records: number;
  accepted: number;
  duplicates: number;
  deadLetters: number;
  closedHours: number;
  storedTogether: number;
  epochs: number;
  crashes: number;
  reassignments: number;
  lostPartitions: number;
  gracefulStops: number;
}

/** So long may a schedule take, in steps of its owners, before it counts as stuck. */
const MAX_STEPS = 20_000;

/**
 * One schedule: owners that come, go, crash and act as zombies over a log that is being written,
 * until a last healthy one finishes. Everything follows from the seed: one step happens at a time.
 */
export const runSchedule = async (
  seed: number,
  mistake: StoreMistake | null,
): Promise<ScheduleResult> => {
  const schedule = new Schedule(seed, mistake);
  let violation: string | null = null;
  try {
    await schedule.run();
  } catch (error) {
    if (error instanceof Violation) violation = error.message;
    else violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return { counts: schedule.counts(), violation };
};

class Schedule {
  private readonly random: Random;
  private readonly world: World;
  private readonly calls: PortCalls;
  private readonly processes: SimulatedProcess[] = [];
  private steps = 0;
  private crashes = 0;
  private reassignments = 0;
  private lostPartitions = 0;
  private gracefulStops = 0;
  private readonly hasZombies: boolean;
  private readonly crashRate: number;

  constructor(seed: number, mistake: StoreMistake | null) {
    this.random = seededRandom(seed);
    const { random } = this;
    this.world = new World(seededRandom(seed + 0x1_0000_0000), mistake);
    this.calls = new PortCalls(random, random.pick([0, 0.03, 0.1, 0.25]));
    this.hasZombies = random.chance(0.7);
    this.crashRate = random.pick([0, 1, 3]);
    // What a process would go by that takes the rules from its configuration.
    Object.assign(globalThis, { simulatedRules: (at: Place) => this.world.newestRules(at) });
  }

  async run(): Promise<void> {
    await this.disturb();
    do {
      await this.finish();
      while (this.calls.hasLate) this.calls.stepLate(); // a tick among them is to be counted too
    } while (!this.world.places.every((place) => this.isDone(place)));
    for (const { log } of this.world.topics.values()) this.world.reader.requireEnd(log.place);
  }

  counts(): ScheduleCounts {
    const { world, calls } = this;
    let [records, accepted, duplicates, deadLetters, epochs] = [0, 0, 0, 0, 0];
    for (const { log, oracle } of world.topics.values()) {
      oracle.catchUp();
      const end = oracle.at.at(-1);
      records += log.written.length;
      accepted += end?.accepted ?? 0;
      duplicates += end?.duplicate ?? 0;
      deadLetters += end?.deadLettered ?? 0;
      epochs = Math.max(epochs, log.place.epoch);
    }
    return {
      ...calls.faults,
      records,
      accepted,
      duplicates,
      deadLetters,
      epochs,
      closedHours: world.aggregates.hours.size,
      storedTogether: world.store.together,
      crashes: this.crashes,
      reassignments: this.reassignments,
      lostPartitions: this.lostPartitions,
      gracefulStops: this.gracefulStops,
    };
  }

  /** Everything that can go wrong does, while the log is written. */
  private async disturb(): Promise<void> {
    const { random, world } = this;
    const length = 25 + random.below(125);
    this.reassign();
    for (let step = 0; step < length; step++) {
      const draw = random.below(100);
      if (draw < 12) world.write();
      else if (draw < 13) world.passTime();
      else if (draw < 15) this.reassign();
      else if (draw < 15 + this.crashRate) this.crashOne();
      else if (draw < 20) await this.learn();
      else if (draw < 24 && this.calls.hasLate) this.calls.stepLate();
      else await this.act(random.pick(this.processes));
    }
  }

  /** All is written, then one healthy owner counts it to the end, beside the zombies. */
  private async finish(): Promise<void> {
    const { random, world, calls } = this;
    for (const process of this.processes.slice()) if (random.chance(0.4)) this.crash(process);
    const healthy = this.start();
    calls.keepSafe(healthy);
    for (;;) {
      const at = this.world.places;
      for (const place of at) {
        if (!healthy.held.has(partitionName(place)) && !this.isDone(place)) healthy.assign(place);
      }
      if (world.isWritten && at.every((place) => this.isDone(place))) return;
      if (!world.isWritten && random.chance(0.5)) world.write();
      for (const held of healthy.held.values()) {
        if (held.closing === 'done') healthy.unassign(held);
        else if (healthy.isAtEnd(held) && this.isEnded(held.place)) healthy.close(held);
      }
      if (calls.hasLate && random.chance(0.1)) calls.stepLate();
      await this.act(random.chance(0.8) ? healthy : random.pick(this.processes));
    }
  }

  private isEnded(place: Place): boolean {
    return this.world.topicOf(place).ended;
  }

  private isDone(place: Place): boolean {
    const { log, ended } = this.world.topicOf(place);
    const checkpoint = this.world.store.checkpointOf(place);
    return ended && checkpoint?.nextOffset === log.high && checkpoint.sealed;
  }

  /** One step of a process: a request of its reader or timer, or an answer to one of its own. */
  private async act(process: SimulatedProcess): Promise<void> {
    const { random, calls } = this;
    if (++this.steps > MAX_STEPS) violated('the schedule does not come to an end');
    const held = [...process.held.values()];
    if (calls.hasWaiting && random.chance(0.75)) calls.step();
    else if (held.length === 0 || !this.request(process, random.pick(held))) return;
    await quiet();
    for (const { failure } of this.processes) if (failure !== null) throw failure as Error;
  }

  /** Asks an owner for something; false where it has nothing to do. */
  private request(process: SimulatedProcess, held: Held): boolean {
    const { random } = this;
    if (held.closing !== 'no') return false;
    const draw = random.below(20);
    if (draw > 4 && held.expected !== null) {
      return process.read(held, 1 + random.below(process.options.batch));
    }
    if (draw < 4) process.timer(held);
    else if (held.busy === 0) process.reposition(held);
    else return false;
    return true;
  }

  /** The group gives some partitions to other processes; those that had them do not know it yet. */
  private reassign(): void {
    const { random } = this;
    this.reassignments++;
    for (const place of this.world.places) {
      const isNew =
        this.processes.length === 0 || (this.processes.length < 3 && random.chance(0.4));
      const process = isNew ? this.start() : random.pick(this.processes);
      for (const other of this.processes) {
        const held = other.held.get(partitionName(place));
        if (held && other !== process && !this.hasZombies) this.lose(other, held);
      }
      process.assign(place);
    }
  }

  /** A process learns that a partition is no longer its own, or stops gracefully. */
  private async learn(): Promise<void> {
    const { random } = this;
    const process = random.pick(this.processes);
    const held = [...process.held.values()];
    if (held.length === 0) return;
    const one = random.pick(held);
    if (one.closing === 'done' || random.chance(0.5)) this.lose(process, one);
    else if (one.closing === 'no') {
      this.gracefulStops++;
      process.close(one);
    }
    await quiet();
  }

  private lose(process: SimulatedProcess, held: Held): void {
    this.lostPartitions++;
    process.unassign(held);
  }

  private crashOne(): void {
    const process = this.random.pick(this.processes);
    this.crash(process);
    if (this.processes.length === 0) this.reassign();
  }

  private crash(process: SimulatedProcess): void {
    this.crashes++;
    process.crash();
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  private start(): SimulatedProcess {
    const { random } = this;
    const tables = random.pick([1, 2, 3, 1_000]);
    const process = new SimulatedProcess(this.world, this.calls, knowledge, {
      clockAhead: random.pick([0, 0, -120_000, 300_000, 4_000_000]),
      // So that the tables that a batch needs fit.
      batch: Math.min(tables, 6),
      flushInterval: random.pick([0, 1, 600_000]),
      flushEvents: random.pick([1, 3, 1_000]),
      indexMaxBytes: tables * TABLE_BYTES,
      // None, about two, or all of them.
      windowsMaxBytes: random.pick([0, 1_500, 1_000_000]),
    });
    this.processes.push(process);
    return process;
  }
}

/** Of a table of ids with few of them in it. */
const TABLE_BYTES = 2048;

/** When nobody can go on without an answer: everything else has been done. */
const quiet = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
