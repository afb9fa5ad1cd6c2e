import {
  controlAt,
  eventOf,
  forgedAt,
  historyPlace,
  hour,
  keyring,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  rulesOf,
} from '../../../test/support/fold/fixtures.ts';
import { CONTROL_HEADER, keyFingerprint, type ControlKey } from '../model/control-record.ts';
import type { LogRecord } from '../model/log-record.ts';
import { serializeFloor } from '../model/ledger-floor.ts';
import { serializeRules, type Rules } from '../model/rules.ts';
import { millis } from '../model/time.ts';
import type { Knowledge } from './knowledge.ts';
import { advance, timelineStart, type Step, type Timeline } from './timeline.ts';
import type { Place } from './place.ts';

const live = placeOf();
const history = historyPlace();

const take = (
  place: Place,
  timeline: Timeline,
  record: LogRecord,
  known: Knowledge = knowledge,
): Step => advance(place, timeline, record, known);

const begun = (place: Place): Timeline =>
  take(place, timelineStart(place.source), rulesAt(place, 0)).after;
const sealed = (place: Place): Timeline =>
  take(place, begun(place), controlAt(place, 'end', 1)).after;

const codeOf = ({ verdict }: Step): string =>
  verdict.kind === 'dead-letter'
    ? verdict.code
    : verdict.kind === 'halt'
      ? verdict.halt.code
      : verdict.kind;

test('a source begins at its first hour, without rules', () => {
  expect(timelineStart(live.source)).toEqual({
    watermark: hour(0),
    openHour: hour(0),
    sealed: false,
    floor: null,
    rules: null,
  });
});

describe('after the end', () => {
  test.each([
    ['an event', recordOf(eventOf(), 2, minute(90))],
    ['a tick', controlAt(live, 'tick', 2, minute(90))],
    ['rules', rulesAt(live, 2, minute(90), { version: 2 })],
    ['a forged end', forgedAt(live, 'end', 2, minute(90))],
  ])('%s is a dead letter and moves nothing', (_, record) => {
    const before = sealed(live);
    const step = take(live, before, record);
    expect(codeOf(step)).toBe('after-end');
    expect(step.after).toBe(before);
  });

  test('another signed end is control and moves nothing', () => {
    const before = sealed(live);
    const step = take(live, before, controlAt(live, 'end', 2, minute(90)));
    expect(codeOf(step)).toBe('control');
    expect(step.after).toBe(before);
  });
});

describe('outside the hours of a run', () => {
  test.each([
    ['before its first hour', millis(hour(0) - 1)],
    ['after its last hour', hour(4)],
  ])('a record %s is a dead letter and moves nothing', (_, timestamp) => {
    const before = begun(history);
    for (const record of [
      recordOf(eventOf(), 1, timestamp),
      rulesAt(history, 1, timestamp, { version: 2 }),
      controlAt(history, 'end', 1, timestamp),
    ]) {
      const step = take(history, before, record);
      expect(codeOf(step)).toBe('outside-run');
      expect(step.after).toBe(before);
    }
  });

  test('the first and the last millisecond of the run are inside', () => {
    for (const timestamp of [hour(0), millis(hour(4) - 1)]) {
      const step = take(history, begun(history), recordOf(eventOf(), 1, timestamp));
      expect(codeOf(step)).toBe('candidate');
    }
  });

  test('a live source has no such hours: an earlier timestamp counts as the time reached', () => {
    const step = take(live, begun(live), recordOf(eventOf(), 1, millis(hour(0) - 1)));
    expect(codeOf(step)).toBe('candidate');
    expect(step.after.watermark).toBe(hour(0));
  });
});

describe('a control record that is not signed for its place', () => {
  const second = { id: 'second', secret: Buffer.alloc(32, 9) } satisfies ControlKey;
  const tick = controlAt(live, 'tick', 1, minute(70));
  const elsewhere = (changes: Partial<Place>): LogRecord =>
    controlAt({ ...live, ...changes }, 'tick', 1, minute(70));
  const withHeaders = (changes: Record<string, string>): LogRecord => ({
    ...tick,
    headers: { ...tick.headers, ...changes },
  });

  test.each<[string, LogRecord]>([
    ['by no key', { ...tick, headers: { [CONTROL_HEADER]: 'tick' } }],
    ['by a key that nobody knows', forgedAt(live, 'tick', 1, minute(70))],
    ['for another partition', elsewhere({ partition: 1 })],
    ['for another epoch of the topic', elsewhere({ epoch: 2 })],
    ['for another topic', elsewhere({ topic: 'usage.events.storage' })],
    ['for another kind', withHeaders({ [CONTROL_HEADER]: 'end' })],
    ['for another body', { ...tick, value: Buffer.from('x') }],
    ['with a signature cut short', withHeaders({ 'usage-control-signature': 'ab' })],
    ['with a signature that is no number', withHeaders({ 'usage-control-signature': 'zz' })],
  ])('signed %s is forged, and moves the time like any record', (_, record) => {
    const step = take(live, begun(live), record);
    expect(codeOf(step)).toBe('forged-control');
    expect(step.after).toMatchObject({ watermark: minute(70), openHour: hour(1), sealed: false });
  });

  test('does not halt a partition whose rules are known, whatever it says', () => {
    const text = serializeRules(rulesOf({ version: 9, foldVersion: 9 }));
    const forged = { ...forgedAt(live, 'rules', 1, minute(70)), value: Buffer.from(text) };
    for (const record of [forged, forgedAt(live, 'rules', 1, minute(70))]) {
      const before = begun(live);
      const step = take(live, before, record);
      expect(codeOf(step)).toBe('forged-control');
      expect(step.after.rules).toBe(before.rules);
    }
  });

  test('by a key of ours that the rules do not accept is forged', () => {
    const record = controlAt(live, 'tick', 1, minute(1), '', [second]);
    const known: Knowledge = { ...knowledge, keyring: [...keyring, second] };
    expect(codeOf(take(live, begun(live), record, known))).toBe('forged-control');
  });

  test('by the second of the accepted keys is valid', () => {
    const known: Knowledge = { ...knowledge, keyring: [...keyring, second] };
    const controlKeys = known.keyring.map((key) => ({
      id: key.id,
      fingerprint: keyFingerprint(key),
    }));
    const start = take(
      live,
      timelineStart(live.source),
      rulesAt(live, 0, minute(0), { controlKeys }),
      known,
    );
    const record = controlAt(live, 'tick', 1, minute(1), '', [second]);
    expect(codeOf(take(live, start.after, record, known))).toBe('control');
  });

  test('is forged before the first rules too', () => {
    const step = take(live, timelineStart(live.source), forgedAt(live, 'tick', 0, minute(1)));
    expect(codeOf(step)).toBe('forged-control');
  });
});

test('the first rules halt where they cannot be verified, whether the key or its secret is missing', () => {
  const step = (known: Knowledge): Step =>
    take(live, timelineStart(live.source), rulesAt(live, 0), known);
  const otherSecret: ControlKey = { id: keyring[0].id, secret: Buffer.alloc(32, 99) };
  const otherKey: ControlKey = { id: 'other', secret: keyring[0].secret };
  for (const key of [otherSecret, otherKey]) {
    const { verdict, after } = step({ ...knowledge, keyring: [key] });
    expect(verdict).toMatchObject({ kind: 'halt', halt: { code: 'unknown-rules' } });
    expect(after).toEqual(timelineStart(live.source));
  }
});

describe('a signed control record that is unreadable or not allowed here', () => {
  const raised = (changes: Partial<Rules>): LogRecord => rulesAt(live, 1, minute(70), changes);

  test.each<[string, Place, LogRecord]>([
    ['rules that are no JSON', live, controlAt(live, 'rules', 1, minute(70), '{')],
    [
      'rules with a field too many',
      live,
      controlAt(live, 'rules', 1, minute(70), JSON.stringify({ ...rulesOf(), x: 1 })),
    ],
    ['rules with another length of an hour', live, raised({ version: 2, hourMillis: 60_000 })],
    ['rules of the same version with another content', live, raised({ namespaces: ['*'] })],
    ['a kind that this fold does not know', live, controlAt(live, 'pause', 1, minute(70))],
    ['a closed marker', live, controlAt(live, 'closed', 1, minute(70))],
    ['a tick on a history', history, controlAt(history, 'tick', 1, minute(70))],
  ])('%s is a dead letter, and moves the time alone', (_, place, record) => {
    const before = begun(place);
    const step = take(place, before, record);
    expect(codeOf(step)).toBe('invalid-control');
    expect(step.after).toEqual({ ...before, watermark: minute(70), openHour: hour(1) });
  });

  test.each(['rules', 'floor'])('%s without a value are one, too', (kind) => {
    const record = { ...controlAt(live, kind, 1, minute(70)), value: null };
    expect(codeOf(take(live, begun(live), record))).toBe('invalid-control');
  });

  test('rules of a lower version are a dead letter', () => {
    const second = take(live, begun(live), rulesAt(live, 1, minute(1), { version: 2 })).after;
    const step = take(live, second, rulesAt(live, 2, minute(1), { version: 1 }));
    expect(codeOf(step)).toBe('invalid-control');
    expect(step.after.rules?.rules.version).toBe(2);
  });
});

describe('rules that this process cannot apply', () => {
  test.each<[string, Partial<Rules>, string]>([
    ['another fold', { foldVersion: 2 }, 'fold version 2 is in force'],
    [
      'a schema id that it does not have',
      { schemas: [{ id: 99, fingerprint: 'f' }] },
      'schema id 99',
    ],
    ['another schema under an id', { schemas: [{ id: 1, fingerprint: 'f' }] }, 'schema id 1'],
    [
      'a key that it does not have',
      { controlKeys: [...rulesOf().controlKeys, { id: 'other', fingerprint: 'f' }] },
      'key "other"',
    ],
    ['another key under an id', { controlKeys: [{ id: 'test', fingerprint: 'f' }] }, 'key "test"'],
  ])('ask for %s: the partition halts where it is', (_, changes, text) => {
    const before = begun(live);
    const step = take(live, before, rulesAt(live, 1, minute(70), { version: 2, ...changes }));
    expect(step.after).toBe(before);
    expect(step.verdict).toMatchObject({ kind: 'halt', halt: { code: 'unknown-rules' } });
    expect(step.verdict.kind === 'halt' && step.verdict.halt.message).toContain(text);
  });

  test('are signed by a key that it does not have, as the first ones: it halts too', () => {
    const before = timelineStart(live.source);
    const step = take(live, before, forgedAt(live, 'rules', 0));
    expect(codeOf(step)).toBe('unknown-rules');
    expect(step.after).toBe(before);
  });
});

describe('a control record that is allowed', () => {
  test('rules of a higher version come into force and move the time', () => {
    const text = serializeRules(rulesOf({ version: 5, namespaces: ['microsoft.network'] }));
    const step = take(live, begun(live), controlAt(live, 'rules', 1, minute(70), text));
    expect(codeOf(step)).toBe('control');
    expect(step.after).toMatchObject({ watermark: minute(70), openHour: hour(1), rules: { text } });
    expect([...(step.after.rules?.namespaces ?? [])]).toEqual(['microsoft.network']);
  });

  test('the same rules again change nothing but the time', () => {
    const before = begun(live);
    const step = take(live, before, rulesAt(live, 1, minute(70)));
    expect(codeOf(step)).toBe('control');
    expect(step.after).toEqual({ ...before, watermark: minute(70), openHour: hour(1) });
    expect(step.after.rules).toBe(before.rules);
  });

  test('a tick moves the time of a live source', () => {
    const step = take(live, begun(live), controlAt(live, 'tick', 1, minute(130)));
    expect(codeOf(step)).toBe('control');
    expect(step.after).toMatchObject({ watermark: minute(130), openHour: hour(2), sealed: false });
  });

  test('an end seals a run and closes its last hour, whatever its own time', () => {
    const step = take(history, begun(history), controlAt(history, 'end', 1, minute(1)));
    expect(codeOf(step)).toBe('control');
    expect(step.after).toMatchObject({ sealed: true, openHour: hour(4), watermark: minute(1) });
  });

  test('an end seals a live source and closes the hour it stands in', () => {
    const step = take(live, begun(live), controlAt(live, 'end', 1, minute(70)));
    expect(step.after).toMatchObject({ sealed: true, openHour: hour(2), watermark: minute(70) });
  });

  test('with a null body is signed over no bytes', () => {
    const record = { ...controlAt(live, 'tick', 1, minute(1)), value: null };
    expect(codeOf(take(live, begun(live), record))).toBe('control');
  });
});

describe('any other record', () => {
  test('is a dead letter before the first rules, and moves the time', () => {
    const step = take(live, timelineStart(live.source), recordOf(eventOf(), 0, minute(70)));
    expect(codeOf(step)).toBe('no-rules');
    expect(step.after).toMatchObject({ watermark: minute(70), openHour: hour(1) });
  });

  test('is classified by the rules in force at its own time', () => {
    const event = eventOf({ usageStartTime: minute(70), usageEndTime: minute(71) });
    const early = take(live, begun(live), recordOf(event, 1, millis(minute(70) - 1)));
    const intime = take(live, begun(live), recordOf(event, 1, minute(70)));
    expect([codeOf(early), codeOf(intime)]).toEqual(['in-future', 'candidate']);
  });

  test('of an earlier time than the one before is reported at that one’s time', () => {
    const later = take(live, begun(live), recordOf(eventOf(), 1, minute(70))).after;
    const step = take(live, later, recordOf(eventOf(), 2, minute(10)));
    expect(step.after).toBe(later);
  });

  test('is judged by namespaces that the rules name, from their record on', () => {
    const none = take(
      live,
      begun(live),
      rulesAt(live, 1, minute(1), { version: 2, namespaces: ['microsoft.network'] }),
    );
    expect(codeOf(take(live, none.after, recordOf(eventOf(), 2)))).toBe('wrong-provider');
    const all = take(
      live,
      none.after,
      rulesAt(live, 2, minute(1), { version: 3, namespaces: ['*'] }),
    );
    expect(codeOf(take(live, all.after, recordOf(eventOf(), 3)))).toBe('candidate');
  });
});

describe('a floor', () => {
  const age = rulesOf().maxUsageAgeMillis;
  const allowed = millis(minute(60) - age);
  const floorAt = (floor: number, timeline = begun(live)): Step =>
    take(live, timeline, controlAt(live, 'floor', 1, minute(60), serializeFloor(millis(floor))));

  test('holds from its record on, and only rises', () => {
    const step = floorAt(allowed);
    expect(codeOf(step)).toBe('control');
    expect(step.after.floor).toBe(allowed);
    const lower = floorAt(allowed - 1, step.after);
    expect(codeOf(lower)).toBe('control');
    expect(lower.after.floor).toBe(allowed);
  });

  test('above usage that may still be reported is a dead letter', () => {
    const step = floorAt(allowed + 1);
    expect(codeOf(step)).toBe('invalid-control');
    expect(step.after.floor).toBeNull();
  });

  test.each([
    ['before the first rules', timelineStart(live.source), serializeFloor(allowed)],
    ['without a value', begun(live), ''],
  ])('%s is a dead letter', (_, timeline, body) => {
    const step = take(live, timeline, controlAt(live, 'floor', 1, minute(60), body));
    expect(codeOf(step)).toBe('invalid-control');
    expect(step.after.floor).toBeNull();
  });

  test('that cannot be read is a dead letter', () => {
    const step = take(live, begun(live), controlAt(live, 'floor', 1, minute(60), '{"floor":"x"}'));
    expect(codeOf(step)).toBe('invalid-control');
  });
});
