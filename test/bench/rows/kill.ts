import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import type { NewRecord } from '../../../services/shared/kafka/new-record.ts';
import { partitionOfKey } from '../../../services/shared/model/placement.ts';
import { HOUR_MILLIS, millis } from '../../../services/shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { startService } from '../../support/service-process.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { untilAssigned, untilStored } from '../contenders/aggregator.ts';
import { atMost, type Figure } from '../figure.ts';
import { loadRecords, type LoadOptions } from '../load/load.ts';
import type { Loaded } from '../load/loaded.ts';
import { LOAD_TIME, REPORTED_HOUR } from '../load/write-load.ts';
import { auditProblem, dropDatabase, readAnew, withTools } from '../scene.ts';

/** Events that come after the kill: of every usage hour, so that the ids of each are needed. */
const MORE = 2_000;

/** The same usage under another id: its end is a millisecond earlier. */
const changed = (event: UsageEvent): UsageEvent => {
  const usageEndTime = millis(event.usageEndTime - 1);
  return { ...event, usageEndTime, eventId: usageEventId({ ...event, usageEndTime }) };
};

const appendMore = (loaded: Loaded, options: LoadOptions): Promise<number> =>
  withTools(loaded.scene, async ({ writer, schemas }) => {
    const encode = usageEventEncoder(schemas);
    const { topic, partitions } = loaded.load;
    const every = Math.max(1, Math.floor(options.events / MORE));
    const byPartition: NewRecord[][] = [];
    let n = 0;
    let sent = 0;
    for (const { key, event } of loadRecords(options, REPORTED_HOUR, HOUR_MILLIS)) {
      if (n++ % every !== 0) continue;
      const record = { key, value: encode(changed(event)), timestamp: LOAD_TIME };
      (byPartition[partitionOfKey(key, partitions)] ??= []).push(record);
      sent++;
    }
    await Promise.all(
      byPartition.map((records, partition) => writer.append({ topic, partition }, records)),
    );
    return sent;
  });

const measure = async (
  row: string,
  bench: Bench,
  variant: Partial<LoadOptions>,
  mostSeconds: number,
): Promise<readonly Figure[]> => {
  // A load of its own: more is written behind it.
  const seed = bench.options.seed + 1;
  const loaded = await bench.load({ ...variant, seed });
  const fresh = await readAnew(loaded.scene, row.replace('-', '_'));
  let service = await startService('aggregator', fresh.environment);
  try {
    await untilStored(service, loaded.load.records);
    await service.kill();
    const killed = Date.now();
    const more = await appendMore(loaded, { ...bench.options, ...variant, seed });
    service = await startService('aggregator', fresh.environment);
    const assigned = await untilAssigned(service);
    const first = await untilStored(service, loaded.load.records + 1);
    await untilStored(service, loaded.load.records + more);
    await service.stop();
    const problem = await auditProblem(fresh);
    const { windows, events } = loaded.totals;
    const what = `${windows.toLocaleString('en')} windows, ${events.toLocaleString('en')} ids`;
    return [
      {
        row,
        title: `from assignment to the first store after SIGKILL: ${what}`,
        value: (first - assigned) / 1000,
        unit: 's',
        target: atMost(mostSeconds),
        problem,
      },
      {
        row,
        title: 'from SIGKILL to the assignment, records written meanwhile',
        value: (assigned - killed) / 1000,
        unit: 's',
        target: null,
        problem: null,
      },
    ];
  } finally {
    await service.kill();
    await dropDatabase(fresh);
  }
};

export const kill: BenchRow = {
  name: 'kill',
  title: 'how soon a new process stores something after SIGKILL',
  run: (bench) => measure('kill', bench, {}, 2),
};

/** Some 2 million ids in 500,000 windows. */
export const killLarge: BenchRow = {
  name: 'kill-large',
  title: 'the same with 500,000 windows and 2 million ids',
  long: true,
  run: (bench) =>
    measure('kill-large', bench, { events: 2_050_000, resources: 334, duplicates: 0.025 }, 5),
};
