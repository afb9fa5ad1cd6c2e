import type { Usage } from '../../provider-sdk/usage.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import { partitionName, type Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, isoText, type Hour } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { compareWithLedger } from './accepted-before.ts';
import { emissionNotes } from './emission-notes.ts';
import type { EmitWorld } from './emit-world.ts';
import { planEmission, type EmissionPlan } from './plan-emission.ts';
import { notNamedYet, usageOfOptions, type UsageOptions } from './usage-of-options.ts';

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
const VM = 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5';
const NOW = timeOf('2026-02-03T04:17:30Z');

const source = (changes: Partial<Source> = {}): Source => ({
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 4,
  firstHour: timeOf('2026-01-01T00:00:00Z'),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['microsoft.compute'],
  origin: 'live',
  ...changes,
});

const worldOf = (changes: Partial<EmitWorld> = {}): EmitWorld => ({
  sources: [source()],
  catalog: readMeterCatalog(),
  subscriptions: new Set([SUBSCRIPTION]),
  floors: new Map(),
  now: NOW,
  ...changes,
});

const machine = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${name}`;

const usageOf = (changes: Partial<Usage> = {}): Usage => ({
  subscriptionId: SUBSCRIPTION,
  resourceUri: machine('vm1'),
  meterId: VM,
  from: '2026-02-03T03:00:00Z',
  to: '2026-02-03T04:00:00Z',
  quantity: '1',
  location: 'local',
  ...changes,
});

/** As many hours as one usage may have. */
const LONG = { from: '2025-12-21T00:00:00Z', to: '2026-02-03T00:00:00Z' };

const plan = (usage: readonly Usage[], world = worldOf()) =>
  planEmission(
    usage.map((each, n) => ({ line: n + 1, usage: each })),
    world,
  );

const planned = (usage: readonly Usage[], world = worldOf()): EmissionPlan => {
  const result = plan(usage, world);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};

const problemsOf = (usage: readonly Usage[], world = worldOf()): readonly string[] => {
  const result = plan(usage, world);
  return result.ok
    ? []
    : result.error.map(({ line, field, problem }) => `${String(line)} ${field ?? '-'} ${problem}`);
};

describe('where usage goes', () => {
  test('to the newest open epoch of the topic that serves its namespace, and the partition of its key', () => {
    const sources = [
      source({ state: 'sealed' }),
      source({ epoch: 2 }),
      source({ topic: 'usage.events.storage', namespaces: ['microsoft.storage'] }),
      source({ topic: 'usage.history.x', kind: 'history', namespaces: ['*'] }),
    ];
    const { events } = planned([usageOf({ resourceUri: machine('VM-Ü') })], worldOf({ sources }));
    expect(events).toHaveLength(1);
    expect(events[0]?.source).toBe(sources[1]);
    expect(events[0]?.key).toBe(machine('vm-Ü').toLowerCase().replace('ü', 'Ü'));
    expect(events[0]?.partition).toBe(partitionOfKey(events[0]?.key ?? '', 4));
  });

  test('a namespace that no topic serves is a problem that names those that are served', () => {
    const resourceUri = machine('x').replace('Compute', 'Quantum');
    expect(problemsOf([usageOf({ resourceUri })])).toEqual([
      expect.stringMatching(/^1 resourceUri is of microsoft\.quantum.*serve microsoft\.compute/),
    ]);
  });

  test('without any live topic it says how to get one', () => {
    expect(problemsOf([usageOf()], worldOf({ sources: [] }))).toEqual([
      expect.stringContaining('usagectl provision'),
    ]);
  });
});

describe('every problem is named before anything is sent', () => {
  test('of all lines, and of all fields', () => {
    const wrong = usageOf({ quantity: '-1', location: '' });
    const found = problemsOf([wrong, usageOf(), usageOf({ from: 'yesterday' })]);
    expect(found.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
      '1 location',
      '1 quantity',
      '3 from',
    ]);
  });

  test.each([
    ['2026-02-03T04:17:31Z', '2026-02-03T05:00:00Z', 'from is in the future'],
    ['2026-02-03T04:00:00Z', '2026-02-03T05:00:00.001Z', 'to is in an hour that has not begun'],
    ['2025-12-20T04:17:29Z', '2025-12-20T05:00:00Z', 'from is over 45 days ago'],
  ])('%s to %s: %s', (from, to, problem) => {
    expect(problemsOf([usageOf({ from, to })])).toEqual([expect.stringContaining(problem)]);
  });

  test('the running hour can be reported, and what is 45 days old', () => {
    planned([usageOf({ from: '2026-02-03T04:00:00Z', to: '2026-02-03T05:00:00Z' })]);
    planned([
      usageOf({ from: isoText((NOW - 45 * 24 * HOUR_MILLIS) as Hour), to: '2025-12-20T04:30:00Z' }),
    ]);
  });

  test('usage below the floor of its partition is refused', () => {
    const { events } = planned([usageOf()]);
    const at = { topic: 'usage.events.compute', epoch: 1, partition: events[0]?.partition ?? 0 };
    const floors = new Map([[partitionName(at), timeOf('2026-02-03T03:00:00.001Z')]]);
    expect(problemsOf([usageOf()], worldOf({ floors }))).toEqual([
      expect.stringContaining('the ledger is trimmed'),
    ]);
  });

  test('two lines with one id and other content are a conflict, in time to correct them', () => {
    expect(problemsOf([usageOf(), usageOf(), usageOf({ quantity: '2' })])).toEqual([
      expect.stringMatching(/^3 - is of the same .* as line 1 .*discriminator/),
    ]);
    expect(problemsOf([usageOf(), usageOf({ quantity: '2', discriminator: 'b' })])).toEqual([]);
  });

  test('what is counted already with other content is a conflict too', () => {
    const { events } = planned([usageOf(), usageOf({ resourceUri: machine('vm2') })]);
    const [first, second] = events;
    const accepted = new Map([
      [first?.id ?? '', { digest: first?.digest ?? 0n, quantity: '1' }],
      [second?.id ?? '', { digest: 5n, quantity: '7' }],
    ]);
    const { before, conflicts } = compareWithLedger(events, accepted);
    expect(before).toEqual([first]);
    expect(conflicts).toEqual([
      {
        line: 2,
        field: null,
        problem: expect.stringMatching(/quantity 7.*usagectl event/) as string,
      },
    ]);
  });
});

describe('what follows is said', () => {
  const notes = (usage: readonly Usage[]) => {
    const made = planned(usage);
    return emissionNotes(made, [], worldOf()).map(({ kind, text }) => `${kind}: ${text}`);
  };

  test('nothing about a usual meter of a known subscription', () => {
    expect(notes([usageOf(), usageOf({ resourceUri: machine('vm2') })])).toEqual([]);
  });

  test('of lines that say the same, also in other case', () => {
    const again = usageOf({ subscriptionId: SUBSCRIPTION.toUpperCase() });
    expect(planned([usageOf(), again]).events).toHaveLength(1);
    expect(notes([usageOf(), again])).toEqual([
      'repeated: The event of line 2 is the same as that of line 1. It is sent once',
    ]);
  });

  test('of a meter that no catalog knows: once, however many lines have it', () => {
    const unknown = usageOf({ meterId: 'My-Meter' });
    const other = usageOf({ meterId: 'my-meter', resourceUri: machine('vm2') });
    expect(notes([unknown, other])).toEqual([
      expect.stringMatching(/^unknown-meter: .*My-Meter.*not billed.*holds it until/),
    ]);
  });

  test('of a meter that is not sent to Commerce', () => {
    const meterId = readMeterCatalog().find(({ billing }) => billing === 'local-only')?.meterId;
    expect(notes([usageOf({ meterId: meterId ?? '' })])).toEqual([
      expect.stringMatching(/^not-billed: .*not sent to Commerce/),
    ]);
  });

  test('of a subscription that is not in the directory', () => {
    const subscriptionId = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
    const resourceUri = machine('vm1').replace(SUBSCRIPTION, subscriptionId);
    expect(notes([usageOf({ subscriptionId, resourceUri })])).toEqual([
      expect.stringContaining(`usagectl subscriptions add ${subscriptionId}`),
    ]);
  });
});

describe('one usage from options', () => {
  const options = (changes: Partial<UsageOptions> = {}): UsageOptions => ({
    resource: machine('vm1'),
    meter: 'Base VM Size Hours',
    quantity: '4',
    location: 'local',
    tags: [],
    ...changes,
  });

  test('what is not given is completed: subscription, meter by name, the last full hour', () => {
    const { given, problems, assumed } = usageOfOptions(options(), worldOf());
    expect(problems).toEqual([]);
    expect(given.usage).toMatchObject({
      subscriptionId: SUBSCRIPTION,
      meterId: readMeterCatalog().find(({ name }) => name === 'Base VM Size Hours')?.meterId,
      from: timeOf('2026-02-03T03:00:00Z'),
      to: timeOf('2026-02-03T04:00:00Z'),
      tags: null,
    });
    expect(assumed).toContain('the last full hour');
    planned([given.usage]);
  });

  test('tags are read to the first equals sign', () => {
    const { given } = usageOfOptions(options({ tags: ['a=b=c', 'empty='] }), worldOf());
    expect(given.usage.tags).toEqual({ a: 'b=c', empty: '' });
  });

  test('every wrong option is named, and the usage is checked for more all the same', () => {
    const world = worldOf();
    const { given, problems } = usageOfOptions(
      options({
        meter: 'Bse VM Size Hours',
        quantity: 'four',
        from: 'noon',
        tags: ['x', 'a=1', 'a=2'],
      }),
      world,
    );
    expect(problems.map(({ field }) => field)).toEqual(['from', 'meterId', 'tags', 'tags']);
    const more = planEmission([given], world);
    expect(!more.ok && more.error.map(({ field }) => field)).toEqual(['quantity']);
  });

  test.each([
    [
      { resource: undefined, meter: undefined, quantity: undefined },
      'resourceUri meterId quantity',
    ],
    [{ resource: 'vm1' }, 'resourceUri'],
    [{ resource: '/providers/Microsoft.Compute/x', quantity: '-1' }, 'resourceUri quantity'],
    [{ subscription: 'other' }, 'resourceUri'],
  ])('what is missing is named once, in the words of the options: %j', (changes, expected) => {
    const world = worldOf();
    const { given, problems } = usageOfOptions(options(changes), world);
    const more = planEmission([given], world);
    const named = [...problems, ...(more.ok ? [] : notNamedYet(problems, more.error))];
    expect(named.map(({ field }) => field).join(' ')).toBe(expected);
  });

  test('an end without a start is refused', () => {
    const { problems } = usageOfOptions(options({ to: '2026-02-03T04:00:00Z' }), worldOf());
    expect(problems.map(({ field }) => field)).toEqual(['from']);
  });
});

test('problems are named however many there are', () => {
  // Of 130 usages of the same 1,056 hours with other quantities, all hours but those of the first one are conflicts.
  const rivals = Array.from({ length: 130 }, (_, n) => usageOf({ ...LONG, quantity: 1_056 + n }));
  const planned = plan(rivals);
  expect(planned.ok ? 0 : planned.error.length).toBe(129 * 1_056);
});
