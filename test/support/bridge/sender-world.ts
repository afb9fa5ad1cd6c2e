import { jest } from '@jest/globals';
import { pino } from 'pino';
import { CommerceClient } from '../../../services/bridge/commerce/commerce-client.ts';
import type { Outcome } from '../../../services/shared/billing/outcome.ts';
import type { Pending, RequestRecord, Store, Unfinished } from '../../../services/bridge/ports.ts';
import { Gate } from '../../../services/bridge/commerce/gate.ts';
import { Sender } from '../../../services/bridge/sender.ts';
import { parseQuantity, type Quantity } from '../../../services/shared/model/decimal.ts';
import { isoText } from '../../../services/shared/model/time.ts';
import type { UsageCarry } from '../../../services/shared/model/usage-carry.ts';
import { staticToken } from '../../../services/shared/commerce/token-source.ts';
import { persist } from '../../../services/shared/process/retry.ts';
import { hour, submissionOf, uriOf } from './examples.ts';
import { commerceInMemory } from './commerce-in-memory.ts';
import type { Answer, Asked } from '../scripted-server.ts';

/** So often at most a test moves the clock on: a sender that makes no progress fails it. */
const MAX_TURNS = 300;
/** So often at most the clock is read: a sender that goes round without waiting fails its test. */
const MAX_READINGS = 1_000;

export const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

export const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`${text} is no quantity`);
  return quantity;
};

export const pendingOf = (n: number, quantity = '1.5', h = 0): Pending => ({
  at: AT,
  hour: hour(h),
  submission: submissionOf(
    `00000000-0000-4000-8000-${String(h * 1000 + n).padStart(12, '0')}`,
    uriOf(`vm${String(n)}`),
    h,
    exact(quantity),
  ),
});

export const submissions = (count: number): readonly Pending[] =>
  Array.from({ length: count }, (_, n) => pendingOf(n));

export const compositionOf = (pending: readonly Pending[]): Unfinished => ({
  at: AT,
  hour: pending[0]?.hour ?? hour(0),
  firstOffset: 0,
  count: pending.length,
});

export interface World {
  readonly commerce: { readonly asked: readonly Asked[] };
  readonly sender: Sender;
  readonly outcomes: Outcome[];
  readonly carries: UsageCarry[];
  /** The requests that were recorded. */
  readonly requests: RequestRecord[];
  /** What was done, in order. */
  readonly steps: string[];
  readonly finished: Unfinished[];
  /** What was logged, with its level. */
  readonly logs: Readonly<Record<string, unknown>>[];
  /** The defects that the sender told. */
  readonly crashes: Error[];
  /** Moves the clock on until it is so. */
  until(what: string, isSo: () => boolean): Promise<void>;
  /** Moves the clock on until there is an outcome for so many submissions, and the sender knows it. */
  settled(count: number): Promise<void>;
}

/** Lets everything happen that does not wait for the clock. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const ends: (() => Promise<void>)[] = [];

/** The clock stands still, except for `until`, from here on. */
export const stopTheClock = (): void => {
  jest.useFakeTimers({
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
    ],
  });
};

export const endAll = async (): Promise<void> => {
  try {
    for (const end of ends.splice(0)) await end();
  } finally {
    jest.restoreAllMocks();
    jest.useRealTimers();
  }
};

/** Resolves where a sender has ended without the clock moving on. */
export const ended = async (stop: Promise<void>): Promise<void> => {
  const isEnded = await Promise.race([stop.then(() => true), settle().then(() => false)]);
  if (!isEnded) throw new Error('the sender does not end');
};

/** Reads the clock, so often and no more. */
const countedClock = (): (() => number) => {
  let readings = 0;
  return () => {
    readings++;
    if (readings > MAX_READINGS) throw new Error('the sender goes round and round');
    return Date.now();
  };
};

const persistedIn = (
  hours: readonly (readonly Pending[])[],
  { outcomes, steps, requests }: Pick<World, 'outcomes' | 'steps' | 'requests'>,
): Pick<Store, 'pendingOf' | 'writeOutcomes' | 'writeRequests'> => ({
  pendingOf: ({ hour: at }) => Promise.resolve(hours.find(([first]) => first?.hour === at) ?? []),
  writeOutcomes: (written) => {
    outcomes.push(...written);
    steps.push(`${String(written.length)} outcomes`);
    return Promise.resolve();
  },
  writeRequests: (_partition, made) => {
    requests.push(...made);
    return Promise.resolve();
  },
});

const untilOf =
  (crashes: readonly Error[]): World['until'] =>
  async (what, isSo) => {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      await settle();
      if (crashes[0]) throw crashes[0];
      if (isSo()) return;
      if (jest.getTimerCount() === 0) throw new Error(`nothing will happen any more: ${what}`);
      jest.advanceTimersToNextTimer();
    }
    throw new Error(`${String(MAX_TURNS)} turns in vain: ${what}`);
  };

interface Settings {
  readonly cannotCarry?: string | null;
  readonly requestMillis?: number;
  readonly retryMillis?: number;
  readonly clockSkewMillis?: number;
  readonly maxInFlight?: number;
  /** Of what is done first, so much fails to be appended. */
  readonly failedAppends?: number;
  /** What the store does otherwise. */
  readonly store?: Partial<Store>;
}

/** A sender of some hours, on a Commerce that answers as told, by a clock that stands still. */
export const open = (
  hours: readonly (readonly Pending[])[],
  answer: (asked: Asked, nth: number) => Answer,
  {
    cannotCarry = null,
    requestMillis = 5_000,
    retryMillis = 10,
    clockSkewMillis = 0,
    maxInFlight = 1,
    failedAppends = 0,
    store = {},
  }: Settings = {},
): World => {
  const asked = commerceInMemory(answer);
  const outcomes: Outcome[] = [];
  const carries: UsageCarry[] = [];
  const steps: string[] = [];
  const requests: RequestRecord[] = [];
  const finished: Unfinished[] = [];
  const crashes: Error[] = [];
  const logs: Readonly<Record<string, unknown>>[] = [];
  const logger = pino(
    { base: null, timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (line) => logs.push(JSON.parse(line) as Readonly<Record<string, unknown>>) },
  );
  const now = countedClock();
  const sender = new Sender(
    {
      partition: 1,
      store: Object.assign(persistedIn(hours, { outcomes, steps, requests }), store),
      commerce: new CommerceClient({
        url: 'http://commerce.test',
        tokens: staticToken('secret'),
        requestMillis,
        additionalInfo: true,
      }),
      gate: new Gate({ maxInFlight, retryMillis }, now),
      outbox: {
        appendMoves: () => Promise.reject(new Error('a sender moves nothing')),
        appendMoved: () => Promise.reject(new Error('a sender moves nothing')),
        appendCarries: (appended) => {
          steps.push(`${String(appended.length)} carries`);
          if (steps.length <= failedAppends) return Promise.reject(new Error('no broker'));
          carries.push(...appended);
          return Promise.resolve();
        },
      },
      cannotCarry: () => {
        steps.push('register');
        return Promise.resolve(() => cannotCarry);
      },
      finished: (composition) => finished.push(composition),
      now,
      logger,
      persist: persist(pino({ level: 'silent' })),
    },
    { retryMillis, clockSkewMillis },
  );
  sender.add(hours.map(compositionOf));
  sender.start((error) => crashes.push(error));
  ends.push(async () => {
    sender.drop();
    await ended(sender.stop());
  });
  const until = untilOf(crashes);
  const total = hours.flat().length;
  return {
    commerce: { asked },
    sender,
    outcomes,
    carries,
    requests,
    steps,
    finished,
    logs,
    crashes,
    until,
    settled: (count) =>
      until(
        `${String(count)} are settled`,
        () => outcomes.length >= count && sender.status().pending <= total - count,
      ),
  };
};

export const kinds = ({ outcomes }: World): readonly string[] => outcomes.map(({ kind }) => kind);

/** How long after the start each request came, in milliseconds. */
export const timed = (answer: (asked: Asked, nth: number) => Answer) => {
  const start = Date.now();
  const times: number[] = [];
  return {
    times,
    answer: (asked: Asked, nth: number): Answer => {
      times.push(Date.now() - start);
      return answer(asked, nth);
    },
  };
};

/** What the sender takes for chance: these, and the last of them from then on. */
export const random = (...values: readonly number[]): void => {
  const spy = jest.spyOn(Math, 'random').mockReturnValue(values.at(-1) ?? 0);
  for (const value of values.slice(0, -1)) spy.mockReturnValueOnce(value);
};

/** What a log line about a submission says of it. */
export const told = ({ hour: at, submission }: Pending) => ({
  submission: submission.submissionId,
  hour: isoText(at),
  resource: submission.resourceUri,
  dimension: submission.dimension,
});
