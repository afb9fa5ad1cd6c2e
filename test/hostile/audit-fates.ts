import { firstBeginning } from '../../services/operations/audit/beginning.ts';
import { Recount } from '../../services/operations/audit/recount.ts';
import { SeenIds } from '../../services/operations/audit/seen-ids.ts';
import { usageReader } from '../../services/operations/audit/usage.ts';
import type { PublishedSchema } from '../../services/shared/avro/schema-directory.ts';
import type { Keyring } from '../../services/shared/model/control-record.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import type { Source, SourcePartition } from '../../services/shared/model/source.ts';
import type { Fate } from './hostile-judge.ts';

/** What the audit makes of the records of one partition, one after the other. */
export class AuditFates {
  private readonly recount: Recount;

  constructor(
    place: SourcePartition & { readonly source: Source },
    keyring: Keyring,
    schemas: readonly PublishedSchema[],
  ) {
    const { source } = place;
    const seen = new SeenIds('', Infinity); // no files: all ids stay in memory
    this.recount = new Recount(
      { place, source, keyring, schemas, read: usageReader(schemas), seen },
      firstBeginning(source, 0),
    );
  }

  of(record: LogRecord): Fate {
    const { recount } = this;
    const before = { ...recount.counts };
    recount.count([recount.judge(record)]);
    const { accepted, duplicate, deadLettered } = recount.counts;
    const code = recount.refused.at(-1)?.code;
    // What it gathers for the comparison with ClickHouse.
    recount.accepted = [];
    recount.refused = [];
    recount.closed = [];
    if (accepted > before.accepted) return 'accepted';
    if (duplicate > before.duplicate) return 'duplicate';
    return deadLettered > before.deadLettered ? (code ?? 'no code') : 'control';
  }
}
