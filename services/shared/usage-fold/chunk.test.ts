import {
  eventOf,
  hour,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  rulesOf,
} from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import { serializeRules } from '../model/rules.ts';
import { checkpointOf, cut, resume, type Checkpoint } from './chunk.ts';
import { initialState, enterTimeline } from './fold.ts';
import { HOUR_MILLIS, nextHour } from '../model/time.ts';
import { recordDigest } from '../model/record-mark.ts';

const place = placeOf();

const folded = (): FoldRun => {
  const run = new FoldRun(new StoredWorld(place), knowledge);
  run.fold(
    [rulesAt(place, 0), recordOf(eventOf({}, '1'), 1), recordOf(eventOf({}, '2'), 2)],
    () => undefined,
  );
  return run;
};

test('the checkpoint before the first record stands at the beginning', () => {
  expect(checkpointOf(initialState(place, 5))).toEqual({
    topic: place.topic,
    epoch: 1,
    partition: 0,
    firstOffset: 5,
    nextOffset: 5,
    watermark: hour(0),
    openHour: hour(0),
    sealed: false,
    floor: null,
    counts: { accepted: 0, duplicate: 0, deadLettered: 0, control: 0, lost: 0 },
    lastRecord: null,
    rules: null,
  });
});

test('a checkpoint says where to go on, and recognises the last record', () => {
  const last = recordOf(eventOf({}, '2'), 2);
  expect(checkpointOf(folded().state)).toMatchObject({
    nextOffset: 3,
    watermark: minute(1),
    openHour: hour(0),
    lastRecord: { offset: 2, digest: recordDigest(last) },
    rules: serializeRules(rulesOf()),
    counts: { accepted: 2, control: 1 },
  });
});

test('a cut takes what is pending once, as it stands then', () => {
  const { state } = folded();
  const first = cut(state);
  expect([...first.ledger].map(({ offset }) => offset)).toEqual([1, 2]);
  expect(first.windows).toMatchObject([{ eventCount: 2 }]);
  expect(cut(state)).toMatchObject({ ledger: [], windows: [], deadLetters: [], closed: [] });
});

test('a cut that was missed is a defect: a window of a closed hour cannot be stored', () => {
  const { state } = folded();
  const after = { ...state.timeline, openHour: nextHour(state.timeline.openHour, HOUR_MILLIS) };
  expect(() => enterTimeline(state, after)).toThrow('before its windows have been cut off');
});

test('folding on does not change what was cut off', () => {
  const run = folded();
  const chunk = cut(run.state);
  const before = structuredClone({ windows: chunk.windows, checkpoint: chunk.checkpoint });
  run.fold(
    [recordOf(eventOf({}, '3'), 3), recordOf(eventOf({}, '4'), 4, minute(70))],
    () => undefined,
  );
  expect({ windows: chunk.windows, checkpoint: chunk.checkpoint }).toEqual(before);
});

describe('resuming', () => {
  const at = (changes: Partial<Checkpoint> = {}): Checkpoint => ({
    ...checkpointOf(folded().state),
    ...changes,
  });

  test('gives the state that the checkpoint was made of', () => {
    const { state } = folded();
    cut(state);

    const resumed = resume(place, checkpointOf(state), [...state.windows.values()], knowledge);
    if (!resumed.ok) throw new Error(resumed.error.message);
    expect({ ...resumed.value, lastRecord: null }).toEqual({ ...state, lastRecord: null });
    expect(checkpointOf(resumed.value)).toEqual(checkpointOf(state));
  });

  test('halts where the rules in force cannot be read or applied', () => {
    const halts = [
      at({ rules: '{' }),
      at({ rules: serializeRules(rulesOf({ foldVersion: 9 })) }),
      at({ rules: serializeRules(rulesOf({ schemas: [{ id: 1, fingerprint: 'other' }] })) }),
    ];
    for (const checkpoint of halts) {
      expect(resume(place, checkpoint, [], knowledge)).toMatchObject({
        error: { code: 'unknown-rules' },
      });
    }
  });

  test('before the first rules needs none', () => {
    expect(resume(place, at({ rules: null }), [], knowledge)).toMatchObject({
      value: { timeline: { rules: null } },
    });
  });
});
