import type { StoreMistake } from './simulated-store.ts';

/** A change to a line of the product. The text must stand in the file exactly once. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A realistic mistake, which the simulator must notice. */
export interface Mutant {
  readonly name: string;
  /** What somebody might have thought. */
  readonly mistake: string;
  readonly patches?: readonly Patch[];
  readonly store?: StoreMistake;
}

const FLUSH = 'services/aggregator/flush.ts';
const FOLD = 'services/shared/usage-fold/fold.ts';
const CHUNK = 'services/shared/usage-fold/chunk.ts';
const TIMELINE = 'services/shared/usage-fold/timeline.ts';

const PACKED_WINDOWS = 'services/shared/usage-fold/packed/packed-windows.ts';
const PACKED_FOLD = 'services/shared/usage-fold/packed/packed-fold.ts';
const OUTBOX = 'services/shared/usage-store/hour-publisher.ts';
const HYDRATE = 'services/aggregator/hydrate.ts';

const CHECKPOINT = 'await store.writeCheckpoint(last.checkpoint);';
const BEGIN = 'if (!last) return;';
const ROLL_UP = 'await store.rollUpDays(place, first.hour, last.hour);';
const PUBLISH = `  await outbox.publishClosedHours(
    place,
    hours.map((hour) => toPublish(place, hour, store)),
  );`;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'checkpoint-before-rows',
    mistake: 'the checkpoint is written first, so that progress is visible early',
    patches: [
      {
        file: FLUSH,
        find: BEGIN,
        replace: `${BEGIN}\n  ${CHECKPOINT}`,
      },
    ],
  },
  {
    name: 'increments-instead-of-totals',
    mistake: 'a flush writes what it adds to each window, and the table sums',
    store: 'increments',
  },
  {
    name: 'added-again-on-refold',
    mistake: 'an event counts in its window whether or not the stored row has it',
    patches: [
      {
        file: 'services/shared/usage-fold/packed/window-table.ts',
        find: 'if (offset <= (this.last[window] ?? 0)) return;',
        replace: 'if (offset < 0) return;',
      },
    ],
  },
  {
    name: 'skipped-up-to-last-offset',
    mistake: 'a record that the stored rows reach is skipped entirely',
    patches: [
      {
        file: CHUNK,
        find: 'nextOffset: checkpoint.nextOffset,',
        replace:
          'nextOffset: Math.max(checkpoint.nextOffset, ...[...(windows ?? [])].map((window) => window.lastOffset + 1)),',
      },
    ],
  },
  {
    name: 'skipped-where-its-row-has-it',
    mistake: 'a record that its own row has is not counted, nor written to the ledger',
    patches: [
      {
        file: FOLD,
        find: '  table.add(candidate.event.eventId, offset, candidate.digest);',
        replace:
          '  const isOf = (w) => w.usageHour === candidate.usageHour && w.meterKey === candidate.meterKey && w.resourceKey === candidate.resourceKey;\n' +
          '  if ([...state.windows.values()].some((w) => isOf(w) && w.lastOffset >= offset)) return "control";\n' +
          '  table.add(candidate.event.eventId, offset, candidate.digest);',
      },
    ],
  },
  {
    name: 'dedup-without-offsets',
    mistake: 'an id that was seen at all is a duplicate',
    patches: [
      {
        file: FOLD,
        find: 'seen !== null && seen.offset < offset',
        replace: 'seen !== null',
      },
      {
        file: PACKED_FOLD,
        find: 'seen !== NONE && table.offsetOf(seen) < offset',
        replace: 'seen !== NONE',
      },
    ],
  },
  {
    name: 'dedup-lost-on-restart',
    mistake: 'the ids are kept in memory and not read back',
    store: 'restart-forgets-ids',
  },
  {
    name: 'pinned-table-evicted',
    mistake: 'a table with ids that the ledger does not have yet may be evicted',
    patches: [
      {
        file: 'services/shared/usage-fold/event-index.ts',
        find: 'if (this.pinned.has(hour) || wanted.has(hour)) continue;',
        replace: 'if (wanted.has(hour)) continue;',
      },
    ],
  },
  {
    name: 'rules-from-configuration',
    mistake: 'records are classified by the newest rules that the process knows',
    patches: [
      {
        file: TIMELINE,
        find: "const CONTROL: Verdict = { kind: 'control' };",
        replace:
          "const CONTROL: Verdict = { kind: 'control' };\n" +
          'const configured = (place) => {\n' +
          '  const text = globalThis.simulatedRules(place);\n' +
          '  return text && activate(parseRules(text), text);\n' +
          '};',
      },
      {
        file: TIMELINE,
        find: 'classify(record, place, after.rules, after,',
        replace: 'classify(record, place, configured(place) ?? after.rules, after,',
      },
    ],
  },
  {
    name: 'row-snapshot-later-than-ledger',
    mistake: 'rows are read from the fold when they are written, not when the chunk is cut',
    patches: [
      {
        file: CHUNK,
        find: 'const windows = state.windows.takeTouched();',
        replace:
          'const keyOf = (w) => [w.usageHour, w.subscriptionKey, w.meterKey, w.resourceKey].join();\n' +
          '  const taken = new Set([...state.windows.takeTouched()].map(keyOf));\n' +
          '  const kept = state.windows;\n' +
          '  const windows = {\n' +
          '    length: taken.size,\n' +
          '    *[Symbol.iterator]() { for (const w of kept.values()) if (taken.has(keyOf(w))) yield w; },\n' +
          '  };',
      },
    ],
  },
  {
    name: 'last-flush-before-close-forgotten',
    mistake: 'the open hour closes without a cut, and its last rows are not written',
    patches: [
      {
        file: FOLD,
        find: 'state.pending.ledger.length > 0 && step.after.openHour !== state.timeline.openHour',
        replace:
          'state.pending.ledger.length < 0 && step.after.openHour !== state.timeline.openHour',
      },
      {
        file: FOLD,
        find: 'if (state.windows.touchedCount > 0) {',
        replace: 'if (state.windows.touchedCount < 0) {',
      },
    ],
  },
  {
    name: 'daily-after-checkpoint',
    mistake: 'the days are refreshed when everything else is done',
    patches: [
      { file: FLUSH, find: ROLL_UP, replace: '' },
      {
        file: FLUSH,
        find: CHECKPOINT,
        replace:
          `${CHECKPOINT}\n  const used = chunks.flatMap(({ closed }) => closed).filter(({ windows }) => windows?.length !== 0);\n` +
          '  if (used.length > 0) await store.rollUpDays(place, used[0].hour, used.at(-1).hour);',
      },
    ],
  },
  {
    name: 'published-after-checkpoint',
    mistake: 'closed hours are published when everything else is done',
    patches: [
      { file: FLUSH, find: PUBLISH, replace: '' },
      {
        file: FLUSH,
        find: CHECKPOINT,
        replace:
          `${CHECKPOINT}\n  const hours = chunks.flatMap(({ closed }) => closed);\n` +
          `  if (hours.length > 0) {\n  ${PUBLISH}\n  }`,
      },
    ],
  },
  {
    name: 'dead-letters-after-checkpoint',
    mistake: 'dead letters are written when everything else is done',
    patches: [
      { file: FLUSH, find: 'await store.writeDeadLetters(place, refused);', replace: '' },
      {
        file: FLUSH,
        find: CHECKPOINT,
        replace: `${CHECKPOINT}\n  if (refused.length > 0) await store.writeDeadLetters(place, refused);`,
      },
    ],
  },
  {
    name: 'rows-before-ledger',
    mistake: 'windows are written before the ids that they count',
    patches: [
      { file: FLUSH, find: 'await store.writeWindows(place, touched);', replace: '' },
      {
        file: FLUSH,
        find: BEGIN,
        replace: `${BEGIN}\n  await store.writeWindows(place, chunks);`,
      },
    ],
  },
  {
    name: 'months-in-one-insert',
    mistake: 'the ledger of several months is written by one insert, as if that were one block',
    patches: [
      {
        file: FLUSH,
        find: 'inMonths(chunks.filter(({ ledger }) => ledger.length > 0))',
        replace: '[chunks.filter(({ ledger }) => ledger.length > 0)]',
      },
    ],
  },
  {
    name: 'checkpoint-before-last-hour',
    mistake: 'the checkpoint of hours that are stored together does not wait for the last of them',
    patches: [
      {
        file: FLUSH,
        find: 'const touched = chunks.filter(',
        replace: 'const touched = (chunks.length > 1 ? chunks.slice(0, -1) : chunks).filter(',
      },
      {
        file: FLUSH,
        find: CHECKPOINT,
        replace: `${CHECKPOINT}\n  if (chunks.length > 1) await store.writeWindows(place, [last]);`,
      },
    ],
  },
  {
    name: 'day-without-its-last-hour',
    mistake:
      'a day is rolled up when its first hour closes, before the windows of its later hours are written',
    patches: [
      {
        file: FLUSH,
        find: 'if (touched.length > 0) {',
        replace:
          'const early = chunks.flatMap(({ closed }) => closed).filter(({ windows }) => windows?.length !== 0);\n' +
          '  if (early.length > 0) await store.rollUpDays(place, early[0].hour, early.at(-1).hour);\n' +
          '  if (touched.length > 0) {',
      },
      { file: FLUSH, find: ROLL_UP, replace: '' },
    ],
  },
  {
    name: 'day-from-its-last-hour',
    mistake:
      'of hours that close together only the last one is looked at for what has changed in its day',
    patches: [
      {
        file: FLUSH,
        find: ROLL_UP,
        replace: 'await store.rollUpDays(place, last.hour, last.hour);',
      },
    ],
  },
  {
    name: 'acknowledged-before-it-is-stored',
    mistake: 'ids of an hour that waits to be stored may leave the memory',
    patches: [
      {
        file: 'services/aggregator/flusher.ts',
        find: 'this.waiting.push(chunk);',
        replace: 'this.waiting.push(chunk);\n    this.folder.acknowledged(this.folder.cutOff());',
      },
    ],
  },
  {
    name: 'table-taken-for-unused',
    mistake:
      'a usage hour later than any before has no ids, also after its table has left the memory',
    patches: [
      {
        file: 'services/shared/usage-fold/unused-hours.ts',
        find: 'this.taken.has(hour) || ',
        replace: '',
      },
    ],
  },
  {
    name: 'tick-counted-as-event',
    mistake: 'every record that is not refused is an accepted event',
    patches: [
      {
        file: FOLD,
        find: "else outcome = 'control';",
        replace:
          "else outcome = record.headers['usage-control'] === 'tick' ? 'accepted' : 'control';",
      },
    ],
  },
  {
    name: 'watermark-not-monotone',
    mistake: "the reported time is the record's own timestamp",
    patches: [
      {
        file: TIMELINE,
        find: 'timestamp <= timeline.watermark',
        replace: 'timestamp === timeline.watermark',
      },
    ],
  },
  {
    name: 'dead-letters-do-not-move-time',
    mistake: 'the running maximum is over accepted events only',
    patches: [
      {
        file: TIMELINE,
        find: '  return { record, after, verdict: classified };',
        replace:
          "  return { record, after: classified.kind === 'candidate' ? after : timeline, verdict: classified };",
      },
    ],
  },
  {
    name: 'gaps-not-counted',
    mistake: 'offsets without a record count as nothing',
    patches: [
      {
        file: FOLD,
        find: 'add(state.counts, outcome, record.offset - state.nextOffset)',
        replace: 'add(state.counts, outcome, 0)',
      },
    ],
  },
  {
    name: 'empty-hours-not-published',
    mistake: 'an hour without usage needs no closed marker',
    patches: [
      {
        file: FOLD,
        find: 'closed.push({ hour, windows: [] });',
        replace: '',
      },
    ],
  },
  {
    name: 'marker-before-aggregates',
    mistake: 'the closed marker does not wait for the aggregates of its hour',
    patches: [
      { file: OUTBOX, find: 'records.push(this.markerRecord(place, hour, marker));', replace: '' },
      {
        file: OUTBOX,
        find: 'for await (const part of windows()) {',
        replace: 'const early: Buffer[] = [];\n      for await (const part of windows()) {',
      },
      {
        file: OUTBOX,
        find: 'add(publication.add(part));',
        replace: 'early.push(...publication.add(part));',
      },
      {
        file: OUTBOX,
        find: 'add(rest);',
        replace:
          'records.push(this.markerRecord(place, hour, marker));\n      add([...early, ...rest]);',
      },
    ],
  },
  {
    name: 'rules-forgotten-on-restart',
    mistake: 'rules hold for the lifetime of a process and are not in the checkpoint',
    patches: [
      {
        file: CHUNK,
        find: "rules: rules && activate(rules, checkpoint.rules ?? ''),",
        replace: 'rules: null,',
      },
    ],
  },
  {
    name: 'floor-forgotten-on-restart',
    mistake: 'the floor of a trimmed ledger is not in the checkpoint',
    patches: [{ file: CHUNK, find: 'floor: checkpoint.floor,', replace: 'floor: null,' }],
  },
  {
    name: 'resumed-without-open-windows',
    mistake: 'the open windows begin at zero after a restart',
    patches: [
      {
        file: HYDRATE,
        find: 'resume(place, checkpoint, windows, knowledge, PACKED)',
        replace: 'resume(place, checkpoint, [], knowledge, PACKED)',
      },
    ],
  },
  {
    name: 'evicted-window-begins-anew',
    mistake: 'a window that left the memory is not read again before its next event',
    patches: [
      {
        file: PACKED_WINDOWS,
        find: 'if (this.whole) return [];',
        replace: 'if (this.size >= 0) return [];',
      },
      {
        file: PACKED_WINDOWS,
        find: 'return this.whole || this.requested',
        replace: 'return this.size >= 0 || this.requested',
      },
    ],
  },
  {
    name: 'evicted-windows-not-published',
    mistake: 'a closed hour is published from the windows that are in memory',
    patches: [
      {
        file: PACKED_WINDOWS,
        find: 'return this.whole ? this : null;',
        replace: 'return this;',
      },
    ],
  },
  {
    name: 'log-not-recognised',
    mistake: 'reading goes on in whatever log has the offset',
    patches: [
      {
        file: 'services/shared/kafka/log-recognition.ts',
        find: 'if (recordDigest(again) !== lastRecord.digest) return otherRecord(lastRecord.offset);',
        replace: '',
      },
    ],
  },
  {
    name: 'last-writer-wins',
    mistake: 'a window row replaces the one before, whatever it covers',
    store: 'last-writer-wins',
  },
  {
    name: 'checkpoint-goes-back',
    mistake: 'a checkpoint replaces the one before, whatever it covers',
    store: 'checkpoint-goes-back',
  },
  {
    name: 'epoch-missing-in-checkpoint-key',
    mistake: 'a checkpoint is kept by topic and partition',
    store: 'checkpoints-without-epoch',
  },
  {
    name: 'epoch-missing-in-ledger-key',
    mistake: 'the ledger is kept by topic and partition',
    store: 'ledger-without-epoch',
  },
  {
    name: 'epoch-missing-in-dead-letter-key',
    mistake: 'dead letters are kept by topic, partition and offset',
    store: 'dead-letters-without-epoch',
  },
  {
    name: 'earlier-epochs-forgotten',
    mistake: 'deduplication begins anew with each epoch of a topic',
    store: 'earlier-epochs-forgotten',
  },
  {
    name: 'series-counted-unjudged',
    mistake: 'an interned series is counted without having been judged itself',
    patches: [
      {
        file: 'services/shared/usage-fold/packed/judged-series.ts',
        find: 'if (!this.isFit(event, rules)) return NONE;',
        replace: '',
      },
    ],
  },
  {
    name: 'table-used-after-it-left',
    mistake: 'a table of ids is kept at hand, whether or not it is still in the index',
    patches: [{ file: PACKED_FOLD, find: 'this.table = null; // it may', replace: '// it may' }],
  },
  {
    name: 'limb-carry-lost',
    mistake: 'the words of a quantity are added each for itself',
    patches: [
      {
        file: 'services/shared/usage-fold/packed/limbs.ts',
        find: 'carry = sum > 0xffffffff ? 1 : 0;',
        replace: 'carry = 0;',
      },
    ],
  },
  {
    name: 'ids-forgotten-while-their-index-grows',
    mistake: 'an id is looked up in the new index only, although it has not moved there yet',
    patches: [
      {
        // Tables of a few ids grow as large ones do, and logs are short here.
        file: 'services/shared/usage-fold/event-table.ts',
        find: 'const FIRST_IDS = 32;',
        replace: 'const FIRST_IDS = 2;',
      },
      {
        file: 'services/shared/usage-fold/event-table.ts',
        find: 'const MOVES = 16;',
        replace: 'const MOVES = 2;',
      },
      {
        file: 'services/shared/usage-fold/event-table.ts',
        find: 'return entry !== NONE || this.before === null',
        replace: 'return entry !== NONE || this.taken >= 0',
      },
    ],
  },
  {
    name: 'texts-of-the-last-event-taken',
    mistake: 'an event gets the attributes of the last one of its series, whatever it says itself',
    patches: [
      {
        file: 'services/shared/usage-fold/packed/found-texts.ts',
        find: 'if (this.entry === NONE || !table.is(this.entry, source, attributes)) {',
        replace: 'if (this.entry === NONE) {',
      },
    ],
  },
  {
    name: 'window-of-the-last-event-taken',
    mistake: 'an event counts in the window of the last one of its series, whatever its usage hour',
    patches: [
      {
        file: 'services/shared/usage-fold/packed/window-table.ts',
        find: 'if (recent !== NONE && this.hours[recent] === usageHour) return recent;',
        replace: 'if (recent !== NONE) return recent;',
      },
    ],
  },
  {
    name: 'plain-records-do-not-move-time',
    mistake: 'records that are folded from their bytes do not move the reported time',
    patches: [
      {
        file: PACKED_FOLD,
        find: 'if (watermark !== timeline.watermark) {',
        replace: 'if (watermark < 0) {',
      },
    ],
  },
];
