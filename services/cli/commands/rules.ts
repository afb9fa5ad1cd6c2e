import { Command } from 'commander';
import { controlRecord } from '../../shared/model/control-record.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { parseRules, serializeRules, type Rules } from '../../shared/model/rules.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { readProviders } from '../../shared/sources/providers.ts';
import { readSources, recordOperation } from '../../shared/sources/register.ts';
import { rulesFor } from '../../shared/sources/rules-for.ts';
import { liveTopicName } from '../../shared/kafka/topic-names.ts';
import { changeNamespaces } from '../../operations/sources/take-up.ts';
import { readChangeConfig } from '../settings.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { print } from '../print.ts';
import { consequencesOf } from '../show/rules.ts';

/**
 * The rules in force on each partition where the fold is now; null if the record that held them was lost
 * unread.
 */
const rulesInForce = async ({
  clickHouse,
}: SourceTools): Promise<ReadonlyMap<string, Rules | null>> => {
  const rows = await queryRows<{ topic: string; epoch: number; partition: number; rules: string }>(
    clickHouse,
    'SELECT topic, epoch, partition, rules FROM checkpoints FINAL WHERE next_offset > 0',
  );
  return new Map(rows.map((row) => [partitionName(row), parseRules(row.rules)]));
};

const sameBut = (a: Rules, b: Rules): boolean =>
  serializeRules({ ...a, version: 0 }) === serializeRules({ ...b, version: 0 });

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  [...a].sort().join() === [...b].sort().join();

/**
 * Appends rules to every live partition whose rules differ from this version's schemas, keys and providers.
 */
const apply = async (
  tools: SourceTools,
  config: ReturnType<typeof readChangeConfig>,
  path?: string,
): Promise<number> => {
  const inForce = await rulesInForce(tools);
  const providers = readProviders(path);
  let changed = 0;
  for (const source of await readSources(tools.clickHouse)) {
    if (source.kind !== 'live' || source.state !== 'open') continue;
    const provider = providers.find(
      ({ name }) => liveTopicName(config.USAGE_TOPIC_PREFIX, name) === source.topic,
    );
    const namespaces = provider?.namespaces ?? source.namespaces;
    const wanted = sameNames(namespaces, source.namespaces)
      ? source
      : await changeNamespaces(tools, source, namespaces);
    const versions: Record<number, number> = {};
    let last: Rules | null = null;
    let before: Rules | null = null;
    for (let partition = 0; partition < source.partitions; partition++) {
      const at = { topic: source.topic, epoch: source.epoch, partition };
      const present = inForce.get(partitionName(at));
      const rules = rulesFor(wanted, (present?.version ?? 0) + 1, tools.schemas, tools.keyring);
      if (present === undefined || (present && sameBut(present, rules))) continue;
      await tools.writer.append(at, [
        controlRecord('rules', at, serializeRules(rules), tools.keyring),
      ]);
      versions[partition] = rules.version;
      last = rules;
      before = present ?? null;
    }
    if (last === null) continue;
    const appended = Object.keys(versions).length;
    const { foldVersion, schemas, controlKeys } = last;
    await recordOperation(tools.clickHouse, {
      kind: 'rules-applied',
      subject: source.topic,
      detail: {
        epoch: source.epoch,
        versions,
        foldVersion,
        namespaces,
        schemas: schemas.map(({ id }) => id),
        controlKeys: controlKeys.map(({ id }) => id),
      },
    });
    print(`${source.topic}: new rules on ${String(appended)} partitions.`);
    for (const line of consequencesOf(before, last)) print(`  ${line}`);
    changed += appended;
  }
  return changed;
};

export const rulesCommand = (command: Command): Command =>
  command.addCommand(
    new Command('apply')
      .description(
        'write the schemas, keys and providers of this version to the log, where they differ',
      )
      .option('--providers <file>', 'the file of providers (deploy/kafka/providers.json)')
      .action(async ({ providers }: { providers?: string }) => {
        const config = readChangeConfig();
        const changed = await withSourceTools(config, (tools) => apply(tools, config, providers));
        if (changed === 0) print('The rules in force are those of this version: nothing to do.');
      }),
  );
