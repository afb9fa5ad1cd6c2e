import type { RangeExport } from '../../operations/exports/export-range.ts';
import { notCoveredText } from '../../operations/exports/hour-spans.ts';
import type { IncrementalExport } from '../../operations/exports/incremental.ts';
import type { Tally } from '../../operations/exports/tally.ts';
import { unwrittenTexts } from '../../shared/sources/restated-hours.ts';
import { isoText } from '../../shared/model/time.ts';
import { printable } from '../../shared/terminal/printable.ts';

const plural = (count: number, one: string): string =>
  `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;

const unratedLines = ({ unrated }: Tally): readonly string[] =>
  [...unrated].map(
    ([meterKey, rows]) =>
      `No rate for meter ${printable(meterKey)} (${plural(rows, 'row')}): add it to the rate file.`,
  );

export const formatRange = ({ tally, range }: RangeExport, output: string): string =>
  [
    `Wrote ${output}: ${plural(tally.rows, 'row')}, reported from ${isoText(range.from)} to ${isoText(range.to)} (end not included).`,
    ...(range.notCovered.length === 0 ? [] : [notCoveredText(range.notCovered)]),
    ...unratedLines(tally),
  ].join('\n');

export const formatIncremental = (
  { tally, files, exported, changed, waiting }: IncrementalExport,
  directory: string,
  hourMillis: number,
): string => {
  const last = exported.at(-1);
  return [
    `Wrote ${plural(files.length, 'file')} with ${plural(tally.rows, 'row')} to ${directory}.` +
      (last === undefined ? '' : ` Exported up to ${isoText(last.to)} (end not included).`),
    ...unratedLines(tally),
    ...changed.map(
      (hour) =>
        `The reported hour from ${isoText(hour)} changed after its file was exported (it was restated, or a history run was added): take its file back, and write it again with --rewrite-restated.`,
    ),
    ...unwrittenTexts(waiting, hourMillis),
  ].join('\n');
};
