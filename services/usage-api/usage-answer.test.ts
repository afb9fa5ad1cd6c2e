import { NO_DIRECTORY } from '../../test/support/usage-callers.ts';
import { pageOfRows, usageRow } from '../../test/support/usage-row.ts';
import { coverageOf } from '../shared/sources/coverage.ts';
import type { Source, SourceId } from '../shared/model/source.ts';
import { HOUR_MILLIS, millis, type Hour } from '../shared/model/time.ts';
import type { Caller } from './caller.ts';
import type { RowKey } from './continuation-token.ts';
import type { Restatement } from '../shared/sources/restated-hours.ts';
import { answerUsage, type UsageAnswerTools } from './usage-answer.ts';
import { PAGE_ROWS, type UsagePage } from './usage-page.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const START = Date.UTC(2019, 11, 10);
const hour = (n: number): Hour => (START + n * HOUR_MILLIS) as Hour;

const source: Source = {
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 1,
  firstHour: hour(1),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['*'],
  origin: 'live',
};

/** A store of two pages and a row more, whose hours from 1:00 to 4:00 are closed. */
class Usage {
  readonly rows = Array.from({ length: 2 * PAGE_ROWS + 1 }, (_, n) => usageRow(n, START / 1000));
  readonly asked: (readonly SourceId[])[] = [];
  readonly digests: string[] = [];
  /** Happens while rows are read. */
  meanwhile: () => void = () => undefined;
  restated: readonly Restatement[] = [];
  /** What is told to whom recent restatements will do; null to tell everybody what is true. */
  recent: readonly Restatement[] | null = null;
  caller: Caller = { subscription: PROVIDER, visible: { allBut: [] } };
  openHour = hour(4);
  /** What is told to whom recent coverage will do; null to tell everybody what is true. */
  recentOpenHour: Hour | null = null;

  readonly tools: UsageAnswerTools = {
    tokenKeys: [{ id: 'k', secret: Buffer.alloc(32) }],
    directory: NO_DIRECTORY,
    now: () => hour(10),
    hourMillis: HOUR_MILLIS,
    store: {
      coverage: (mayBeRecent) => {
        const { topic, epoch } = source;
        const told = mayBeRecent === true ? this.recentOpenHour : null;
        const progress = { topic, epoch, partition: 0, openHour: told ?? this.openHour };
        return Promise.resolve(coverageOf([source], [{ ...progress, sealed: false }]));
      },
      restatements: ({ from, to }, mayBeRecent) => {
        const told = mayBeRecent === true && this.recent !== null ? this.recent : this.restated;
        return Promise.resolve(told.filter(({ hour }) => from <= hour && hour < to));
      },
      page: async (_, sources, after: RowKey | null, pageRows, answer) => {
        this.asked.push(sources);
        this.digests.push(answer.digest);
        const next = this.rows.filter(
          ({ resourceKey }) => after === null || resourceKey > after.resourceKey,
        );
        this.meanwhile();
        return (await answer.isUnchanged()) ? pageOfRows(next, pageRows, answer.caller) : null;
      },
    },
  };

  async get(from: number, to: number, more: Record<string, string> = {}) {
    const search = new URLSearchParams({
      'api-version': '2015-06-01-preview',
      aggregationGranularity: 'Hourly',
      reportedStartTime: timeText(from),
      reportedEndTime: timeText(to),
      ...more,
    });
    return answerUsage(this.tools, { ...CALL, caller: this.caller, search });
  }

  /** What a link of an answer gives. */
  async follow(link: string | undefined) {
    const { searchParams } = new URL(link ?? '');
    return answerUsage(this.tools, { ...CALL, caller: this.caller, search: searchParams });
  }
}

/** The link to the next page. */
const linkOf = (answer: Awaited<ReturnType<Usage['get']>>): string | undefined =>
  answer.ok ? (JSON.parse(answer.value.body.toString()) as UsagePage).nextLink : undefined;

const CALL = { api: 'provider', origin: 'http://usage' } as const;

const timeText = (n: number): string => `2019-12-10T${String(n).padStart(2, '0')}:00:00Z`;

test('pages follow one another without a row lost or told twice', async () => {
  const usage = new Usage();
  const resources: string[] = [];
  let answer = await usage.get(1, 3);
  for (;;) {
    if (!answer.ok) throw new Error(answer.error.message);
    const { body, restatedHours, coverage } = answer.value;
    const page = JSON.parse(body.toString()) as UsagePage;
    expect(restatedHours).toEqual([]);
    expect(coverage).toEqual({ word: 'complete', notCovered: [] });
    resources.push(...page.value.map(({ properties }) => properties.instanceData));
    if (page.nextLink === undefined) break;
    answer = await usage.follow(page.nextLink);
  }
  expect(resources).toHaveLength(usage.rows.length);
  expect(new Set(resources).size).toBe(usage.rows.length);
  expect(usage.asked).toEqual(Array(3).fill([{ topic: source.topic, epoch: 1 }]));
});

test('an hour that was restated between two pages is not mixed with what it was', async () => {
  const usage = new Usage();
  const first = await usage.get(1, 3);
  const link = linkOf(first);
  const { topic, epoch } = source;
  usage.restated = [{ topic, epoch, hour: millis(hour(2)), generation: 1, isWritten: true }];
  expect(await usage.follow(link)).toMatchObject({
    ok: false,
    error: {
      status: 400,
      code: 'InvalidProperty',
      message: expect.stringContaining("'continuationToken' is stale") as string,
    },
  });
  expect(await usage.get(1, 3)).toMatchObject({
    ok: true,
    value: { restatedHours: [timeText(2)] },
  });
});

test('a page by restatements of a moment ago is not mixed either: they are read again after its rows', async () => {
  const usage = new Usage();
  const first = await usage.get(1, 3);
  const link = linkOf(first);
  const { topic, epoch } = source;
  usage.recent = [];
  usage.restated = [{ topic, epoch, hour: millis(hour(2)), generation: 1, isWritten: true }];
  expect(await usage.follow(link)).toMatchObject({ ok: false, error: { code: 'InvalidProperty' } });
  expect(await usage.get(1, 3)).toMatchObject({ value: { restatedHours: [timeText(2)] } });
});

describe('page-of-another-instance: an instance that looked before the one that told the first page refuses no later page', () => {
  const follow = async (usage: Usage) => {
    const first = await usage.get(1, 4);
    return usage.follow(linkOf(first));
  };

  test('by an hour that was still open then', async () => {
    const usage = new Usage();
    usage.recentOpenHour = hour(3);
    expect(await follow(usage)).toMatchObject({ ok: true });
  });

  test('by an hour that was restated since', async () => {
    const usage = new Usage();
    const { topic, epoch } = source;
    usage.recent = [];
    usage.restated = [{ topic, epoch, hour: millis(hour(2)), generation: 1, isWritten: true }];
    expect(await follow(usage)).toMatchObject({ ok: true });
  });

  test('and what is still so when it looks again is refused', async () => {
    const usage = new Usage();
    const first = await usage.get(1, 4);
    usage.recentOpenHour = hour(3);
    usage.openHour = hour(3);
    expect(await usage.follow(linkOf(first))).toMatchObject({
      error: { code: 'ProcessingNotComplete' },
    });
  });
});

test('the digest under which pages are read ahead is that of their tokens, and another after a restatement', async () => {
  const usage = new Usage();
  const first = await usage.get(1, 3);
  await usage.follow(linkOf(first));
  const [digest, next] = usage.digests;
  expect(digest).toMatch(/./);
  expect(next).toBe(digest);
  const { topic, epoch } = source;
  usage.restated = [{ topic, epoch, hour: millis(hour(2)), generation: 1, isWritten: true }];
  await usage.get(1, 3);
  expect(usage.digests[2]).not.toBe(digest);
});

describe('page-beside-a-rebuild: an answer never mixes rows of before and after a restatement', () => {
  const { topic, epoch } = source;
  const begun = { topic, epoch, hour: millis(hour(2)), generation: 1, isWritten: false };
  const restating = {
    ok: false,
    error: {
      status: 202,
      code: 'ProcessingNotComplete',
      message: `The usage reported in the hour from ${timeText(2)} is being restated. Try again later.`,
      headers: { 'retry-after': '30' },
    },
  };
  const stale = {
    ok: false,
    error: { status: 400, message: expect.stringContaining('is stale') as string },
  };

  test('a range with an hour whose rows are not written waits, and others do not', async () => {
    const usage = new Usage();
    usage.restated = [begun];
    expect(await usage.get(1, 3)).toMatchObject(restating);
    expect(usage.asked).toEqual([]);
    expect(await usage.get(1, 2)).toMatchObject({ ok: true });
    usage.restated = [{ ...begun, topic: 'usage.events.other' }];
    expect(await usage.get(1, 3)).toMatchObject({ ok: true });
    usage.restated = [{ ...begun, isWritten: true }];
    expect(await usage.get(1, 3)).toMatchObject({ ok: true });
  });

  test('a walk that is on its way starts again', async () => {
    const usage = new Usage();
    const first = await usage.get(1, 3);
    usage.restated = [begun];
    expect(await usage.follow(linkOf(first))).toMatchObject(stale);
  });

  test('rows that were read while one began are not returned', async () => {
    const usage = new Usage();
    const first = await usage.get(1, 3);
    usage.meanwhile = () => (usage.restated = [begun]);
    expect(await usage.get(1, 3)).toMatchObject(restating);
    usage.restated = [];
    expect(await usage.follow(linkOf(first))).toMatchObject(stale);
    // One that was also written meanwhile: the rows are read again.
    usage.restated = [];
    usage.meanwhile = () => (usage.restated = [{ ...begun, isWritten: true }]);
    expect(await usage.get(1, 3)).toMatchObject({
      ok: true,
      value: { restatedHours: [timeText(2)] },
    });
  });
});

test('a token that is none gives no first page instead', async () => {
  expect(await new Usage().get(1, 3, { continuationToken: 'x' })).toMatchObject({
    ok: false,
    error: {
      status: 400,
      code: 'InvalidProperty',
      message: expect.stringContaining('is not a token of this service, or was changed') as string,
    },
  });
});

test('a token of another query is told to be foreign', async () => {
  const usage = new Usage();
  const first = await usage.get(1, 3);
  const { searchParams } = new URL(linkOf(first) ?? '');
  const continuationToken = searchParams.get('continuationToken') ?? '';
  expect(await usage.get(1, 4, { continuationToken })).toMatchObject({
    ok: false,
    error: {
      status: 400,
      message: expect.stringContaining('belongs to another query or caller') as string,
    },
  });
});

test('an hour that is still open is not answered, and the answer says which', async () => {
  const usage = new Usage();
  expect(await usage.get(1, 5)).toMatchObject({
    ok: false,
    error: {
      code: 'ProcessingNotComplete',
      message: expect.stringContaining(timeText(4)) as string,
    },
  });
  usage.openHour = hour(5);
  expect(await usage.get(1, 5)).toMatchObject({ ok: true });
});

test('hours that no source covers are told, and are not asked for', async () => {
  const usage = new Usage();
  expect(await usage.get(0, 2)).toMatchObject({
    ok: true,
    value: { coverage: { word: 'partly', notCovered: [`${timeText(0)}/${timeText(1)}`] } },
  });
  expect(await usage.get(0, 1)).toMatchObject({
    ok: true,
    value: { coverage: { word: 'not-covered' } },
  });
  expect(usage.asked[1]).toEqual([]);
});

test('nothing is read for a wrong query', async () => {
  const usage = new Usage();
  expect(await usage.get(3, 3)).toMatchObject({ ok: false, error: { status: 400 } });
  expect(await usage.get(1, 11)).toMatchObject({
    ok: false,
    error: { code: 'RequestEndTimeIsInFuture' },
  });
  expect(usage.asked).toEqual([]);
});

describe('a delegated provider', () => {
  const OWN = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
  const sees = (...visible: string[]): Caller => ({ subscription: PROVIDER, visible });

  test('may ask for a direct tenant, and for no other subscription', async () => {
    const usage = new Usage();
    usage.caller = sees(OWN);
    expect(await usage.get(1, 3, { subscriberId: OWN.toUpperCase() })).toMatchObject({ ok: true });
    expect(await usage.get(1, 3, { subscriberId: OWN.replace('1d', '2d') })).toMatchObject({
      ok: false,
      error: { status: 400, code: 'SubscriberIdIsNotDirectTenant' },
    });
    expect(usage.asked).toHaveLength(1);
  });

  test('tenant-between-two-pages: who has got or lost a tenant starts again, and is not told to repeat the parameters', async () => {
    const usage = new Usage();
    usage.caller = sees(OWN);
    const first = await usage.get(1, 3);
    usage.caller = sees(OWN, OWN.replace('1d', '2d'));
    expect(await usage.follow(linkOf(first))).toMatchObject({
      ok: false,
      error: {
        code: 'InvalidProperty',
        message: expect.stringMatching(/is stale: .*has got or lost a tenant/) as string,
      },
    });
  });
});
