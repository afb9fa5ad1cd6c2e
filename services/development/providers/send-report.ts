import type { UsageProvider } from '../../provider-sdk/index.ts';
import type { Report } from './faults/report-of.ts';
import type { SpoiledRecords } from './spoiled-records.ts';
import type { Source } from '../../shared/model/source.ts';

export interface SendingPorts {
  readonly provider: Pick<UsageProvider, 'emit'>;
  readonly spoiled: Pick<SpoiledRecords, 'append'>;
  readonly source: Pick<Source, 'topic' | 'partitions' | 'hourMillis'>;
}

/** Sends a report: usage with the SDK, then the spoiled records. Resolves when the broker has all of it. */
export const sendReport =
  ({ provider, spoiled, source }: SendingPorts) =>
  async (report: Report): Promise<void> => {
    await provider.emit(report.usage);
    await spoiled.append(source, report.spoiled);
  };
