import { knowledge, minute, placeOf, rulesOf } from '../../../test/support/fold/fixtures.ts';
import { BAD_RECORD_CODES, type BadKind } from '../../../test/support/workload/emission.ts';
import { generateWorkload } from '../../../test/support/workload/generate-workload.ts';
import { serializeRules } from '../model/rules.ts';
import { classify } from './classify.ts';
import { activate } from './knowledge.ts';

const REPORTED = minute(30);
const place = placeOf();
const rules = activate(rulesOf(), serializeRules(rulesOf()));

test('each kind of bad record that workloads have gets its code', () => {
  const source = { ...place.source, partitions: 3 };
  const seen = new Set<string>();
  const kinds = Object.keys(BAD_RECORD_CODES) as BadKind[];
  const workload = generateWorkload({
    seed: 5,
    events: 3_000,
    tenants: 3,
    resourcesPerTenant: 4,
    topics: [source],
    reportedFrom: REPORTED,
    reportedTo: REPORTED,
    shares: Object.fromEntries(kinds.map((kind) => [kind, 1])),
  });
  for (const emission of workload) {
    const { intent, kind, partition } = emission;
    if (intent.kind === 'event' || intent.code === 'forged-control') continue;
    const at = { ...place, partition, source };
    const record = { ...emission, offset: 1, timestamp: REPORTED };
    const verdict = classify(record, at, rules, { watermark: REPORTED, floor: null }, knowledge);
    const code = verdict.kind === 'dead-letter' ? verdict.code : verdict.kind;
    if (code !== intent.code) expect({ kind, verdict }).toBe(intent.code);
    seen.add(kind);
  }
  expect([...seen].sort()).toEqual(kinds.filter((kind) => kind !== 'forged-control').sort());
});
