import { FaultQueue, readFault, type Fault } from './faults.ts';

const fault = (text: string): Fault => {
  const result = readFault(text);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

test('faults are used up in their order, each as often as it was asked for', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "hang", "count": 2}'));
  queue.add(fault('{"kind": "status", "status": 503}'));
  const taken = Array.from({ length: 4 }, () => queue.take('POST')?.kind);
  expect(taken).toEqual(['hang', 'hang', 'status', undefined]);
  expect(queue.pending()).toEqual([]);
});

test('a fault for one method waits for it', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "garbage", "method": "GET"}'));
  queue.add(fault('{"kind": "close", "stored": true}'));
  expect(queue.take('POST')).toEqual({ kind: 'close', stored: true, count: 1 });
  expect(queue.take('POST')).toBeNull();
  expect(queue.take('GET')).toMatchObject({ kind: 'garbage', stored: false });
});

test('a refusal of events waits for a POST', () => {
  const queue = new FaultQueue();
  queue.add(fault('{"kind": "refuse", "status": "Expired"}'));
  expect(queue.take('GET')).toBeNull();
  expect(queue.take('POST')).toEqual({ kind: 'refuse', status: 'Expired', count: 1 });
});

test.each([
  '',
  '{}',
  '{"kind":"status","status":404}',
  '{"kind":"hang","count":0}',
  '{"kind":"hang","cuont":2}',
  '{"kind":"close","status":503}',
])('%s asks for no fault', (text) => {
  expect(readFault(text)).toEqual({ ok: false, error: expect.any(String) as string });
});
