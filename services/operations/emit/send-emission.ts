import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import type { PlannedEvent } from './plan-emission.ts';

/** An event that the broker has. */
export interface SentEvent extends PlannedEvent {
  readonly offset: number;
}

/**
 * Sends events and waits until every replica has them.
 * @returns them, those of one partition together
 * @throws UserError that says how many the broker has, if it does not take all of them
 */
export const sendEmission = async (
  writer: LogWriter,
  events: readonly PlannedEvent[],
  encode: (event: UsageEvent) => Buffer,
): Promise<readonly SentEvent[]> => {
  const offsets = new Map<PlannedEvent, number>();
  for (const group of groupsOf(events)) {
    const [{ source, partition }] = group;
    const at = { topic: source.topic, partition };
    const records = group.map(({ key, event }) => ({ key, value: encode(event) }));
    try {
      const appended = await writer.append(at, records);
      const given = appended.flatMap(({ firstOffset, count }) =>
        Array.from({ length: count }, (_, n) => firstOffset + n),
      );
      group.forEach((each, n) => {
        const offset = given[n];
        if (offset === undefined) throw new Error('fewer records were acknowledged than sent');
        offsets.set(each, offset);
      });
    } catch (cause) {
      throw new UserError(
        `Kafka has acknowledged ${String(offsets.size)} of ${String(events.length)} events, and then failed on ${at.topic}: ${messageOf(cause)}. ` +
          'Run the command again: what is there already counts once',
        { cause },
      );
    }
  }
  return [...offsets].map(([each, offset]) => ({ ...each, offset }));
};

type Group = [PlannedEvent, ...PlannedEvent[]];

/** One group for each partition, in order. */
const groupsOf = (events: readonly PlannedEvent[]): readonly Group[] => {
  const groups = new Map<string, Group>();
  for (const each of events) {
    const name = partitionName({ ...each.source, partition: each.partition });
    const group = groups.get(name);
    if (group) group.push(each);
    else groups.set(name, [each]);
  }
  return [...groups.values()];
};
