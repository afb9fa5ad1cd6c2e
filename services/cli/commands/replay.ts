import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { coveredHours } from '../../shared/model/source.ts';
import { beginHistory, writeHistory } from '../../operations/history-runs/history-run.ts';
import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { recordedSubscriptions } from '../../operations/subscriptions/recorded-subscriptions.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import { readChangeConfig } from '../settings.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { print, progress } from '../print.ts';
import { recordedEvents } from '../../operations/history-runs/recorded-events.ts';
import { readRecording } from '../../operations/history-runs/recording.ts';

const readText = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

const replay = async (path: string, { billable }: { billable: boolean }): Promise<void> => {
  const name = printable(basename(path));
  const recording = readRecording(name, await readText(path));
  const events = recordedEvents(name, recording);
  const config = readChangeConfig();
  await withSourceTools(config, async (tools) => {
    const begun = await beginHistory(
      tools,
      {
        origin: `file:${recording.digest}`,
        firstHour: recording.reportedStart,
        lastHour: (recording.reportedEnd - HOUR_MILLIS) as Hour,
        hourMillis: HOUR_MILLIS,
        partitions: 1,
        billable,
      },
      config.USAGE_TOPIC_PREFIX,
    );
    await addMissingSubscriptions(
      tools.clickHouse,
      recordedSubscriptions(recording, config.PROVIDER_SUBSCRIPTION_ID),
      { origin: name, defaultProvider: config.PROVIDER_SUBSCRIPTION_ID },
    );
    const hours = coveredHours(begun.source);
    if (begun.kind === 'already-imported') {
      print(
        `${name} is already imported: reported hours ${hours} on ${begun.source.topic}. Nothing was added.`,
      );
      return;
    }
    if (begun.resumed) print(`Continuing an interrupted import of ${name}.`);
    const shown = progress('Events acknowledged:');
    await writeHistory(tools, begun.source, events, (done) => shown.at(done));
    shown.end();
    print(
      `Imported ${name}: ${String(events.length)} events, reported hours ${hours}, on ${begun.source.topic}.`,
    );
  });
};

export const replayCommand = (command: Command): Command =>
  command
    .argument('<file>', 'JSON with "request" and "value", such as samples/recorded-usage.json')
    .option('--no-billable', 'count this usage but never send it to Commerce')
    .action(replay);
