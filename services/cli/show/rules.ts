import type { Rules } from '../../shared/model/rules.ts';

interface Named {
  readonly id: string | number;
  readonly fingerprint: string;
}

/** The ids of items that are new or have changed their meaning. */
const come = (before: readonly Named[], after: readonly Named[]): string =>
  after
    .filter(
      ({ id, fingerprint }) => !before.some((b) => b.id === id && b.fingerprint === fingerprint),
    )
    .map(({ id }) => String(id))
    .join(', ');

/**
 * What an operator has to do after these rules were written to the log, one sentence each. While they run,
 * aggregators read rules from the log and schemas from their directory. Keys and code are fixed when they
 * start.
 */
export const consequencesOf = (before: Rules | null, after: Rules): readonly string[] => {
  const schemas = come(before?.schemas ?? [], after.schemas);
  const keys = before === null ? '' : come(before.controlKeys, after.controlKeys);
  const { foldVersion } = after;
  return [
    ...(schemas === ''
      ? []
      : [`Aggregators whose schema directory has schema id ${schemas} take it up by themselves.`]),
    ...(keys === ''
      ? []
      : [
          `Restart every aggregator and bridge that does not have key ${keys} in USAGE_CONTROL_KEYS: it reads its keys when it starts. ` +
            'Until then its partitions halt as unknown-rules; nothing is lost.',
        ]),
    ...(before === null || before.foldVersion === foldVersion
      ? []
      : [
          `Restart every aggregator with this version, which has fold version ${String(foldVersion)}. ` +
            'Until then its partitions halt as unknown-rules; nothing is lost.',
        ]),
    'The rules apply to records after them in the log: dead letters that they accept can be redriven now.',
  ];
};
