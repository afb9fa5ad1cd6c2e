import { UserError } from '../../shared/process/errors.ts';
import { liveTopicName } from '../../shared/kafka/topic-names.ts';
import { isOpenLive, newestEpoch, type Source } from '../../shared/model/source.ts';
import { hourOf, millis, nextHour, type Hour } from '../../shared/model/time.ts';
import { hourAfterBroker } from './broker-hour.ts';
import { freeFrom } from './take-up.ts';
import { openSource, type SourceTools } from '../../shared/sources/source-opening.ts';
import type { Provider } from '../../shared/sources/providers.ts';
import {
  readSources,
  recordOperation,
  writeSource,
  type RegisteredSource,
} from '../../shared/sources/register.ts';

export interface LiveOptions {
  readonly prefix: string;
  readonly hourMillis: number;
  readonly now: () => number;
}

/**
 * Declares and opens a live source for each provider that has none. Sources in the register keep the
 * settings with which they began; their namespaces change by a rules record.
 * @throws UserError if the namespaces of two providers overlap, or a topic is not as it must be
 */
export const openLiveSources = async (
  tools: SourceTools,
  providers: readonly Provider[],
  options: LiveOptions,
): Promise<readonly RegisteredSource[]> => {
  const registered = await readSources(tools.clickHouse);
  const opened: RegisteredSource[] = [];
  for (const provider of providers) {
    const topic = liveTopicName(options.prefix, provider.name);
    const present = newestEpoch(registered, topic);
    refuseSharedNamespaces(provider, topic, [...registered, ...opened]);
    if (present?.state === 'open') continue;
    const declared = present ?? (await declare(tools, provider, topic, registered, options));
    opened.push(await openSource(tools, declared));
  }
  return opened;
};

const refuseSharedNamespaces = (
  provider: Provider,
  topic: string,
  sources: readonly Source[],
): void => {
  for (const source of sources) {
    if (source.kind !== 'live' || source.topic === topic) continue;
    const shared = provider.namespaces.filter((name) => source.namespaces.includes(name));
    if (shared.length === 0) continue;
    throw new UserError(
      `Provider "${provider.name}" cannot serve ${shared.join(', ')}: ${source.topic} does. ` +
        'A namespace belongs to one live topic only, or deduplication would not hold; correct the providers file',
    );
  }
};

const declare = async (
  tools: SourceTools,
  provider: Provider,
  topic: string,
  registered: readonly RegisteredSource[],
  options: LiveOptions,
): Promise<RegisteredSource> => {
  const { clickHouse } = tools;
  const others = registered.filter(isOpenLive);
  const history = registered.filter(
    ({ kind, state }) => kind === 'history' && state !== 'abandoned',
  );
  const earliest = Math.max(
    freeFrom(registered, provider.namespaces),
    ...history.map((run) => nextHour(run.lastHour ?? run.firstHour, run.hourMillis)),
  );
  const source = (firstHour: number, revision: number): RegisteredSource => ({
    topic,
    epoch: 1,
    kind: 'live',
    partitions: provider.partitions,
    firstHour: Math.max(firstHour, earliest) as Hour,
    lastHour: null,
    hourMillis: options.hourMillis,
    predecessor: null,
    state: 'declared',
    billable: true,
    namespaces: provider.namespaces,
    origin: 'live',
    revision,
  });
  const [other] = others;
  if (!other) {
    const first = hourOf(millis(options.now()), options.hourMillis);
    return register(tools, await writeSource(clickHouse, source(first, 0)));
  }
  // Complete hours must stay complete. So the first hour of another source is one that the broker has not
  // opened yet, even after the register has been written.
  let declared = source(await hourAfterBroker(tools, other), 0);
  for (;;) {
    declared = await writeSource(clickHouse, declared);
    const first = await hourAfterBroker(tools, other);
    if (first <= declared.firstHour) return register(tools, declared);
    declared = source(first, declared.revision);
  }
};

const register = async (
  { clickHouse }: SourceTools,
  declared: RegisteredSource,
): Promise<RegisteredSource> => {
  const { topic, epoch, firstHour, namespaces } = declared;
  await recordOperation(clickHouse, {
    kind: 'source-declared',
    subject: topic,
    detail: { epoch, firstHour, namespaces },
  });
  return declared;
};
