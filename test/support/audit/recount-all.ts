import { audit } from '../../../services/operations/audit/audit.ts';
import type { AuditReport } from '../../../services/operations/audit/audit-report.ts';
import type { SourceTools } from '../../../services/shared/sources/source-opening.ts';
import type { TestStack } from '../test-stack.ts';

interface Options {
  readonly topic?: string | null;
  readonly limit?: number;
  readonly billing?: boolean;
}

/** Audits what a test has, with so little memory for ids that most of them have to wait in files. */
export const recountAll = (
  { clickHouse, kafka, keyring }: Pick<TestStack, 'clickHouse' | 'kafka' | 'keyring'>,
  { admin }: Pick<SourceTools, 'admin'>,
  { topic = null, limit = 100, billing = true }: Options = {},
): Promise<AuditReport> =>
  audit(
    { clickHouse, kafka, admin, keyring },
    { topic, limit, billing, maxIdBytes: 64 * 1024, onProgress: () => undefined },
  );

/** What was found, in short. */
export const foundIn = ({ first }: AuditReport): readonly string[] =>
  first.map(({ kind, problem }) => `${kind}: ${problem}`);
