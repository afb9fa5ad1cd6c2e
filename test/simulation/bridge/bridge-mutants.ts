import type { Mutant } from '../mutants.ts';

const LOG_WORKER = 'services/bridge/log-worker.ts';
const FOLD = 'services/bridge/fold/bridge-fold.ts';
const PROGRESS = 'services/bridge/fold/source-progress.ts';
const OPEN_HOUR = 'services/bridge/fold/open-hour.ts';
const COMPOSE = 'services/bridge/fold/compose.ts';
const FLUSH = 'services/bridge/flush.ts';
const LOOK_UP = 'services/bridge/look-up.ts';
const OUTCOME = 'services/shared/billing/outcome.ts';

const KEEPER = 'services/bridge/carry-keeper.ts';
const RECOVER = 'services/bridge/recover-lost.ts';
const CARRY_UNBILLED = 'services/operations/carries/carry-unbilled.ts';
const PLAN = 'services/operations/carries/plan-carries.ts';
const CIRCUIT = 'services/bridge/commerce/circuit.ts';
const SENDER = 'services/bridge/sender.ts';

const CHECKPOINT = '  await store.writeCheckpoint(partition, chunk.checkpoint);';

/** Realistic mistakes in the bridge, which its simulator must notice. */
export const BRIDGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'recomposed-after-a-crash',
    mistake: 'an hour that is composed is composed again when its records are read again',
    patches: [
      {
        file: PROGRESS,
        find: 'composedThrough: before?.composedThrough ?? source.firstHour,',
        replace: 'composedThrough: source.firstHour,',
      },
    ],
  },
  {
    name: 'composed-at-a-republished-marker',
    mistake: 'of several markers of an hour that fit, the last one counts',
    patches: [
      { file: OPEN_HOUR, find: 'if (this.matched) return true;', replace: '' },
      {
        file: OPEN_HOUR,
        find: '    this.first.clear();\n    this.latest.clear();\n',
        replace: '',
      },
    ],
  },
  {
    name: 'marker-before-its-count-is-there',
    mistake: 'a marker closes its hour with what has arrived by then',
    patches: [
      {
        file: OPEN_HOUR,
        find: 'each !== null && digestOf(each) === marker.digest',
        replace: 'each !== null',
      },
      {
        file: OPEN_HOUR,
        find: 'if (!found) return null;',
        replace: 'if (!found) continue;',
      },
    ],
  },
  {
    name: 'first-bytes-only',
    mistake: 'an hour that is published again with other bytes never closes',
    patches: [
      {
        file: OPEN_HOUR,
        find: '[this.first, this.latest, this.sinceMarker ?? this.latest]',
        replace: '[this.first]',
      },
    ],
  },
  {
    name: 'carried-ids-lost-on-restart',
    mistake: 'which carries are composed is known in memory only',
    patches: [{ file: PROGRESS, find: 'new Set(before?.carried)', replace: 'new Set()' }],
  },
  {
    name: 'carried-twice-from-two-bridges',
    mistake: 'each carry record counts',
    patches: [
      {
        file: FOLD,
        find: 'if (carried.has(submissionId) || carries.has(submissionId)) return;',
        replace: 'if (carries.has(submissionId)) return;',
      },
    ],
  },
  {
    name: 'carried-without-looking',
    mistake: 'what Commerce calls expired has never been accepted',
    patches: [
      {
        file: LOOK_UP,
        find: 'if (holding.value !== null) {',
        replace: "if (holding.value !== null && said !== 'expired') {",
      },
    ],
  },
  {
    name: 'outcome-before-its-carry',
    mistake: 'what is to be carried counts as carried before its carry is in the log',
    patches: [
      {
        file: LOOK_UP,
        find: 'if (carries.length > 0) {',
        replace: 'if (carries.length > 1) {',
      },
    ],
  },
  {
    name: 'doubles-compared-as-decimals',
    mistake: 'Commerce keeps every digit',
    patches: [
      {
        file: OUTCOME,
        find: 'if (isSameDouble(quantity, acceptedQuantity)) {',
        replace: 'if (formatQuantity(quantity) === String(acceptedQuantity)) {',
      },
    ],
  },
  {
    name: 'duplicate-is-done',
    mistake: 'what Commerce holds already is ours',
    patches: [
      {
        file: OUTCOME,
        find: 'if (isSameDouble(quantity, acceptedQuantity)) {',
        replace: "if (kind === 'duplicate' || isSameDouble(quantity, acceptedQuantity)) {",
      },
    ],
  },
  {
    name: 'carry-loses-its-month',
    mistake: 'a carried quantity was used in the month of the hour that takes it',
    patches: [
      {
        file: COMPOSE,
        find: '    add(group, carry.meters, carry);',
        replace:
          '    add(group, carry.meters, { quantity: carry.quantity, months: [{ month: isoText(due.hour).slice(0, 7), quantity: carry.quantity }] });',
      },
    ],
  },
  {
    name: 'committed-past-a-pending-item',
    mistake: 'what is composed is done',
    patches: [
      {
        file: LOG_WORKER,
        find: 'for (const { firstOffset } of this.unfinished) offset = Math.min(offset, firstOffset);',
        replace: '',
      },
    ],
  },
  {
    name: 'checkpoint-first',
    mistake: 'the checkpoint is written before the compositions',
    patches: [
      {
        file: FLUSH,
        find: '  if (chunk.refused.length > 0) await',
        replace: `${CHECKPOINT}\n  if (chunk.refused.length > 0) await`,
      },
    ],
  },
  {
    name: 'compositions-before-submissions',
    mistake: 'a composition counts before its submissions are written',
    patches: [
      {
        file: FLUSH,
        find: '    await store.writeSubmissions(compositions);\n    await store.writeCompositions(partition, compositions);',
        replace:
          '    await store.writeCompositions(partition, compositions);\n    await store.writeSubmissions(compositions);',
      },
    ],
  },
  {
    name: 'resumed-where-reading-ended',
    mistake: 'open hours and waiting carries need not be read again',
    patches: [
      {
        file: FOLD,
        find: 'resume = Math.min(resume, neededFrom(progress) ?? resume);',
        replace: 'neededFrom(progress);',
      },
    ],
  },
  {
    name: 'waiting-carries-not-read-again',
    mistake: 'a waiting carry need not be read again after a restart',
    patches: [
      {
        file: PROGRESS,
        find: 'for (const { offset } of carries.values()) needed = Math.min(needed, offset);',
        replace: '',
      },
    ],
  },
  {
    name: 'hours-in-any-order',
    mistake: 'an hour is composed as soon as it closes, also before an earlier one',
    patches: [
      {
        file: PROGRESS,
        find: 'const next = hours.get(composedThrough);',
        replace:
          'for (const [hour, each] of hours) if (each.closed) progress.composedThrough = hour;\n  const next = hours.get(progress.composedThrough);',
      },
    ],
  },
  {
    name: 'history-hour-by-hour',
    mistake: 'the hours of a history run are composed as they close',
    patches: [
      {
        file: PROGRESS,
        find: 'if (lastHour !== null && composedThrough <= lastHour && !hours.get(lastHour)?.closed) return null;',
        replace: '',
      },
    ],
  },
  {
    name: 'carries-in-every-hour',
    mistake: 'the carries of several hours that become due at once go into each of them',
    patches: [{ file: FOLD, find: '    progress.carries.clear();\n', replace: '' }],
  },
  {
    name: 'newest-terms',
    mistake: 'every hour is composed by the newest terms',
    patches: [
      {
        file: 'services/bridge/compose-due.ts',
        find: 'const found = termsOf(terms, hour);',
        replace: 'const found = terms.at(-1);',
      },
    ],
  },
  {
    name: 'meters-each-by-itself',
    mistake: 'meters of one dimension are submitted each by itself',
    patches: [
      {
        file: COMPOSE,
        find: 'const key = `${resourceKey(resourceUri)}\\0${asciiLower(target.dimension)}`;',
        replace:
          'const key = `${resourceKey(resourceUri)}\\0${asciiLower(target.dimension)}\\0${String(this.groups.size)}`;',
      },
    ],
  },
  {
    name: 'moved-without-its-origin',
    mistake: 'a moved carry is of the place to which it is moved',
    patches: [
      {
        file: PROGRESS,
        find: '  moves: carry.moves + 1,\n',
        replace: '  moves: carry.moves + 1,\n  from: { ...carry.from, ...to },\n',
      },
    ],
  },
  {
    name: 'released-before-its-carry',
    mistake: 'held usage counts as released before its carry is in the log',
    patches: [
      {
        file: KEEPER,
        find: "    await persist('append carries', () =>",
        replace:
          "    await store.writeOutcomes(released.map((each) => outcomeOf(each, 'carried', { code: 'released' }))).catch(() => undefined);\n" +
          "    await persist('append carries', () =>",
      },
    ],
  },
  {
    name: 'released-while-its-meter-is-unknown',
    mistake: 'held usage is released without a look at the terms',
    patches: [
      {
        file: KEEPER,
        find: 'if (isKnown) released.push(pending);',
        replace: 'if (isKnown || true) released.push(pending);',
      },
    ],
  },
  {
    name: 'never-released',
    mistake: 'held usage is looked at once',
    patches: [
      {
        file: KEEPER,
        find: "if (isNew || submissions.some(({ decision }) => decision === 'held')) this.mayRelease = true;",
        replace: '',
      },
      { file: KEEPER, find: 'this.lookAgainAt = now() + LOOK_AGAIN_MILLIS;', replace: '' },
    ],
  },
  {
    name: 'resubmitted-before-its-carry',
    mistake: 'outcomes of a command are recorded before its carries are in the log',
    patches: [
      {
        file: CARRY_UNBILLED,
        find: '  await log.appendCarries(',
        replace:
          '  await ports.writeOutcomes(settled.map((each) => outcomeFor(each, why, reason)));\n' +
          '  await log.appendCarries(',
      },
    ],
  },
  {
    name: 'lost-hours-not-published-again',
    mistake: 'the last closed hour is still in the log',
    patches: [
      {
        file: RECOVER,
        find: 'if (hours.length > 0)',
        replace: 'if (hours.pop(), hours.length > 0)',
      },
    ],
  },
  {
    name: 'circuit-never-closes',
    mistake: 'failures are counted from the start',
    patches: [
      {
        file: CIRCUIT,
        find: '    this.failures = 0;\n    this.pauses = 0;',
        replace: '    this.pauses = 0;',
      },
    ],
  },
  {
    name: 'half-open-lets-all-through',
    mistake: 'when a pause is over, everything that waits is tried',
    patches: [
      { file: CIRCUIT, find: "if (this.state === 'open') this.probe = begun;", replace: '' },
    ],
  },
  {
    name: 'batch-lost-when-the-circuit-opens',
    mistake: 'a batch of which no pause begins is with another request',
    patches: [
      {
        file: SENDER,
        find: '      this.queue.putBack(batch);\n      return;',
        replace: '      if (pause !== null) this.queue.putBack(batch);\n      return;',
      },
    ],
  },
  {
    name: 'moving-not-read-again',
    mistake: 'a restart need not read again what was about to move',
    patches: [
      {
        file: PROGRESS,
        find: 'for (const { offset } of moving.values()) needed = Math.min(needed, offset);',
        replace: '',
      },
    ],
  },
  {
    name: 'noted-before-the-log-says-so',
    mistake: 'who asks for a move knows where the carry goes, also if another bridge was first',
    patches: [
      {
        file: KEEPER,
        find: "    await this.ports.persist('append moves', () => this.ports.outbox.appendMoves(moves));",
        replace:
          "    await this.ports.persist('record moves', () =>\n" +
          '      this.ports.store.writeMoves(this.partition, moves.map((move) => ({ ...carries.get(move.submissionId), ...move }))),\n' +
          '    );\n' +
          "    await this.ports.persist('append moves', () => this.ports.outbox.appendMoves(moves));",
      },
    ],
  },
  {
    name: 'came-back-and-lost',
    mistake: 'a carry that comes back to where it was is the one that left',
    patches: [
      {
        file: PROGRESS,
        find: '`${submissionId}#${String(moves)}`',
        replace: '`${submissionId}#${String(moves - moves)}`',
      },
    ],
  },
  {
    name: 'asked-to-move-once',
    mistake: 'a carry is asked to move once, however often it comes back',
    patches: [
      {
        file: KEEPER,
        find: 'if (this.asked.has(stopOf(carry))) continue;',
        replace: 'if (this.asked.has(stopOf({ ...carry, moves: 0 }))) continue;',
      },
    ],
  },
  {
    name: 'released-twice',
    mistake: 'what a person releases counts, also if the bridge released it',
    patches: [
      {
        file: FOLD,
        find: 'if (carried.has(submissionId) || carries.has(submissionId)) return;',
        replace:
          "if (carry.reason !== 'released' && (carried.has(submissionId) || carries.has(submissionId))) return;",
      },
    ],
  },
  {
    name: 'held-of-an-ended-epoch',
    mistake: 'held usage of an epoch that has ended waits for the next hour of it',
    patches: [
      {
        file: KEEPER,
        find: "target.kind === 'here'\n          ? ",
        replace: "target.kind !== 'nowhere'\n          ? ",
      },
    ],
  },
  {
    name: 'two-sources-submit-one-hour',
    mistake: 'whoever has usage or a carry of a resource submits it',
    patches: [
      {
        file: COMPOSE,
        find: "return bills(namespaceOf(resourceUri) ?? '')",
        replace: "return bills('') || namespaceOf(resourceUri) !== ''",
      },
    ],
  },
  {
    name: 'billed-by-who-serves-it-now',
    mistake: 'an hour is billed by the source that serves the resource when it is composed',
    patches: [
      {
        file: 'services/shared/billing/owner.ts',
        find: '(ownerOf(sources, namespace, hour) ?? own.topic)',
        replace: '(ownerOf(sources, namespace, Infinity) ?? own.topic)',
      },
    ],
  },
  {
    name: 'composed-by-the-register-of-before',
    mistake: 'an hour is composed by the register as a bridge last happened to read it',
    patches: [
      {
        file: LOG_WORKER,
        find: 'Promise.all([store.terms(), register.refresh()])',
        replace: 'Promise.all([store.terms(), [...register.known.values()]])',
      },
    ],
  },
  {
    name: 'lost-carries-not-appended-again',
    mistake: 'carries that waited in a log are still in it when it has lost records',
    patches: [
      {
        file: RECOVER,
        find: '  await outbox.appendMoved(carries);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'moved-to-where-each-bridge-thinks',
    mistake: 'who asks for a move appends the carry at once, at the place that it knows',
    patches: [
      {
        file: KEEPER,
        find: 'for (const stop of stops) this.asked.add(stop);',
        replace:
          'for (const stop of stops) this.asked.add(stop);\n' +
          '    await this.ports.outbox.appendMoved(moves.map(({ submissionId, to }) => {\n' +
          '      const { offset: _, ...carry } = carries.get(submissionId);\n' +
          '      return { ...carry, ...to, moves: carry.moves + 1 };\n' +
          '    }));',
      },
    ],
  },
  {
    name: 'moved-and-composed',
    mistake: 'a carry that is moved away waits here, too',
    patches: [{ file: FOLD, find: '      progress.carries.delete(submissionId);\n', replace: '' }],
  },
  {
    name: 'moved-after-it-is-composed',
    mistake: 'a move counts whether its carry waits or is composed',
    patches: [
      {
        file: FOLD,
        find: '    for (const { submissionId } of carries) progress.carried.add(submissionId);\n    progress.carries.clear();',
        replace:
          '    for (const { submissionId } of carries) progress.carried.add(submissionId);\n' +
          '    progress.gone = new Map([...(progress.gone ?? []), ...progress.carries]);\n' +
          '    progress.carries.clear();',
      },
      {
        file: FOLD,
        find: 'const waiting = progress.carries.get(submissionId);',
        replace:
          'const waiting = progress.carries.get(submissionId) ?? progress.gone?.get(submissionId);',
      },
    ],
  },
  {
    name: 'moved-away-forgotten',
    mistake: 'a carry that was moved away may wait again',
    patches: [{ file: FOLD, find: '      progress.carried.add(stopOf(waiting));\n', replace: '' }],
  },
  {
    name: 'resubmitted-without-looking',
    mistake: 'what is a dead letter was never accepted',
    patches: [
      {
        file: PLAN,
        find: 'const holding = held.get(holdingKey(hour, resourceUri, dimension));',
        replace: 'const holding = null;',
      },
    ],
  },
  {
    name: 'pass-never-given-back',
    mistake: 'a request that is given up keeps its place in the gate',
    patches: [
      {
        file: 'services/bridge/commerce/gate.ts',
        find: '        circuit.left(begun);\n        end(null);',
        replace: '        circuit.left(begun);',
      },
    ],
  },
];
