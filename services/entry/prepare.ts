import { prepareServers, preparedText } from '../operations/sources/prepare-servers.ts';
import {
  clickHouseSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
} from '../shared/process/config.ts';
import { explain } from '../shared/process/explain.ts';

/** `prepare`: "usagectl migrate" and "usagectl provision" in one step, for a container that ends. */
try {
  const config = parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
  });
  const text = preparedText(await prepareServers(config));
  process.stdout.write(`Tables and topics are up to date: ${text}.\n`);
} catch (error) {
  process.stderr.write(`prepare: ${explain(error)}\n`);
  process.exitCode = 1;
}
