import { writeHistory } from '../../../services/operations/history-runs/history-run.ts';
import { readSources } from '../../../services/shared/sources/register.ts';
import { HOUR_MILLIS, isoText, nextHour } from '../../../services/shared/model/time.ts';
import type { UsagePage } from '../../../services/usage-api/usage-page.ts';
import { usagePath } from '../../../services/usage-api/usage-path.ts';
import { API_VERSION } from '../../../services/usage-api/usage-query.ts';
import { openTestSignIn } from '../../support/sign-in.ts';
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

interface Answer {
  readonly millis: number;
  readonly page: UsagePage;
}

type Get = (url: string) => Promise<Answer>;

const getWith =
  (headers: Record<string, string>): Get =>
  async (url) => {
    const begun = performance.now();
    const answer = await fetch(url, { headers });
    const body = await answer.text();
    const millis = performance.now() - begun;
    if (!answer.ok) throw new Error(`the usage API answered ${String(answer.status)}: ${body}`);
    return { millis, page: JSON.parse(body) as UsagePage };
  };

const firstPage = (api: string): string => {
  const search = new URLSearchParams({
    reportedStartTime: isoText(REPORTED_HOUR),
    reportedEndTime: isoText(nextHour(REPORTED_HOUR, HOUR_MILLIS)),
    aggregationGranularity: 'Hourly',
    'api-version': API_VERSION,
  });
  return `${api}${usagePath('provider', PROVIDER_SUBSCRIPTION)}?${search.toString()}`;
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

/** All pages, one after another. */
const walk = async (
  get: Get,
  api: string,
): Promise<{ urls: string[]; millis: number[]; rows: number }> => {
  const walked = { urls: [] as string[], millis: [] as number[], rows: 0 };
  for (let url: string | undefined = firstPage(api); url !== undefined;) {
    const { millis, page }: Answer = await get(url);
    walked.urls.push(url);
    walked.millis.push(millis);
    walked.rows += page.value.length;
    url = page.nextLink;
  }
  return walked;
};

const severalClients = async (
  get: Get,
  urls: readonly string[],
  pagesOfEach: number,
): Promise<readonly number[]> => {
  const client = async (n: number): Promise<readonly number[]> => {
    const all: number[] = [];
    for (let k = 0; k < pagesOfEach; k++) {
      // Each client reads on from a place of its own.
      const url = urls[(Math.floor((n * urls.length) / CLIENTS) + k) % urls.length] ?? '';
      all.push((await get(url)).millis);
    }
    return all;
  };
  return (await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)))).flat();
};

export const pages: BenchRow = {
  name: ROW,
  title: 'milliseconds for pages of 1,000 rows of the usage API, in an hour of 600,000 windows',
  run: async (bench) => {
    const { options, say } = bench;
    const windows = options.quick ? 60_000 : 600_000;
    const scene = await openScene(bench.servers, ROW);
    try {
      await fillHour(scene, bench, windows);
      const signIn = await openTestSignIn();
      const service = await startService('usage-api', {
        ...scene.environment,
        ...signIn.environment,
        USAGE_API_PORT: '0',
      });
      try {
        const api = await service.address('url');
        const get = getWith(await signIn.headersOf('Reader', PROVIDER_SUBSCRIPTION));
        await get(firstPage(api)); // the first call of a process compiles what it needs
        const walked = await walk(get, api);
        say(`  ${String(walked.urls.length)} pages read by one client; now by ten at once`);
        const crowd = await severalClients(get, walked.urls, options.quick ? 5 : 20);
        const problem =
          walked.rows === windows
            ? await auditProblem(scene)
            : `the pages have ${String(walked.rows)} rows instead of ${String(windows)}`;
        const figure = (
          title: string,
          value: number,
          unit: string,
          target: Figure['target'],
        ): Figure => ({
          row: ROW,
          title,
          value,
          unit,
          target,
          problem,
        });
        const first = median(walked.millis.slice(0, ENDS));
        const last = median(walked.millis.slice(-ENDS));
        return [
          figure('one client, median', median(walked.millis), 'ms', atMost(30)),
          figure('one client, first pages', first, 'ms', null),
          figure('one client, last pages', last, 'ms', null),
          // As fast, as far as five pages can tell.
          figure('last pages against first', last / first, '×', atMost(1.25)),
          figure('ten clients, p50', quantile(crowd, 0.5), 'ms', null),
          figure('ten clients, p99', quantile(crowd, 0.99), 'ms', atMost(120)),
        ];
      } finally {
        await service.kill();
        await signIn.close();
      }
    } finally {
      await dropDatabase(scene);
    }
  },
};
