import fc from 'fast-check';
import { checkEvent } from '../../services/development/commerce/event-check.ts';
import { quantityToBytes, type Quantity } from '../../services/shared/model/decimal.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../services/shared/model/rules.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/model/time.ts';
import { valueProblem } from '../../services/shared/model/usage-event-problem.ts';

const START = millis(Date.UTC(2026, 0, 1));
const NOW = millis(START + HOUR_MILLIS);

/** Whether an event under these names is counted. */
const isCounted = (meterId: string, resourceUri: string): boolean =>
  valueProblem(
    {
      eventId: Buffer.alloc(16),
      subscriptionId: 's',
      meterId,
      resourceUri,
      usageStartTime: BigInt(START),
      usageEndTime: BigInt(NOW),
      quantity: quantityToBytes(1n as Quantity),
      location: '',
      tags: null,
      additionalInfo: null,
    },
    { hourMillis: HOUR_MILLIS, maxUsageAgeMillis: DEFAULT_MAX_USAGE_AGE_MILLIS },
    NOW,
  ) === null;

/** Whether Commerce takes usage under these names. */
const isTaken = (dimension: string, resourceUri: string): boolean =>
  checkEvent(
    {
      resourceUri,
      quantity: 1,
      dimension,
      effectiveStartTime: '2026-01-01T00:00:00Z',
      planId: 'plan',
    },
    { now: NOW, maxAgeMillis: null, hourMillis: HOUR_MILLIS, dimensions: null },
  ).kind === 'valid';

/** Any text, with what is odd in it often. */
const name = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      '\0',
      '\t',
      '\n',
      '\u007f',
      '\u009b',
      '\u2028',
      '\ud800',
      '\u{1f600}',
    ),
    minLength: 1,
    maxLength: 4,
  }),
  fc.constantFrom('x'.repeat(1_024), 'x'.repeat(1_025), 'é'.repeat(512)),
);

test('usage under a name that Commerce refuses is not counted as billable: the aggregator refuses it at the door', () => {
  fc.assert(
    fc.property(name, name, (meter, resource) => {
      fc.pre(isCounted(meter, resource));
      return isTaken(meter, resource);
    }),
    { numRuns: 5_000 },
  );
});

test('each control character makes both refuse', () => {
  for (let code = 0; code < 0xa0; code++) {
    const character = String.fromCharCode(code);
    const isControl = code < 0x20 || code >= 0x7f;
    expect([code, isCounted(`a${character}`, 'r'), isCounted('m', `r${character}`)]).toEqual([
      code,
      !isControl,
      !isControl,
    ]);
    expect([code, isTaken(`a${character}`, 'r')]).toEqual([code, !isControl]);
  }
});
