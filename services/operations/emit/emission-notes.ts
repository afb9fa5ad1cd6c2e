import { asciiLower } from '../../shared/model/placement.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import type { Meter } from '../../shared/meters/meter-catalog.ts';
import type { EmitWorld } from './emit-world.ts';
import type { EmissionPlan, PlannedEvent } from './plan-emission.ts';

/** What does not keep usage from being emitted, but has consequences. */
export interface EmissionNote {
  readonly kind:
    'unknown-meter' | 'not-billed' | 'unknown-subscription' | 'repeated' | 'accepted-before';
  readonly text: string;
}

/** Everything that whoever emits this should know. Foreign text in it is not printable yet. */
export const emissionNotes = (
  plan: EmissionPlan,
  before: readonly PlannedEvent[],
  { catalog, subscriptions }: Pick<EmitWorld, 'catalog' | 'subscriptions'>,
): readonly EmissionNote[] => {
  const meters = new Map(catalog.map((meter) => [asciiLower(meter.meterId), meter]));
  const emitted = distinct(plan.events.map(({ event }) => event.meterId));
  return [
    ...emitted.flatMap((id) => meterNotes(id, meters.get(asciiLower(id)))),
    ...distinct(plan.events.map(({ event }) => event.subscriptionId))
      .filter((id) => !subscriptions.has(asciiLower(id)))
      .map(subscriptionNote),
    ...repeatedNotes(plan),
    ...beforeNotes(before),
  ];
};

/** The first spelling of each. */
const distinct = (ids: readonly string[]): readonly string[] => {
  const first = new Map<string, string>();
  for (const id of ids) if (!first.has(asciiLower(id))) first.set(asciiLower(id), id);
  return [...first.values()];
};

const NOT_BILLED: Readonly<Record<Exclude<Meter['billing'], 'full-price'>, string>> = {
  admin: 'it is infrastructure, which Azure bills at price zero',
  deprecated: 'it is deprecated: another meter has taken its place',
  'local-only': "it is for the stamp's own use, or counts what other meters bill",
};

const meterNotes = (id: string, meter: Meter | undefined): readonly EmissionNote[] => {
  if (meter === undefined) {
    return [
      {
        kind: 'unknown-meter',
        text:
          `No catalog knows the meter ${id}. Its usage is counted and can be read at once, without a name or a unit. It is not billed: ` +
          'the bridge holds it until the meter is in schemas/meters.json (docs/how-to.md, "Add a meter")',
      },
    ];
  }
  return meter.billing === 'full-price'
    ? []
    : [
        {
          kind: 'not-billed',
          text: `Usage of ${meter.name} (${id}) is counted, but not sent to Commerce: ${NOT_BILLED[meter.billing]}`,
        },
      ];
};

const subscriptionNote = (id: string): EmissionNote => ({
  kind: 'unknown-subscription',
  text: isSubscriptionId(id)
    ? `Subscription ${id} is not in the directory. Its usage is counted and the operator can read it, but no tenant: ` +
      `"usagectl subscriptions add ${id}" enters it`
    : `Subscription ${id} is no GUID, so it can never be in the directory: its usage is counted, but no tenant can read it`,
});

const lineText = (line: number | null): string => `line ${String(line)}`;

const repeatedNotes = ({ repeated }: EmissionPlan): readonly EmissionNote[] => {
  const [first] = repeated;
  if (!first) return [];
  const others = repeated.length === 1 ? '' : `, and ${String(repeated.length - 1)} more like it`;
  return [
    {
      kind: 'repeated',
      text: `The event of ${lineText(first[0])} is the same as that of ${lineText(first[1])}${others}. It is sent once`,
    },
  ];
};

const beforeNotes = (before: readonly PlannedEvent[]): readonly EmissionNote[] => {
  const [first] = before;
  if (!first) return [];
  const which =
    before.length === 1
      ? `Event ${first.id} was`
      : `${before.length.toLocaleString('en')} of the events, such as ${first.id}, were`;
  return [
    {
      kind: 'accepted-before',
      text: `${which} counted before, with the same content. Sent again, nothing changes. For more usage of the same time, give a discriminator`,
    },
  ];
};
