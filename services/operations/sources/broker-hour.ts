import { controlRecord } from '../../shared/model/control-record.ts';
import { UserError } from '../../shared/process/errors.ts';
import { hourOf, nextHour, type Hour, type Millis } from '../../shared/model/time.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import type { RegisteredSource } from '../../shared/sources/register.ts';

/** The hour after the open hour by the broker's clock. A tick to a live topic tells the broker's time. */
export const hourAfterBroker = async (
  tools: SourceTools,
  live: RegisteredSource,
): Promise<Hour> => {
  const at = { topic: live.topic, epoch: live.epoch, partition: 0 };
  const [appended] = await tools.writer.append(at, [controlRecord('tick', at, '', tools.keyring)]);
  const time: Millis | null = appended?.appendTime ?? null;
  if (time === null) {
    throw new UserError(
      `Topic ${live.topic} does not give records the broker's time: set its message.timestamp.type to LogAppendTime`,
    );
  }
  return nextHour(hourOf(time, live.hourMillis), live.hourMillis);
};
