import { hour, knowledge, placeOf, rulesAt } from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import { ExpectedTotals } from '../../../test/support/workload/expected-totals.ts';
import { generateWorkload } from '../../../test/support/workload/generate-workload.ts';
import type { LogRecord } from '../model/log-record.ts';
import { partitionName, type Source } from '../model/source.ts';
import { isoText } from '../model/time.ts';
import type { Chunk } from './chunk.ts';

const { source: live } = placeOf({
  partitions: 3,
  namespaces: ['microsoft.compute', 'microsoft.web'],
});
const run: Source = {
  ...live,
  topic: 'usage.history.run',
  kind: 'history',
  lastHour: hour(23),
  namespaces: ['*'],
};
const sources = [live, run];

/** Seeds of whole workloads: a day of everything that goes wrong, on several partitions. */
test.each([1, 2, 3])('workload %d comes to what the oracle expects, on every partition', (seed) => {
  const expected = new ExpectedTotals(sources);
  const logs = new Map<string, LogRecord[]>();
  for (const source of sources) {
    for (let partition = 0; partition < source.partitions; partition++) {
      const place = { ...source, partition, source };
      const rules = rulesAt(place, 0, hour(0), { namespaces: source.namespaces });
      logs.set(partitionName(place), [rules]);
      expected.control(place, 0, hour(0), 'rules', rules);
    }
  }
  const workload = generateWorkload({
    seed,
    events: 3_000,
    tenants: 4,
    resourcesPerTenant: 5,
    topics: sources,
    reportedFrom: hour(0),
    reportedTo: hour(24),
  });
  for (const emission of workload) {
    const { key, value, headers, timestamp } = emission;
    const log = logs.get(partitionName(emission)) ?? [];
    const offset = log.length;
    log.push({ offset, timestamp, key, value, headers });
    expected.record(emission, offset, timestamp, emission);
  }

  for (const partition of expected.partitions) {
    const place = { ...partition.at, source: partition.source as Source };
    const world = new StoredWorld(place);
    const store = (chunk: Chunk): void => world.writesOf([chunk]).forEach((write) => write());
    const owner = new FoldRun(world, knowledge);
    expect(owner.fold(logs.get(partitionName(place)) ?? [], store)).toBeNull();
    owner.cut(store);

    expect(world.checkpoint?.counts).toEqual({
      accepted: partition.accepted,
      duplicate: partition.duplicate,
      deadLettered: partition.deadLettered,
      control: partition.control,
      lost: 0,
    });
    expect(
      [...world.deadLetters.values()].map(({ record, code }) => [record.offset, code]),
    ).toEqual(partition.deadLetters.map(({ offset, code }) => [offset, code]));
    const stored = [...world.windows.values()].map(
      ({ reportedHour, window }) =>
        `${isoText(reportedHour)} ${isoText(window.usageHour)} ${window.resourceUri} ${window.meterId} ` +
        `${String(window.firstOffset)} ${String(window.quantity)} ${String(window.eventCount)}`,
    );
    const wanted = [...partition.windows.values()].map(
      ({ reported, usage, first, firstOffset, quantity, eventCount }) =>
        `${isoText(reported)} ${isoText(usage)} ${first.resourceUri} ${first.meterId} ` +
        `${String(firstOffset)} ${String(quantity)} ${String(eventCount)}`,
    );
    expect(stored.sort()).toEqual(wanted.sort());
  }
});
