import { nextHour, type Hour } from '../../shared/model/time.ts';
import { takenUpBy } from '../../shared/model/source.ts';
import { readSources, writeSource, type RegisteredSource } from '../../shared/sources/register.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { hourAfterBroker } from './broker-hour.ts';

/**
 * Notes in the register which namespaces an open live source serves from now on. It bills those that are new from an
 * hour on that the broker has not opened yet, even after the register has been written: no hour that may be composed is
 * billed by another topic than before.
 */
export const changeNamespaces = async (
  tools: SourceTools,
  source: RegisteredSource,
  namespaces: readonly string[],
): Promise<RegisteredSource> => {
  const before = takenUpBy(source);
  const gained = namespaces.filter((name) => !source.namespaces.includes(name));
  const { clickHouse } = tools;
  if (gained.length === 0)
    return writeSource(clickHouse, { ...source, namespaces, takenUp: before });
  const free = freeFrom(await readSources(clickHouse), gained);
  let { revision } = source;
  for (;;) {
    const from = Math.max(await hourAfterBroker(tools, source), free) as Hour;
    const takenUp = [...before, ...gained.map((namespace) => ({ namespace, from }))];
    const written = await writeSource(clickHouse, { ...source, namespaces, takenUp, revision });
    if ((await hourAfterBroker(tools, source)) <= from) return written;
    ({ revision } = written);
  }
};

/** The first hour from which no topic has taken up any of these namespaces yet: two cannot do so in the same hour. */
export const freeFrom = (
  sources: readonly RegisteredSource[],
  namespaces: readonly string[],
): Hour =>
  Math.max(
    0,
    ...sources
      .filter(({ kind }) => kind === 'live')
      .flatMap((source) =>
        takenUpBy(source)
          .filter(({ namespace }) => namespaces.includes(namespace))
          .map(({ from }) => nextHour(from, source.hourMillis)),
      ),
  ) as Hour;
