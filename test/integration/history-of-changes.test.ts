import { writeDispositions } from '../../services/operations/dead-letters/dispositions.ts';
import { recordHours } from '../../services/operations/rebuild/restate.ts';
import { acceptLosses } from '../../services/operations/losses/losses.ts';
import { recordOperation } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const TOPIC = 'usage.events.compute';
const AT = { topic: TOPIC, epoch: 1, partition: 0 };
const HOUR = Date.UTC(2026, 0, 1) as Hour;

interface Change {
  readonly at: number;
  readonly actor: string;
  readonly kind: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
  const { clickHouse } = stack;
  await recordOperation(clickHouse, { kind: 'rules-applied', subject: TOPIC }, 'rita');
  await writeDispositions(
    clickHouse,
    [4, 5, 9].map((offset) => ({
      letter: { ...AT, offset },
      disposition: { disposition: 'discarded', actor: 'olga', reason: 'a test', to: null },
    })),
  );
  process.env['USAGE_ACTOR'] = 'omar';
  try {
    const loss = { ...AT, fromOffset: 10, nextOffset: 12, ends: false, openHour: HOUR };
    await acceptLosses(clickHouse, [loss], 'expired\nforged line');
  } finally {
    delete process.env['USAGE_ACTOR'];
  }
  await recordHours(
    clickHouse,
    AT,
    [0, 1].map((n) => ({ partition: 0, reportedHour: HOUR + n * HOUR_MILLIS, windows: 3 })),
    { generation: 2, actor: 'olga', reason: 'mended' },
  );
  await recordOperation(clickHouse, {
    kind: 'ledger-trimmed',
    subject: '2025-01-01T00:00:00Z',
    detail: { rows: 7, reason: 'space' },
  });
});

afterAll(() => stack.close());

const history = async (...args: readonly string[]): Promise<readonly Change[]> => {
  const { code, stdout, stderr } = await usagectl(
    ['history', ...args, '--json'],
    stack.environment,
  );
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { changes: readonly Change[] }).changes;
};

test('one command shows who changed what, in order of time', async () => {
  const changes = await history();
  expect(changes.map(({ at }) => at)).toEqual(changes.map(({ at }) => at).sort((a, b) => a - b));
  expect(changes.map(({ at: _, ...change }) => change)).toEqual(
    expect.arrayContaining([
      { kind: 'rules-applied', actor: 'rita', subject: TOPIC, reason: '', detail: {} },
      {
        kind: 'dead-letters: discarded',
        actor: 'olga',
        subject: `${TOPIC}/1[0]`,
        reason: 'a test',
        detail: { letters: '3', firstOffset: '4', lastOffset: '9' },
      },
      {
        kind: 'loss',
        actor: 'omar',
        subject: `${TOPIC}/1[0]`,
        reason: 'expired\nforged line',
        detail: { fromOffset: '10', nextOffset: '12', ended: 'false' },
      },
      {
        kind: 'restatement',
        actor: 'olga',
        subject: `${TOPIC}/1`,
        reason: 'mended',
        detail: {
          generation: '2',
          hours: '2',
          windows: '6',
          firstHour: '2026-01-01T00:00:00Z',
          lastHour: '2026-01-01T01:00:00Z',
        },
      },
    ]),
  );
  const [trim] = await history('--kind', 'ledger-trimmed');
  expect(trim).toMatchObject({ reason: 'space', detail: { rows: 7 } });
  expect(trim?.actor).not.toBe('unknown');
});

test('the history is filtered by person, topic, kind and time, and its newest part is shown', async () => {
  const kinds = async (...args: readonly string[]) =>
    (await history(...args)).map(({ kind }) => kind).sort();
  expect(await kinds('--by', 'olga')).toEqual(['dead-letters: discarded', 'restatement']);
  expect(await kinds('--kind', 'loss', '--kind', 'restatement')).toEqual(['loss', 'restatement']);
  expect(await kinds('--topic', TOPIC, '--by', 'omar')).toEqual(['loss', 'loss-accepted']);
  expect(await kinds('--topic', 'usage.events')).toEqual([]);
  expect(await kinds('--until', '2020-01-01T00:00:00Z')).toEqual([]);
  expect(await kinds('--limit', '1')).toEqual(['ledger-trimmed']);
  const { stdout } = await usagectl(['history', '--limit', '5'], stack.environment);
  expect(stdout).toMatch(/^WHEN +WHO +WHAT +ON +WHY +MORE$/m);
  expect(stdout).toContain('expired\\u000aforged line');
  expect(stdout).toMatch(/^There are earlier ones: --until 20/m);
});

test('an actor that cannot be recorded is refused before anything is done', async () => {
  const refused = await usagectl(['history', '--actor', 'a\nb'], stack.environment);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('1 to 200 characters in one line');
});
