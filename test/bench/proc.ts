import { readFileSync, writeFileSync } from 'node:fs';

/** What the kernel counts of a process: Linux only. */

/** Clock ticks a second in `/proc`: the same on every Linux that Node runs on. */
const TICKS = 100;
const KIB = 1024;

/** Processor seconds that a process has used, all its threads, user and system together. */
export const processorSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};

/** The most resident memory that a process has had since its start, or since `resetPeak`, in bytes. */
export const peakBytes = (pid: number): number => {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) * KIB;
};

/** Lets the peak of a process begin anew. */
export const resetPeak = (pid: number): void =>
  writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
