import { pino } from 'pino';
import { jest } from '@jest/globals';
import { commerceInMemory } from '../../test/support/bridge/commerce-in-memory.ts';
import { hour } from '../../test/support/bridge/examples.ts';
import {
  compositionOf,
  endAll,
  pendingOf,
  settle,
  stopTheClock,
} from '../../test/support/bridge/sender-world.ts';
import { accepted, each, refusedWith } from '../../test/support/bridge/usage-answers.ts';
import type { Answer, Asked } from '../../test/support/scripted-server.ts';
import { staticToken } from '../shared/commerce/token-source.ts';
import { HOUR_MILLIS, isoText } from '../shared/model/time.ts';
import { parseTimeInUtc } from '../shared/model/time-text.ts';
import { persist } from '../shared/process/retry.ts';
import { CommerceClient } from './commerce/commerce-client.ts';
import { Gate } from './commerce/gate.ts';
import type { Outcome, OutcomeKind } from '../shared/billing/outcome.ts';
import type { Pending, Unfinished } from './ports.ts';
import { Sender } from './sender.ts';

/** So many runs; each prints its number, which gives the same run again. */
const RUNS = 40;
const RETRY_MILLIS = 2_000;
const REQUEST_MILLIS = 3_000;
/** Commerce takes usage of the nth hour no more after so many of these. */
const SPAN = 8_000;
const HOURS = 4;
const PER_HOUR = 60;
const MAX_TURNS = 3_000;

/** The same numbers for the same seed (a linear congruential generator). */
const chance = (seed: number): (() => number) => {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const SUBMISSIONS: readonly (readonly Pending[])[] = Array.from({ length: HOURS }, (_, h) =>
  Array.from({ length: PER_HOUR }, (__, n) => pendingOf(n, '1.5', h)),
);

const idOf = ({ submission }: Outcome['pending']): string => submission.submissionId;
const identity = (resource: string, time: string): string => `${resource} ${time.slice(0, 19)}`;

/** A Commerce that keeps the first of each identity, forgets nothing, and is troubled in every way. */
const troubledCommerce = (random: () => number) => {
  const start = Date.now();
  const holds = new Map<string, number>();
  const isTooOld = (time: string): boolean => {
    const at = parseTimeInUtc(time);
    if (!at.ok) throw new Error(at.error);
    const nth = (at.value.instant - hour(0)) / HOUR_MILLIS;
    return Date.now() - start > SPAN * (nth + 1);
  };
  const take = (asked: Asked): Answer =>
    each(asked, ({ resourceUri, effectiveStartTime, quantity }) => {
      const key = identity(resourceUri, effectiveStartTime);
      if (isTooOld(effectiveStartTime)) return refusedWith('Expired');
      if (random() < 0.02) return refusedWith('Error');
      const held = holds.get(key);
      if (held !== undefined) {
        const acceptedMessage = { quantity: held, usageEventId: 'e' };
        const error = { code: 'Conflict', additionalInfo: { acceptedMessage } };
        return { status: 'Duplicate', error };
      }
      holds.set(key, Number(quantity.value));
      return accepted;
    });
  const list = (): Answer => ({
    body: JSON.stringify(
      [...holds].map(([key, submittedQuantity]) => ({
        usageDate: `${key.slice(-19)}Z`,
        usageResourceId: key.slice(0, -20),
        dimension: 'DIM',
        submittedQuantity,
      })),
    ),
  });
  const answer = (asked: Asked): Answer => {
    const trouble = random();
    if (trouble < 0.1) return { status: 503, body: '' };
    if (trouble < 0.15) return { status: 429, headers: { 'retry-after': '1' }, body: '' };
    if (trouble < 0.2) return 'close';
    const done = asked.method === 'GET' ? list() : take(asked);
    // It has taken the batch, and the answer gets lost.
    if (trouble < 0.3) return 'hang';
    if (trouble < 0.4) return 'close';
    return trouble < 0.45 ? { body: '{"result":[{' } : done;
  };
  return { answer, holds };
};

/** What bridges share: outcomes by rank, as ClickHouse keeps them, and the first carry of each submission. */
const sharedStore = () => {
  const RANKS: readonly OutcomeKind[] = [
    'dead-lettered',
    'carried',
    'duplicate',
    'accepted',
    'mismatch',
  ];
  const outcomes = new Map<string, Outcome>();
  const carried = new Map<string, number>();
  const unfinished = (): readonly Unfinished[] =>
    SUBMISSIONS.map((pending) => pending.filter((one) => !outcomes.has(idOf(one))))
      .filter((pending) => pending.length > 0)
      .map(compositionOf);
  return {
    outcomes,
    carried,
    unfinished,
    ports: {
      pendingOf: ({ hour: at }: Unfinished) =>
        Promise.resolve(
          SUBMISSIONS.flat().filter((one) => one.hour === at && !outcomes.has(idOf(one))),
        ),
      writeRequests: () => Promise.resolve(),
      writeOutcomes: (written: readonly Outcome[]) => {
        for (const outcome of written) {
          const known = outcomes.get(idOf(outcome.pending));
          if (known && RANKS.indexOf(known.kind) > RANKS.indexOf(outcome.kind)) continue;
          outcomes.set(idOf(outcome.pending), outcome);
        }
        return Promise.resolve();
      },
    },
  };
};

const openSender = (store: ReturnType<typeof sharedStore>, crashes: Error[]): Sender => {
  const sender = new Sender(
    {
      partition: 0,
      store: store.ports,
      commerce: new CommerceClient({
        url: 'http://commerce.test',
        tokens: staticToken(null),
        requestMillis: REQUEST_MILLIS,
        additionalInfo: true,
      }),
      gate: new Gate({ maxInFlight: 3, retryMillis: RETRY_MILLIS }, Date.now),
      outbox: {
        appendMoves: () => Promise.resolve(),
        appendMoved: () => Promise.resolve(),
        appendCarries: (appended) => {
          for (const { submissionId } of appended) {
            store.carried.set(submissionId, (store.carried.get(submissionId) ?? 0) + 1);
          }
          return Promise.resolve();
        },
      },
      cannotCarry: () => Promise.resolve(() => null),
      finished: () => undefined,
      now: Date.now,
      logger: pino({ level: 'silent' }),
      persist: persist(pino({ level: 'silent' })),
    },
    { retryMillis: RETRY_MILLIS, clockSkewMillis: 0 },
  );
  sender.add(store.unfinished());
  sender.start((error) => crashes.push(error));
  return sender;
};

beforeEach(stopTheClock);
afterEach(endAll);

test.each(Array.from({ length: RUNS }, (_, n) => n + 1))(
  'two senders of the same submissions, killed at any moment: run %p',
  async (seed) => {
    const random = chance(seed);
    const commerce = troubledCommerce(random);
    commerceInMemory(commerce.answer);
    const store = sharedStore();
    const crashes: Error[] = [];
    const senders = [openSender(store, crashes), openSender(store, crashes)];
    for (let turn = 0; store.unfinished().length > 0; turn++) {
      if (turn === MAX_TURNS) throw new Error('they make no progress');
      await settle();
      if (crashes[0]) throw crashes[0];
      const victim = random() < 0.05 ? Math.floor(random() * 2) : null;
      if (victim !== null) {
        senders[victim]?.drop();
        senders[victim] = openSender(store, crashes);
      }
      if (jest.getTimerCount() > 0) jest.advanceTimersToNextTimer();
    }
    for (const sender of senders) sender.drop();

    const found = SUBMISSIONS.flat().map((pending) => {
      const time = isoText(pending.hour);
      const isHeld = commerce.holds.has(identity(pending.submission.resourceUri, time));
      const kind = store.outcomes.get(idOf(pending))?.kind;
      return { isHeld, isCarried: store.carried.has(idOf(pending)), kind };
    });
    // Each is billed once: under its own hour, or by its first carry; and that is what is recorded.
    expect(found.filter(({ isHeld, isCarried }) => isHeld === isCarried)).toEqual([]);
    expect(
      found.filter(({ isHeld, kind }) => isHeld !== (kind === 'accepted' || kind === 'duplicate')),
    ).toEqual([]);
    expect(found.filter(({ isCarried, kind }) => isCarried !== (kind === 'carried'))).toEqual([]);
  },
);
