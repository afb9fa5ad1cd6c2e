import type { ControlKey } from '../../services/shared/model/control-record.ts';
import type { Source } from '../../services/shared/model/source.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../services/shared/model/rules.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import type { JudgedTopic } from './hostile-judge.ts';

/** Two namespaces on one topic; one has a letter that Unicode writes in a second way. */
export const HOSTILE_PROVIDER: Provider = {
  name: 'hostile',
  namespaces: ['microsoft.compute', 'microsoft.network'],
  partitions: 3,
};

/** The only schema id of usage events. */
const SCHEMA_IDS = [1];

export const judgedTopic = (source: Source, key: ControlKey): JudgedTopic => ({
  topic: source.topic,
  epoch: source.epoch,
  partitions: source.partitions,
  hourMillis: source.hourMillis,
  firstHour: source.firstHour,
  namespaces: source.namespaces,
  maxUsageAgeMillis: DEFAULT_MAX_USAGE_AGE_MILLIS,
  schemaIds: SCHEMA_IDS,
  key,
});
