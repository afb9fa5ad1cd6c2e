import { usageEventEncoder } from '../../shared/avro/usage-event-codec.ts';
import { keyFingerprint, type Keyring } from '../../shared/model/control-record.ts';
import { addQuantities, formatQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { namespaceOf, partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import {
  isOpenLive,
  newestEpoch,
  partitionName,
  sourceFor,
  type Source,
  type SourcePartition,
} from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import { UserError } from '../../shared/process/errors.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { readRedriveWorld } from '../dead-letters/redrive.ts';
import type { RedriveWorld } from '../dead-letters/redrive-plan.ts';
import { ledgerFloor } from '../sources/trim-ledger.ts';
import {
  adjustmentId,
  adjustmentRecord,
  type Adjustment,
  type AdjustmentRequest,
} from './adjustment.ts';
import {
  readAdjustments,
  readAttributes,
  readRecordedUsage,
  recordAdjustment,
  type ListedAdjustment,
} from './adjustment-table.ts';

/** An adjustment that can be made. */
export interface AdjustmentPlan {
  readonly kind: 'to-do';
  readonly adjustment: Adjustment;
  /** It, if it was recorded before, and does not count yet. */
  readonly before: ListedAdjustment | null;
  /** Where its record goes. */
  readonly at: SourcePartition;
  readonly source: Source;
  /** What is recorded for the usage hour; null if nothing is. */
  readonly recorded: Quantity | null;
  /** The sum of other adjustments of the usage hour that are not counted yet. */
  readonly waiting: Quantity;
}

/** An adjustment that counts already. */
export interface AdjustmentMade {
  readonly kind: 'made';
  readonly adjustment: ListedAdjustment & { readonly countedIn: Hour };
}

/**
 * Finds out what an adjustment would do, and changes nothing. The error names every problem. A request that
 * was recorded before is judged by its record alone.
 */
export const planAdjustment = async (
  tools: SourceTools,
  request: AdjustmentRequest,
): Promise<Result<AdjustmentPlan | AdjustmentMade, readonly string[]>> => {
  const { clickHouse } = tools;
  const id = adjustmentId(request);
  const [before = null] = await readAdjustments(clickHouse, { id });
  if (before !== null && before.quantity !== request.quantity) {
    return fail([
      `--key ${request.key} is taken: ${before.actor} adjusted this usage hour under it by ` +
        `${formatQuantity(before.quantity)} on ${isoText(before.at)}. Give another key`,
    ]);
  }
  if (before?.countedIn != null) {
    return succeed({ kind: 'made', adjustment: { ...before, countedIn: before.countedIn } });
  }
  const world = await readRedriveWorld(tools);
  const source = ownerOf(world.sources, request.resourceUri, before);
  if (!source.ok) return fail([source.error]);
  const at = placeIn(source.value, request.resourceUri);
  const floor = await ledgerFloor(clickHouse);
  const problems = problemsAt(world, tools.keyring, at, source.value);
  if (request.usageHour < floor) {
    problems.push(
      `--usage-hour is below ${isoText(floor)}, up to which the ledger was trimmed: nobody could tell any more whether it counts once`,
    );
  }
  const usage = await readRecordedUsage(clickHouse, request, request.usageHour);
  const waiting = await waitingFor(tools, request, id);
  const attributes = usage.attributes ?? (await readAttributes(clickHouse, request.resourceUri));
  const location = request.location ?? attributes?.location;
  if (location === undefined) {
    problems.push('--location is missing, and the resource has no usage that would tell it');
  }
  if (before === null) problems.push(...tooMuch(request, usage.quantity, waiting));
  if (problems.length > 0 || location === undefined) return fail(problems);
  const { topic } = source.value;
  return succeed({
    kind: 'to-do',
    adjustment: before ?? { ...request, id, topic, location, tags: attributes?.tags ?? null },
    before,
    at,
    source: source.value,
    recorded: usage.quantity,
    waiting,
  });
};

/** The open live source in whose log a resource's usage is, now or since the adjustment was recorded. */
const ownerOf = (
  sources: readonly Source[],
  resourceUri: string,
  before: ListedAdjustment | null,
): Result<Source, string> => {
  const namespace = namespaceOf(resourceUri) ?? '';
  // Ids are deduplicated within a topic. So what may be in the log of one topic goes to no other.
  const topic = before?.topic ?? sourceFor(sources, namespace)?.topic;
  const source = topic === undefined ? undefined : newestEpoch(sources, topic);
  if (source && isOpenLive(source)) return succeed(source);
  return fail(
    before === null
      ? `--resource is of ${namespace}, which no open live source serves: see "usagectl sources list"`
      : `the adjustment was recorded for ${before.topic}, which is not open any more: give it a --key to record it anew`,
  );
};

const placeIn = ({ topic, epoch, partitions }: Source, resourceUri: string): SourcePartition => ({
  topic,
  epoch,
  partition: partitionOfKey(resourceKey(resourceUri), partitions),
});

/** Why the owner of a partition would not take an adjustment that we sign. */
const problemsAt = (
  world: RedriveWorld,
  [key]: Keyring,
  at: SourcePartition,
  source: Source,
): string[] => {
  const { rules } = world.judgementOn(at, source);
  const isAccepted = rules.controlKeys.some(
    ({ id, fingerprint }) => id === key.id && fingerprint === keyFingerprint(key),
  );
  return isAccepted
    ? []
    : [
        `the rules in force on ${partitionName(at)} do not accept control key "${key.id}": run "usagectl rules apply"`,
      ];
};

/** The sum of adjustments of the same usage that are recorded and not counted yet. */
const waitingFor = async (
  { clickHouse }: SourceTools,
  { subscriptionId, resourceUri, meterId, usageHour }: AdjustmentRequest,
  id: string,
): Promise<Quantity> => {
  const same = await readAdjustments(clickHouse, {
    subscription: subscriptionId,
    resource: resourceUri,
    meter: meterId,
    usageHour,
  });
  return same
    .filter((each) => each.countedIn === null && each.id !== id)
    .map(({ quantity }) => quantity)
    .reduce(addQuantities, ZERO);
};

const tooMuch = (
  { quantity, forced }: AdjustmentRequest,
  recorded: Quantity | null,
  waiting: Quantity,
): readonly string[] => {
  if (quantity > 0n || forced) return [];
  const left = addQuantities(addQuantities(recorded ?? ZERO, waiting), quantity);
  if (left >= 0n) return [];
  const what =
    recorded === null
      ? 'nothing is recorded for this usage hour'
      : `${formatQuantity(recorded)} is recorded for this usage hour`;
  const others = waiting === 0n ? '' : `, and adjustments of ${formatQuantity(waiting)} wait`;
  return [
    `--quantity takes more than there is: ${what}${others}. Correct it, or take it all the same with --force`,
  ];
};

/**
 * Makes a planned adjustment, and may be interrupted anywhere and repeated:
 *
 * 1. it is recorded, unless it was before
 * 2. what was recorded first under its id is appended to the log
 *
 * If it ends between the two, the adjustment waits for its repetition. A record that is appended twice is a
 * duplicate.
 */
export const makeAdjustment = async (
  { clickHouse, writer, schemas, keyring }: SourceTools,
  { adjustment, before, at, source }: AdjustmentPlan,
  actor: string,
): Promise<void> => {
  if (before === null) await recordAdjustment(clickHouse, adjustment, actor);
  failpoint('after-adjustment-recorded');
  const [recorded] = await readAdjustments(clickHouse, { id: adjustment.id });
  if (recorded?.quantity !== adjustment.quantity) {
    throw new UserError(
      `Somebody has recorded another adjustment with --key ${adjustment.key} at the same moment: see "usagectl adjust list", and give another key`,
    );
  }
  const encode = usageEventEncoder(schemas);
  await writer.append(at, [adjustmentRecord(recorded, at, source.hourMillis, encode, keyring)]);
  failpoint('after-adjustment-sent');
};
