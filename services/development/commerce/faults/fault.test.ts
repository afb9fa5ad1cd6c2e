import { readFault, type Fault, type Mix } from './fault.ts';
import { mixedFault } from './fault-mix.ts';
import { FaultQueue } from './fault-queue.ts';

const fault = (text: string): Fault | Mix => {
  const result = readFault(text);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

test('faults are used up in their order, each as often as it was asked for', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "hang", "count": 2}'));
  queue.add(fault('{"kind": "status", "status": 503}'));
  const taken = Array.from({ length: 4 }, () => queue.take('POST', 'metering')?.kind);
  expect(taken).toEqual(['hang', 'hang', 'status', undefined]);
  expect(queue.pending()).toEqual([]);
});

test('a fault for one method waits for it', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "garbage", "method": "GET"}'));
  queue.add(fault('{"kind": "close", "stored": true}'));
  expect(queue.take('POST', 'metering')).toEqual({
    kind: 'close',
    stored: true,
    count: 1,
    on: 'metering',
  });
  expect(queue.take('POST', 'metering')).toBeNull();
  expect(queue.take('GET', 'metering')).toMatchObject({ kind: 'garbage', stored: false });
});

test('a refusal of events waits for a POST', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "refuse", "status": "Expired"}'));
  expect(queue.take('GET', 'metering')).toBeNull();
  expect(queue.take('POST', 'metering')).toEqual({
    kind: 'refuse',
    status: 'Expired',
    count: 1,
    on: 'metering',
  });
});

test.each([
  '',
  '{}',
  '{"kind":"status","status":404}',
  '{"kind":"hang","count":0}',
  '{"kind":"hang","cuont":2}',
  '{"kind":"close","status":503}',
  '{"kind":"slow"}',
  '{"kind":"half","stored":false}',
  '{"kind":"refuse","status":"Expired","items":[25]}',
  '{"kind":"skew"}',
  '{"kind":"mix"}',
  '{"kind":"mix","seed":"1","share":2}',
  '{"kind":"mix","seed":"1","kinds":["hang"]}',
  '{"kind":"mix","seed":"1","maxSkewMillis":-1}',
])('%s asks for no fault', (text) => {
  expect(readFault(text)).toEqual({ ok: false, error: expect.any(String) as string });
});

test('a fault waits for a request of its area', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "status", "status": 503, "on": "token"}'));
  expect(queue.take('POST', 'metering')).toBeNull();
  expect(queue.take('POST', 'token')).toMatchObject({ status: 503 });
});

const drawn = (text: string, requests: number): readonly unknown[] => {
  const queue = new FaultQueue();
  queue.add(fault(text));
  return Array.from({ length: requests }, () => queue.take('POST', 'metering'));
};

test('a mix follows from its seed: the same one again, and another one otherwise', () => {
  const mix = (seed: string): string => `{"kind": "mix", "seed": "${seed}", "share": 0.5}`;
  expect(drawn(mix('7'), 300)).toEqual(drawn(mix('7'), 300));
  expect(drawn(mix('7'), 300)).not.toEqual(drawn(mix('8'), 300));
});

test('a mix draws every kind, about as often as its share says, and ends after its count', () => {
  const faults = drawn('{"kind": "mix", "seed": "x", "share": 0.3, "count": 2000}', 2100);
  const met = faults.slice(0, 2000).filter((each): each is Fault => each !== null);
  expect(met.length).toBeGreaterThan(500);
  expect(met.length).toBeLessThan(700);
  const forms = new Set(
    met.map((each) =>
      [each.kind, 'status' in each ? each.status : '', 'stored' in each ? each.stored : ''].join(),
    ),
  );
  expect([...forms].sort()).toEqual(
    [
      'expired-token,401,',
      'expired-token,403,',
      'garbage,,false',
      'garbage,,true',
      'half,,',
      'refuse,Error,',
      'reset,,false',
      'reset,,true',
      'skew,,',
      'slow,,false',
      'slow,,true',
      'status,429,false',
      'status,500,false',
      'status,500,true',
      'status,503,false',
      'status,503,true',
    ].sort(),
  );
  expect(faults.slice(2000).filter((each) => each !== null)).toEqual([]);
});

test.each([
  ['two minutes, unless it says otherwise', '', 120_000],
  ['as much as it says', ', "maxSkewMillis": 1000', 1_000],
])('clocks of a mix are wrong by up to %s', (_, more, most) => {
  const text = `{"kind": "mix", "seed": "x", "share": 1, "kinds": ["skew"]${more}}`;
  const offsets = drawn(text, 200).map((each) => (each as { offsetMillis: number }).offsetMillis);
  expect(Math.max(...offsets.map(Math.abs))).toBeLessThanOrEqual(most);
  expect(Math.max(...offsets)).toBeGreaterThan(most / 2);
  expect(Math.min(...offsets)).toBeLessThan(-most / 2);
});

test('a mix of some kinds draws no others, and waits behind what was asked for by name', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "mix", "seed": "x", "share": 1, "kinds": ["half"]}'));
  queue.add(fault('{"kind": "hang"}'));
  const kinds = Array.from({ length: 3 }, () => queue.take('POST', 'metering')?.kind);
  expect(kinds).toEqual(['hang', 'half', 'half']);
  expect(queue.pending()).toMatchObject([{ kind: 'mix', decided: 2 }]);
  queue.clear();
  expect(queue.take('POST', 'metering')).toBeNull();
});

test('what is drawn for a request depends on its number only', () => {
  const mix = fault('{"kind": "mix", "seed": "s", "share": 1}') as Mix;
  expect(mixedFault(mix, 41)).toEqual(mixedFault(mix, 41));
});
