import { parseArgs } from 'node:util';
import { addCounts, type ShareReport } from './share.ts';
import type { ScheduleResult } from './schedule-result.ts';
import type { StoreMistake } from './simulated-store.ts';

/**
 * Runs a share of the schedules in a process of its own: seeds from `--from`, every `--every`-th,
 * until `--to`, a number of `--seconds`, or the first violation. Reports on its channel to the parent.
 */
const { values } = parseArgs({
  options: {
    of: { type: 'string', default: 'aggregator' },
    from: { type: 'string', default: '0' },
    every: { type: 'string', default: '1' },
    to: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '86400' },
    mistake: { type: 'string' },
  },
});

// Only now: the product is loaded with its patches applied.
const { runSchedule } =
  values.of === 'bridge'
    ? await import('./bridge/bridge-schedule.ts')
    : await import('./schedule.ts');
const marks = globalThis as { patchesToApply?: string[]; patchedModules?: Set<string> };
const missing = (marks.patchesToApply ?? []).filter((url) => !marks.patchedModules?.has(url));
if (missing.length > 0) throw new Error(`not loaded through the patches: ${missing.join()}`);

// Dropped owners abort, and where from is worth its time only when one schedule is looked at.
if (Number(values.to) - Number(values.from) > Number(values.every)) Error.stackTraceLimit = 0;

const mistake = (values.mistake ?? null) as StoreMistake | null;
const end = performance.now() + Number(values.seconds) * 1000;
const REPORT_MILLIS = 250;
let nextReport = performance.now() + REPORT_MILLIS;
let report: ShareReport = { schedules: 0, counts: null, failure: null };

for (let seed = Number(values.from); seed < Number(values.to); seed += Number(values.every)) {
  const { counts, violation }: ScheduleResult = await runSchedule(seed, mistake);
  report = {
    schedules: report.schedules + 1,
    counts: addCounts(report.counts, counts),
    failure: violation === null ? null : { seed, violation },
  };
  const now = performance.now();
  if (violation !== null || now > end) break;
  if (now < nextReport) continue;
  process.send?.(report);
  nextReport = now + REPORT_MILLIS;
}
process.send?.(report, undefined, undefined, () => process.disconnect());
