import { mixedFault } from './fault-mix.ts';
import type { Fault, FaultArea, Mix } from './fault.ts';

interface RunningMix {
  readonly mix: Mix;
  /** How many requests it has decided about. */
  readonly decided: number;
}

/** The faults that are still to come. Those of a mix come when no others are waiting. */
export class FaultQueue {
  private waiting: readonly Fault[] = [];
  private running: RunningMix | null = null;

  add(fault: Fault | Mix): void {
    if (fault.kind === 'mix') this.running = { mix: fault, decided: 0 };
    else this.waiting = [...this.waiting, fault];
  }

  clear(): void {
    this.waiting = [];
    this.running = null;
  }

  pending(): readonly (Fault | (Mix & { readonly decided: number }))[] {
    const mixed = this.running ? [{ ...this.running.mix, decided: this.running.decided }] : [];
    return [...this.waiting, ...mixed];
  }

  /** Takes the fault that the next request of this method and area meets; null if none. */
  take(method: string, area: FaultArea): Fault | null {
    const index = this.waiting.findIndex(
      (fault) =>
        fault.on === area &&
        (fault.method ?? method) === method &&
        (fault.kind !== 'refuse' || method === 'POST'),
    );
    const fault = this.waiting[index];
    if (fault === undefined) return area === 'metering' ? this.takeMixed(method) : null;
    const rest = fault.count > 1 ? [{ ...fault, count: fault.count - 1 }] : [];
    this.waiting = [...this.waiting.slice(0, index), ...rest, ...this.waiting.slice(index + 1)];
    return fault;
  }

  private takeMixed(method: string): Fault | null {
    if (this.running === null) return null;
    const { mix, decided } = this.running;
    const isLast = mix.count !== undefined && decided + 1 >= mix.count;
    this.running = isLast ? null : { mix, decided: decided + 1 };
    const fault = mixedFault(mix, decided);
    return fault?.kind === 'refuse' && method !== 'POST' ? null : fault;
  }
}
