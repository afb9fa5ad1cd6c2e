import { createHash } from 'node:crypto';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import { hourPartDecoder } from '../../../services/shared/avro/hour-part-codec.ts';
import { CONTROL_HEADER } from '../../../services/shared/model/control-record.ts';
import {
  addQuantities,
  formatQuantity,
  type Quantity,
} from '../../../services/shared/model/decimal.ts';
import { asciiLower } from '../../../services/shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';
import { isoText, millis, type Millis } from '../../../services/shared/model/time.ts';
import { parseClosedMarker } from '../../../services/shared/model/usage-aggregate.ts';
import { uuidText, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { Differences, type Row } from './differences.ts';
import type { ExpectedTotals } from './expected-totals.ts';
import type { PartitionLog } from './read-log.ts';

interface Total {
  quantity: Quantity;
  eventCount: number;
}

interface PublishedHour {
  /** The bytes of its parts. */
  readonly parts: Map<number, Buffer>;
  /** The ids of its aggregates. */
  readonly ids: Set<string>;
  readonly totals: Map<string, Total>;
  isClosed: boolean;
}

/**
 * How the topic of closed hours differs from what the bridge must find there: for each closed hour,
 * an empty one too, all its aggregates before a marker that agrees with them; and whatever is
 * published again is the same.
 */
export const publishedHours = (
  expected: ExpectedTotals,
  logs: readonly PartitionLog[],
): readonly string[] => {
  const differences = new Differences(20);
  const published = readPublished(logs, differences);
  for (const { at, source, windows, openHour } of expected.partitions) {
    const totals = new Map<number, Map<string, Total>>();
    for (const { reported, first, quantity, eventCount } of windows.values()) {
      const hour = totals.get(reported) ?? new Map<string, Total>();
      totals.set(reported, hour);
      addUp(hour, identityOf(first), { quantity, eventCount });
    }
    for (let hour: number = source.firstHour; hour < openHour; hour += source.hourMillis) {
      const name = hourName(at, millis(hour));
      const found = published.get(name);
      published.delete(name);
      if (found?.isClosed !== true) differences.add(`${name} has no closed marker`);
      compareTotals(name, totals.get(hour) ?? new Map<string, Total>(), found, differences);
    }
  }
  for (const name of published.keys()) differences.add(`${name} is published and not closed`);
  return differences.list;
};

const compareTotals = (
  name: string,
  expected: ReadonlyMap<string, Total>,
  found: PublishedHour | undefined,
  differences: Differences,
): void => {
  const totals = found?.totals ?? new Map<string, Total>();
  for (const identity of new Set([...expected.keys(), ...totals.keys()])) {
    const [wanted, actual] = [expected.get(identity), totals.get(identity)].map(rowOf);
    differences.compare(`${name} ${identity}`, wanted, actual);
  }
};

const rowOf = (total: Total | undefined): Row | undefined =>
  total && { quantity: formatQuantity(total.quantity), eventCount: total.eventCount };

const readPublished = (
  logs: readonly PartitionLog[],
  differences: Differences,
): Map<string, PublishedHour> => {
  const decode = hourPartDecoder(readSchemaDirectory());
  const published = new Map<string, PublishedHour>();
  const hourAt = (name: string): PublishedHour => {
    const hour = published.get(name) ?? {
      parts: new Map<number, Buffer>(),
      ids: new Set<string>(),
      totals: new Map<string, Total>(),
      isClosed: false,
    };
    published.set(name, hour);
    return hour;
  };
  for (const { headers, value } of logs.flatMap(({ records }) => records)) {
    const bytes = value ?? Buffer.alloc(0);
    if (headers[CONTROL_HEADER] === 'closed') {
      const marker = parseClosedMarker(bytes.toString('utf8'));
      if (!marker) {
        differences.add('a closed marker cannot be read');
        continue;
      }
      const name = hourName(marker, marker.reportedHour);
      const hour = hourAt(name);
      hour.isClosed = true;
      const digest = createHash('sha256');
      const inOrder = [...hour.parts].sort(([a], [b]) => a - b);
      for (const [, part] of inOrder) digest.update(part);
      if (
        marker.parts !== inOrder.length ||
        inOrder.some(([part], n) => part !== n) ||
        marker.digest !== digest.digest('hex')
      ) {
        differences.add(`${name} has other parts before its marker than that says`);
      }
      continue;
    }
    const part = decode(bytes);
    if (!part) {
      differences.add('a part of an hour cannot be read');
      continue;
    }
    const name = hourName(part, part.reportedHour);
    const hour = hourAt(name);
    const number = String(part.part);
    const earlier = hour.parts.get(part.part);
    if (earlier && !earlier.equals(bytes)) {
      differences.add(`${name} has part ${number} with two contents`);
    }
    if (earlier) continue;
    if (hour.isClosed) differences.add(`${name} has part ${number} after its marker only`);
    hour.parts.set(part.part, bytes);
    for (const aggregate of part.aggregates) {
      const id = uuidText(aggregate.aggregateId);
      if (hour.ids.has(id)) differences.add(`${name} has aggregate ${id} twice`);
      hour.ids.add(id);
      addUp(hour.totals, identityOf(aggregate), aggregate);
    }
  }
  return published;
};

const addUp = (totals: Map<string, Total>, identity: string, part: Total): void => {
  const { quantity, eventCount } = part;
  const total = totals.get(identity);
  if (!total) {
    totals.set(identity, { quantity, eventCount });
    return;
  }
  total.quantity = addQuantities(total.quantity, quantity);
  total.eventCount += eventCount;
};

const hourName = (at: SourcePartition, hour: Millis): string =>
  `closed hour ${isoText(hour)} of ${partitionName(at)}`;

const identityOf = (
  usage: Pick<UsageEvent, 'subscriptionId' | 'meterId' | 'resourceUri'>,
): string => [usage.subscriptionId, usage.meterId, usage.resourceUri].map(asciiLower).join(' ');
