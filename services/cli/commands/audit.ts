import { type Command, InvalidArgumentError } from 'commander';
import { withAdmin, withClickHouse } from '../../operations/sources/source-tools.ts';
import { audit } from '../../operations/audit/audit.ts';
import type { AuditReport } from '../../operations/audit/audit-report.ts';
import { formatReport, hasRecounted } from '../show/audit.ts';
import { checkFailed } from '../exit-code.ts';
import { print, printJson, withProgress } from '../print.ts';
import { readChangeConfig } from '../settings.ts';

interface Options {
  readonly source?: string;
  readonly limit: number;
  readonly billing: boolean;
  readonly maxIdMib: number;
  readonly json?: boolean;
}

const wholeNumber = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('it must be a whole number');
  return Number(text);
};

const run = ({ source, limit, billing, maxIdMib }: Options): Promise<AuditReport> => {
  const config = readChangeConfig(); // with the keys, which tell control records from forged ones
  return withClickHouse(config, (clickHouse) =>
    withAdmin(config, (admin, kafka) =>
      withProgress(
        (all) => `Records recounted, of ${all}:`,
        (onProgress) =>
          audit(
            { clickHouse, kafka, admin, keyring: config.USAGE_CONTROL_KEYS },
            {
              topic: source ?? null,
              limit,
              billing,
              maxIdBytes: maxIdMib * 1024 * 1024,
              onProgress,
            },
          ),
      ),
    ),
  );
};

export const auditCommand = (command: Command): Command =>
  command
    .option('--source <topic>', 'audit only this topic')
    .option('--limit <number>', 'how many differing rows to show', wholeNumber, 20)
    .option('--no-billing', 'do not compare what the bridge composed')
    .option(
      '--max-id-mib <number>',
      'memory for ids, in MiB; ids beyond it go to temporary files',
      wholeNumber,
      256,
    )
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const begun = Date.now();
      const report = await run(options);
      const effort = {
        millis: Date.now() - begun,
        peakBytes: process.resourceUsage().maxRSS * 1024,
      };
      if (options.json) printJson(report);
      else print(formatReport(report, options.billing, effort));
      if (report.differences > 0 || !hasRecounted(report)) checkFailed();
    });
