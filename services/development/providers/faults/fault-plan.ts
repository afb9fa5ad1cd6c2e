import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import type { Hour, Millis } from '../../../shared/model/time.ts';

/**
 * The ways in which a simulated provider may misbehave, each with the share of what it happens to:
 *
 * | fault       | share of                  | what happens                                                   |
 * |-------------|---------------------------|----------------------------------------------------------------|
 * | `late`      | the hours of a resource   | their usage is reported hours or days later                    |
 * | `gone`      | the hours of the provider | it reports nothing in them, and all of it when they have passed|
 * | `duplicate` | the usage                 | it is reported twice                                           |
 * | `skew`      | the resources             | the clock of their machine is wrong, for good                  |
 * | `malformed` | the usage                 | a record that nobody can read comes beside it                  |
 */
export const FAULT_KINDS = ['late', 'gone', 'duplicate', 'skew', 'malformed'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Which faults a provider makes. The seed decides which usage they hit. */
export interface FaultPlan extends Readonly<Record<FaultKind, number>> {
  readonly seed: number;
}

export const NO_FAULTS: FaultPlan = {
  seed: 0,
  late: 0,
  gone: 0,
  duplicate: 0,
  skew: 0,
  malformed: 0,
};

const SHARE = /^(0(\.\d{1,9})?|1)$/;

/**
 * Reads shares such as `late:0.05,duplicate:0.01`, or `all` for some of everything. An empty text is no
 * fault. The error completes the sentence that begins with the setting's name.
 */
export const parseFaults = (text: string, seed: number): Result<FaultPlan, string> => {
  if (text === '') return succeed(NO_FAULTS);
  if (text === 'all') {
    return succeed({ seed, late: 0.05, gone: 0.02, duplicate: 0.05, skew: 0.1, malformed: 0.02 });
  }
  const shares: Partial<Record<FaultKind, number>> = {};
  for (const part of text.split(',')) {
    const [name = '', share = ''] = part.split(':').map((piece) => piece.trim());
    const kind = FAULT_KINDS.find((each) => each === name);
    if (kind === undefined || !SHARE.test(share) || kind in shares) {
      return fail(
        `must be "all", or faults with their shares from 0 to 1, each once, such as late:0.05,duplicate:0.01: there are ${FAULT_KINDS.join(', ')}`,
      );
    }
    shares[kind] = Number(share);
  }
  return succeed({ ...NO_FAULTS, ...shares, seed });
};

/** A plan, and the first usage hour to which it applies. */
export interface PlannedFaults {
  readonly fromHour: Hour;
  readonly plan: FaultPlan;
}

/**
 * Which plan applies to the usage of which hour. What the plan of an hour holds back is delivered as that
 * plan says, whatever has been set since: so a change of settings loses nothing and doubles nothing.
 */
export class FaultPlans {
  private readonly planned: readonly PlannedFaults[];

  /** @param planned in any order; of two for the same hour the later one in the list applies */
  constructor(planned: readonly PlannedFaults[]) {
    this.planned = [...planned].sort((a, b) => a.fromHour - b.fromHour);
  }

  at(instant: Millis): FaultPlan {
    return this.planned.findLast(({ fromHour }) => fromHour <= instant)?.plan ?? NO_FAULTS;
  }

  /** The first hour of the first plan; null if there is none. */
  get begin(): Hour | null {
    return this.planned[0]?.fromHour ?? null;
  }

  /** The plan that was set last. */
  get newest(): FaultPlan {
    return this.planned.at(-1)?.plan ?? NO_FAULTS;
  }

  /** Whether any plan holds usage back. */
  get holdsBack(): boolean {
    return this.planned.some(({ plan }) => plan.late > 0 || plan.gone > 0);
  }
}

export const isSamePlan = (a: FaultPlan, b: FaultPlan): boolean =>
  FAULT_KINDS.every((kind) => a[kind] === b[kind]) &&
  (a.seed === b.seed || FAULT_KINDS.every((kind) => a[kind] === 0));
