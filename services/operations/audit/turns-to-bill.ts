import { namespaceOf } from '../../shared/model/placement.ts';
import { takenUpBy, type Source } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';

interface Turn {
  readonly topic: string;
  readonly from: Hour;
}

/** Which live topic bills which namespace, one after another. */
export class TurnsToBill {
  private readonly turns = new Map<string, readonly Turn[]>();

  constructor(register: readonly Source[]) {
    for (const source of register) {
      if (source.kind !== 'live') continue;
      for (const { namespace, from } of takenUpBy(source)) {
        const turns = [...(this.turns.get(namespace) ?? []), { topic: source.topic, from }];
        this.turns.set(namespace, turns);
      }
    }
  }

  /** Whether a resource of a source is billed by another topic in an hour. History bills its own hours. */
  isElsewhere({ kind, topic }: Source, resource: string, hour: Hour): boolean {
    if (kind === 'history') return false;
    const turns = ['*', namespaceOf(resource) ?? ''].flatMap((name) => this.turns.get(name) ?? []);
    const turn = turns.sort((a, b) => b.from - a.from).find(({ from }) => from <= hour);
    return turn !== undefined && turn.topic !== topic;
  }
}
