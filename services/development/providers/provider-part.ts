import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { asciiLower } from '../../shared/model/placement.ts';
import { succeed, type Result } from '../../shared/model/result.ts';
import type { SubscriptionState } from '../../shared/model/subscription.ts';
import { hourOf, isoText, millis, nextHour, type Millis } from '../../shared/model/time.ts';
import { Attempt } from '../../shared/process/attempt.ts';
import { messageOf } from '../../shared/process/errors.ts';
import { attemptProblem, type Health } from '../../shared/process/health.ts';
import { persist } from '../../shared/process/retry.ts';
import type {
  ChangeAnswer,
  ChangeRequest,
  CreateRequest,
  ShownResource,
} from '../simulated-cloud/resource-requests.ts';
import { stateAt } from '../simulated-cloud/resource-state.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import type { Revised } from './cloud-store.ts';
import type { DoorPart } from './door.ts';
import { reportOf, type Report, type ReportingRules } from './faults/report-of.ts';
import type { Change, LiveCloud } from './live-cloud.ts';
import { afterPiece, nextStep, type Piece, type Progress } from './reporting/progress.ts';
import { sliceStart, type ReportingClock } from './reporting/reporting-clock.ts';
import { changed, created, type Refusal } from './resource-changes.ts';

export interface PartPorts {
  readonly rules: ReportingRules;
  readonly clock: ReportingClock;
  readonly cloud: LiveCloud;
  /** Resolves when the broker has all of it. */
  readonly send: (report: Report) => Promise<void>;
  /** @throws if something of a report did not get through */
  readonly closeProvider: () => Promise<void>;
  readonly putProgress: (progress: Revised<Progress>) => Promise<void>;
  /** The state of a subscription in the directory; null if it has none. */
  readonly subscriptionState: (id: string) => Promise<SubscriptionState | null>;
  readonly stallMillis: number;
  /** A report that is under way when the provider stops has so long to get through. */
  readonly graceMillis: number;
  readonly logger: Logger;
}

const UNREPORTED = 'a report did not get through: it is made again after the next start';

/** One simulated provider: it reports what its resources consume, and changes them when it is asked to. */
export class ProviderPart implements DoorPart {
  readonly name: string;
  private readonly ports: PartPorts;
  private progress: Revised<Progress>;
  /** What is stored of it. */
  private stored: Progress;
  private readonly reporting = new Attempt();
  private reported = 0;

  constructor(progress: Revised<Progress>, ports: PartPorts) {
    this.name = ports.rules.provider;
    this.progress = progress;
    this.stored = progress.value;
    this.ports = ports;
  }

  /** Reports until it is stopped. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.ports;
    while (!signal.aborted) {
      const step = nextStep(this.progress.value, now(), clock);
      if (step.kind === 'wait') await pause(step.until - now(), signal);
      else {
        await this.reporting.run(() =>
          step.kind === 'claim' ? this.put(step.progress, signal) : this.report(step.piece, signal),
        );
      }
    }
  }

  /** What it remembers when it stops. Without it, the next process would report a few pieces again. */
  async remember(): Promise<void> {
    if (this.progress.value.reportedThrough === this.stored.reportedThrough) return;
    const next = { ...this.progress, revision: this.progress.revision + 1 };
    await this.ports.putProgress(next).catch((error: unknown) => {
      this.ports.logger.warn(
        { reason: messageOf(error) },
        'could not store how far it has reported',
      );
    });
  }

  /** Returns when it is disconnected. No report may be running. */
  async close(): Promise<void> {
    await this.ports.closeProvider().catch((error: unknown) => {
      this.ports.logger.warn({ reason: messageOf(error) }, UNREPORTED);
    });
    await this.remember();
  }

  private async report(piece: Piece, signal: AbortSignal): Promise<void> {
    const { cloud, rules, logger, send, graceMillis } = this.ports;
    const report = reportOf(await cloud.forReport(piece.to), piece, rules);
    const sending = persist(logger)(
      'report usage',
      async () => {
        await send(report);
        this.reported += report.usage.length;
        this.progress = { ...this.progress, value: afterPiece(this.progress.value, piece) };
      },
      signal,
    );
    await orStopped(sending, signal, graceMillis).catch((error: unknown) => {
      if (signal.aborted && this.progress.value.reportedThrough < piece.to) {
        logger.warn({ reason: messageOf(error) }, UNREPORTED);
      }
      throw error;
    });
  }

  private async put(value: Progress, signal: AbortSignal): Promise<void> {
    const { putProgress, logger } = this.ports;
    const next = { value, revision: this.progress.revision + 1 };
    await persist(logger)('store how far it has reported', () => putProgress(next), signal);
    this.progress = next;
    this.stored = value;
  }

  health(): Health {
    const { rules, stallMillis } = this.ports;
    const problem = attemptProblem('no report got through', this.reporting.pendingFor, stallMillis);
    return {
      problems: problem === null ? [] : [problem],
      details: {
        resources: this.existing(now()).length,
        reported: this.reported,
        reportedThrough: isoText(this.progress.value.reportedThrough),
        faults: rules.plans.at(now()),
      },
    };
  }

  list(subscription: string | null): readonly ShownResource[] {
    const instant = now();
    return this.existing(instant)
      .filter((each) => subscription === null || asciiLower(each.subscriptionId) === subscription)
      .map((each) => shown(each, instant));
  }

  private existing(instant: Millis): readonly CloudResource[] {
    return this.ports.cloud.all().filter((each) => stateAt(each, instant) !== null);
  }

  async create(request: CreateRequest, by: string): Promise<Result<ChangeAnswer, Refusal>> {
    const { subscriptionId } = request;
    const state = await this.ports.subscriptionState(asciiLower(subscriptionId));
    const refusal = subscriptionRefusal(subscriptionId, state);
    if (refusal !== null) return { ok: false, error: refusal };
    return this.apply((resources, at) => created(resources, request, at), by);
  }

  change(request: ChangeRequest, by: string): Promise<Result<ChangeAnswer, Refusal>> {
    return this.apply((resources, at) => changed(resources, request, at), by);
  }

  private async apply(
    plan: Parameters<LiveCloud['change']>[1],
    by: string,
  ): Promise<Result<ChangeAnswer, Refusal>> {
    const { cloud, clock } = this.ports;
    const done = await cloud.change(() => sliceStart(now(), clock), plan, by);
    return done.ok ? succeed(answerOf(done.value, clock)) : done;
  }
}

const now = (): Millis => millis(Date.now());

/** What is under way when it is stopped has a little longer, and is then given up. */
const orStopped = async <T>(
  task: Promise<T>,
  signal: AbortSignal,
  graceMillis: number,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => (timer = setTimeout(() => reject(signal.reason as Error), graceMillis));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([task, stopped]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop); // the signal lives as long as the process
  }
};

/** Ends early, without an error, when it is stopped. */
const pause = async (length: number, signal: AbortSignal): Promise<void> => {
  await sleep(Math.max(0, length), null, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
};

const subscriptionRefusal = (id: string, state: SubscriptionState | null): Refusal | null => {
  if (state === null) {
    return {
      code: 'not-found',
      message: `The directory has no subscription ${id}: make it with "npx usagectl subscriptions add ${id}", or choose one of "npx usagectl subscriptions list".`,
    };
  }
  if (state === 'active') return null;
  return {
    code: 'conflict',
    message: `The subscription ${id} is ${state}: nothing can be created in it. See "npx usagectl subscriptions add --help".`,
  };
};

const answerOf = (
  { resources, from }: Change,
  { sliceMillis, hourMillis }: ReportingClock,
): ChangeAnswer => {
  const reportedAt = millis(from + sliceMillis);
  return {
    value: resources.map((each) => shown(each, from)),
    from,
    reportedAt,
    hourEnds: nextHour(hourOf(reportedAt, hourMillis), hourMillis),
  };
};

const shown = (resource: CloudResource, at: Millis): ShownResource => {
  const { resourceUri, subscriptionId, provider, kind, location } = resource;
  const state = stateAt(resource, at);
  const { power = 'deleted', size = null, os = null } = state ?? {};
  return { resourceUri, subscriptionId, provider, kind, location, state: power, size, os };
};
