import { readFileSync } from 'node:fs';

const SAMPLE_MILLIS = 100;
const KIB = 1024;

/** The resident memory of a process in bytes; null where it is gone. Linux only. */
const residentBytes = (pid: number): number | null => {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(
      readFileSync(`/proc/${String(pid)}/status`, 'utf8'),
    )?.[1];
    return kib === undefined ? null : Number(kib) * KIB;
  } catch {
    return null;
  }
};

/** Watches the resident memory of a process. */
export class MemoryGauge {
  /** In bytes. */
  peak = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.timer = setInterval(() => {
      this.peak = Math.max(this.peak, residentBytes(pid) ?? 0);
    }, SAMPLE_MILLIS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
