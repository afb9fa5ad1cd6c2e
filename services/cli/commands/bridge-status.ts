import type { Command } from 'commander';
import { readBillingStatus } from '../../operations/status/billing-status.ts';
import { bridgeTroubles } from '../../operations/status/bridge.ts';
import { billingProblems } from '../../operations/status/problems.ts';
import { withAdmin, withClickHouse } from '../../operations/sources/source-tools.ts';
import { unsentProblem } from '../../shared/billing/unsent.ts';
import { aggregatesTopicName } from '../../shared/kafka/topic-names.ts';
import { isoText } from '../../shared/model/time.ts';
import { checkFailed } from '../exit-code.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';
import { formatBridgeStatus } from '../show/bridge-status.ts';

export const bridgeStatusCommand = (command: Command): Command =>
  command
    .description(
      'what the bridge does: terms, progress, submissions, requests, and the oldest usage that is not sent; exit code 1 if something is wrong',
    )
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const config = readViewConfig();
      const topic = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
      const now = Date.now();
      const { status, stuck } = await withClickHouse(config, (client) =>
        withAdmin(config, async (admin) => ({
          status: await readBillingStatus(client, admin, topic, now),
          stuck: await bridgeTroubles(client, admin, topic),
        })),
      );
      const unsent = unsentProblem(status.unsent, now);
      const problems = [
        ...stuck,
        ...(unsent === null ? [] : [unsent]),
        ...billingProblems(status.submissions),
      ];
      if (json) {
        const { unsent: waits } = status;
        const named = waits === null ? null : { ...waits, hour: isoText(waits.hour) };
        printJson({ ...status, unsent: named, problems });
      } else print(formatBridgeStatus(status, problems, now));
      if (problems.length > 0) checkFailed();
    });
