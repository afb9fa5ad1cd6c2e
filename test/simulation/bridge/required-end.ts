import { meterTerms, termsOf } from '../../../services/shared/billing/billing-terms.ts';
import { partitionName } from '../../../services/shared/model/source.ts';
import type { Hour } from '../../../services/shared/model/time.ts';
import { violated } from '../violation.ts';
import { hourName, type BridgeOracle } from './bridge-oracle.ts';
import {
  addTo,
  atStop,
  exact,
  type Amounts,
  type ExpectedHour,
  type ExpectedSource,
} from './expected-source.ts';
import { requireSame } from './require-same.ts';
import { commerceKey } from './simulated-commerce.ts';

const add = (amounts: Amounts, more: Amounts): void => {
  for (const [name, amount] of more) addTo(amounts, name, amount);
};

/** When everything is composed and sent: every quantity is at exactly one place. */
export const requireEnd = (oracle: BridgeOracle): void => {
  oracle.catchUp();
  const left = onTheWay(oracle);
  if (left !== null) violated(left);
  const unexplained = new Set(oracle.visible.commerce.held.keys());
  const inside = insideOf(oracle);
  const [used, placed]: readonly [Amounts, Amounts] = [new Map(), new Map()];
  for (const source of oracle.sources.values()) {
    for (const expected of source.hours) {
      add(used, expected.used);
      requireFates(oracle, source, expected, { placed, unexplained, inside });
    }
    for (const { resourceUri, months } of source.waiting.values()) {
      for (const [month, part] of Object.entries(months)) {
        addTo(placed, `${resourceUri.toLowerCase()} ${month}`, exact(part));
      }
    }
  }
  requireSame('the sums by resource and month', placed, used);
  for (const key of unexplained) violated(`Commerce holds what nobody submitted: ${key}`);
  requirePublished(oracle);
  requireRefused(oracle);
};

/** What must still happen by itself, although nothing is read or sent any more; null if nothing must. */
export const onTheWay = (oracle: BridgeOracle): string | null => {
  const open = oracle.visible
    .sources()
    .some(({ kind, state, namespaces }) => kind === 'live' && state === 'open' && namespaces[0]);
  if (!open) return null;
  for (const source of oracle.sources.values()) {
    const name = partitionName(source.at);
    const [waits] = source.waiting.keys();
    if (!isServing(oracle, source) && source.source.kind === 'live' && waits !== undefined) {
      return `the carry of ${waits} waits in ${name}, which serves its resource no more`;
    }
    for (const { submissionId, moves, to } of source.moved.values()) {
      const there = oracle.sources.get(partitionName(to));
      if (there?.taken.has(submissionId)) continue;
      const stop = atStop(submissionId, moves + 1);
      if (there?.stops.has(stop) || there?.moved.has(stop)) continue;
      return `the carry of ${submissionId} has left ${name}, and is not in ${partitionName(to)}`;
    }
    const held = isReleasable(oracle, source);
    if (held !== null) return held;
  }
  return null;
};

const isServing = ({ visible }: BridgeOracle, { at }: ExpectedSource): boolean => {
  const { state, namespaces } = visible.sourceOf(at);
  return state === 'open' && namespaces.length > 0;
};

/** Held usage must be released once the terms of the hour that takes it know its meter. */
const isReleasable = (oracle: BridgeOracle, source: ExpectedSource): string | null => {
  const store = oracle.visible.storeOf();
  if (source.source.kind !== 'live') return null;
  const terms = isServing(oracle, source)
    ? termsOf(store.terms, source.next as Hour)
    : store.terms.at(-1);
  const known = new Set(terms && meterTerms(terms).keys());
  for (const { hour } of source.hours) {
    for (const { decision, submissionId, meters } of store.submissionsOf(source.at, hour as Hour)) {
      if (decision !== 'held' || store.outcomes.has(submissionId)) continue;
      if (meters.every((meter) => known.has(meter.toLowerCase()))) {
        return `${submissionId} of ${hourName(source.at, hour)} is held, and its meter is known`;
      }
    }
  }
  return null;
};

/** How many compositions have the carry of a submission inside. */
const insideOf = (oracle: BridgeOracle): ReadonlyMap<string, number> => {
  const inside = new Map<string, number>();
  for (const { composition } of oracle.visible.storeOf().compositions.values()) {
    for (const { submissionId } of composition.carries) {
      const times = (inside.get(submissionId) ?? 0) + 1;
      if (times > 1) violated(`${submissionId} is carried into several compositions`);
      inside.set(submissionId, times);
    }
  }
  return inside;
};

interface Fates {
  readonly placed: Amounts;
  readonly unexplained: Set<string>;
  readonly inside: ReadonlyMap<string, number>;
}

const requireFates = (
  oracle: BridgeOracle,
  source: ExpectedSource,
  expected: ExpectedHour,
  { placed, unexplained, inside }: Fates,
): void => {
  const { at } = source;
  const { commerce } = oracle.visible;
  const store = oracle.visible.storeOf();
  const name = hourName(at, expected.hour);
  const composition = store.compositionOf(at, expected.hour as Hour);
  if (!composition) return violated(`${name} is closed, and is not composed`);
  for (const submission of store.submissionsOf(at, expected.hour as Hour)) {
    oracle.counts.fates++;
    const { submissionId, resourceUri, dimension, decision, reason, usageMonths } = submission;
    if (reason === 'served-elsewhere') oracle.counts.elsewhere++;
    const key = commerceKey(expected.hour, resourceUri, dimension);
    // What is not sent may have a namesake at Commerce, from the source that bills the resource in this hour.
    const isAtCommerce = decision === 'send' && commerce.held.has(key);
    const isCarried = source.carried.has(submissionId) || inside.has(submissionId);
    const outcome = store.outcomes.get(submissionId)?.kind ?? null;
    const what = `${submissionId} of ${name} (${decision}, ${outcome ?? 'no outcome'})`;
    if (isAtCommerce && !unexplained.delete(key)) {
      violated(`${what} is sent, and so is another one of its resource, dimension and hour`);
    }
    if (isAtCommerce && isCarried) violated(`${what} is at Commerce and carried`);
    if (isAtCommerce !== ['accepted', 'duplicate', 'mismatch'].includes(outcome ?? '')) {
      violated(`${what} is ${isAtCommerce ? '' : 'not '}at Commerce`);
    }
    if (isCarried !== (outcome === 'carried')) {
      violated(`${what} is ${isCarried ? '' : 'not '}carried`);
    }
    if (decision === 'send' && outcome === null) violated(`${what} is never sent`);
    if (isCarried) continue;
    for (const { month, quantity } of usageMonths) {
      addTo(placed, `${resourceUri.toLowerCase()} ${month}`, quantity);
    }
  }
};

/** Whatever was lost on the way, every closed hour has been composed. */
const requirePublished = ({ visible, sources }: BridgeOracle): void => {
  for (const { at, hours } of visible.publishers) {
    const known = sources.get(partitionName(at))?.hours.length ?? 0;
    if (known !== hours.length) {
      violated(
        `${partitionName(at)} has ${String(hours.length)} closed hours, and ${String(known)} are composed`,
      );
    }
  }
};

/** What expired before it was read may have been refused, or not. */
const requireRefused = ({ logs, visible }: BridgeOracle): void => {
  const found = [...visible.storeOf().refused.keys()];
  const known = new Set(found);
  const bad = logs.flatMap((log, partition) =>
    log.entries
      .filter(({ meant }) => meant.kind === 'bad')
      .map(({ record }) => ({ name: `${String(partition)} ${String(record.offset)}`, record, log }))
      .filter(({ name, record, log: { low } }) => record.offset >= low || known.has(name))
      .map(({ name }) => name),
  );
  requireSame('the refused records', found.sort(), bad.sort());
};
