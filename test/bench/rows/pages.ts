import { writeHistory } from '../../../services/operations/history-runs/history-run.ts';
import { readSources } from '../../../services/shared/sources/register.ts';
import {
  DAY_MILLIS,
  dayOf,
  HOUR_MILLIS,
  isoText,
  millis,
  nextHour,
} from '../../../services/shared/model/time.ts';
import type { UsagePage } from '../../../services/usage-api/usage-page.ts';
import { usagePath } from '../../../services/usage-api/usage-path.ts';
import { API_VERSION } from '../../../services/usage-api/usage-query.ts';
import { openTestSignIn, type TestSignIn } from '../../support/sign-in.ts';
import { startService } from '../../support/service-process.ts';
import { untilStored } from '../contenders/aggregator.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { atMost, median, quantile, type Figure } from '../figure.ts';
import { REPORTED_HOUR, writeLoad } from '../load/write-load.ts';
import { auditProblem, dropDatabase, openScene, withTools, type Scene } from '../scene.ts';

const ROW = 'pages';
const PROVIDER_SUBSCRIPTION = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const CLIENTS = 10;
/** The first and the last so many pages count as first and last. */
const ENDS = 5;
/** Of another answer: so many pages compile what is needed. */
const WARM_UP_PAGES = 24;

interface Answer {
  readonly millis: number;
  readonly page: UsagePage;
}

/** Gets a path of the usage API. */
type Get = (path: string) => Promise<Answer>;

const getWith =
  (api: string, headers: Record<string, string>): Get =>
  async (path) => {
    const begun = performance.now();
    const answer = await fetch(api + path, { headers });
    const body = await answer.text();
    const millis = performance.now() - begun;
    if (!answer.ok) throw new Error(`the usage API answered ${String(answer.status)}: ${body}`);
    return { millis, page: JSON.parse(body) as UsagePage };
  };

/** The first page of the hour, or of its day. */
const firstPage = (granularity: 'Hourly' | 'Daily'): string => {
  const day = dayOf(REPORTED_HOUR, HOUR_MILLIS);
  const [from, to] =
    granularity === 'Hourly'
      ? [REPORTED_HOUR, nextHour(REPORTED_HOUR, HOUR_MILLIS)]
      : [day, millis(day + DAY_MILLIS)];
  const search = new URLSearchParams({
    reportedStartTime: isoText(from),
    reportedEndTime: isoText(to),
    aggregationGranularity: granularity,
    'api-version': API_VERSION,
  });
  return `${usagePath('provider', PROVIDER_SUBSCRIPTION)}?${search.toString()}`;
};

/** One hour with so many windows, closed and stored by an aggregator. */
const fillHour = async (scene: Scene, { options, say }: Bench, windows: number): Promise<void> => {
  const { tenants, meters, partitions, seed } = options;
  const load = await writeLoad(
    scene,
    {
      events: windows,
      tenants,
      resources: Math.ceil(windows / (tenants * meters)),
      meters,
      usageHours: 1,
      duplicates: 0,
      lateness: 0,
      seed,
      partitions,
    },
    () => undefined,
  );
  await withTools(scene, async (tools) => {
    const [source] = await readSources(tools.clickHouse);
    if (source) await writeHistory(tools, source, []); // seals it
  });
  say(`  an hour of ${windows.toLocaleString('en')} windows is being stored`);
  const service = await startService('aggregator', scene.environment);
  try {
    await untilStored(service, load.records + partitions);
    await service.stop();
  } finally {
    await service.kill();
  }
};

interface Walk {
  /** Of each page, as the API and any other instance of it understand it. */
  readonly paths: string[];
  readonly millis: number[];
  rows: number;
}

/** Pages one after another, all of them or so many. */
const walk = async (get: Get, from: string, most = Infinity): Promise<Walk> => {
  const walked: Walk = { paths: [], millis: [], rows: 0 };
  for (let path: string | undefined = from; path !== undefined && walked.paths.length < most;) {
    const { millis, page }: Answer = await get(path);
    walked.paths.push(path);
    walked.millis.push(millis);
    walked.rows += page.value.length;
    path = page.nextLink?.slice(new URL(page.nextLink).origin.length);
  }
  return walked;
};

const severalClients = async (
  get: Get,
  paths: readonly string[],
  pagesOfEach: number,
): Promise<readonly number[]> => {
  const client = async (n: number): Promise<readonly number[]> => {
    const all: number[] = [];
    for (let k = 0; k < pagesOfEach; k++) {
      // Each client reads on from a place of its own.
      const path = paths[(Math.floor((n * paths.length) / CLIENTS) + k) % paths.length] ?? '';
      all.push((await get(path)).millis);
    }
    return all;
  };
  return (await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)))).flat();
};

/** Lets a task read from a usage API of its own process, which has compiled what it needs and keeps no page of the hour. */
const withApi = async <Result>(
  scene: Scene,
  signIn: TestSignIn,
  task: (get: Get) => Promise<Result>,
): Promise<Result> => {
  const service = await startService('usage-api', {
    ...scene.environment,
    ...signIn.environment,
    USAGE_API_PORT: '0',
    USAGE_API_TOKEN_KEYS: `bench:${'00'.repeat(32)}`,
  });
  try {
    const headers = await signIn.headersOf('Reader', PROVIDER_SUBSCRIPTION);
    const get = getWith(await service.address('url'), headers);
    await walk(get, firstPage('Daily'), WARM_UP_PAGES);
    return await task(get);
  } finally {
    await service.kill();
  }
};

const figuresOf = (
  walked: Walk,
  fresh: readonly number[],
  again: readonly number[],
  problem: string | null,
): readonly Figure[] => {
  const figure = (
    title: string,
    value: number,
    unit: string,
    target: Figure['target'],
  ): Figure => ({ row: ROW, title, value, unit, target, problem });
  const first = median(walked.millis.slice(0, ENDS));
  const last = median(walked.millis.slice(-ENDS));
  return [
    figure('one client, median', median(walked.millis), 'ms', atMost(30)),
    figure('one client, first pages', first, 'ms', null),
    figure('one client, last pages', last, 'ms', null),
    // As fast, as far as five pages can tell.
    figure('last pages against first', last / first, '×', atMost(1.25)),
    figure('ten clients, pages that nobody has read, p50', quantile(fresh, 0.5), 'ms', null),
    figure(
      'ten clients, pages that nobody has read, p99',
      quantile(fresh, 0.99),
      'ms',
      atMost(120),
    ),
    figure('ten clients, pages that one has read, p50', quantile(again, 0.5), 'ms', null),
    figure('ten clients, pages that one has read, p99', quantile(again, 0.99), 'ms', atMost(120)),
  ];
};

export const pages: BenchRow = {
  name: ROW,
  title: 'milliseconds for pages of 1,000 rows of the usage API, in an hour of 600,000 windows',
  run: async (bench) => {
    const { options, say } = bench;
    const windows = options.quick ? 60_000 : 600_000;
    const pagesOfEach = options.quick ? 5 : 20;
    const scene = await openScene(bench.servers, ROW);
    const signIn = await openTestSignIn();
    try {
      await fillHour(scene, bench, windows);
      const { walked, again } = await withApi(scene, signIn, async (get) => {
        const read = await walk(get, firstPage('Hourly'));
        say(`  ${String(read.paths.length)} pages read by one client; now by ten at once`);
        return { walked: read, again: await severalClients(get, read.paths, pagesOfEach) };
      });
      const fresh = await withApi(scene, signIn, (get) =>
        severalClients(get, walked.paths, pagesOfEach),
      );
      const problem =
        walked.rows === windows
          ? await auditProblem(scene)
          : `the pages have ${String(walked.rows)} rows instead of ${String(windows)}`;
      return figuresOf(walked, fresh, again, problem);
    } finally {
      await signIn.close();
      await dropDatabase(scene);
    }
  },
};
