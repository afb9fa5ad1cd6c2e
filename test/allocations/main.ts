import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { inRepository } from '../../services/shared/process/repository.ts';
import { measure, type Allocations } from './measure.ts';

/** What the fold may take more than is recorded before the check fails. */
const TOLERANCE = 0.1;
const RECORDED = inRepository('test/allocations/recorded.json');
const TITLES: Readonly<Record<keyof Allocations, string>> = {
  heap: 'bytes of objects an event',
  sent: 'bytes sent to ClickHouse an event',
};

const options = new Command('test:allocations')
  .description(
    'Measures what the fold allocates and sends for each event of a fixed log, and fails if it is over a tenth more than recorded. The figures do not depend on how busy the machine is.',
  )
  .option('--record', 'record what is measured now', false)
  .parse()
  .opts<{ record: boolean }>();

const found = await measure();
if (options.record) writeFileSync(RECORDED, `${JSON.stringify(found, null, 2)}\n`);
const recorded = JSON.parse(readFileSync(RECORDED, 'utf8')) as Allocations;
let failed = false;
for (const name of Object.keys(TITLES) as (keyof Allocations)[]) {
  const isTooMuch = found[name] > recorded[name] * (1 + TOLERANCE);
  failed ||= isTooMuch;
  console.log(
    `${TITLES[name]}: ${found[name].toFixed(1)}, recorded ${recorded[name].toFixed(1)}${isTooMuch ? ': TOO MUCH' : ''}`,
  );
}
if (failed) {
  console.log(
    'The fold takes more than before. Find out why, or record it: npm run test:allocations -- --record',
  );
  process.exitCode = 1;
}
