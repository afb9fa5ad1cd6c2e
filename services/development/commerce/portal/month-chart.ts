import { COST_SCALE } from '../../../operations/rates/rate-book.ts';
import { DAY_MILLIS, isoText, millis, nextMonth, type Millis } from '../../../shared/model/time.ts';
import { amountText } from './amounts.ts';
import { html, type Html } from './html.ts';

/** What one part of the bill cost on each day of the month. */
export interface ChartSeries {
  readonly name: string;
  /** By the day of the month, from 1. */
  readonly costs: ReadonlyMap<number, bigint>;
}

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

const MARGIN = { top: 8, right: 4, bottom: 22, left: 46 };

/** For geometry only: amounts are exact everywhere else. */
const numberOf = (cost: bigint): number => Number(cost) / 10 ** COST_SCALE;

export const daysIn = (month: Millis): number =>
  Math.round((nextMonth(month) - month) / DAY_MILLIS);

/** A round number at or above `value`, so that the axis has four even steps. */
const roundUp = (value: number): number => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
};

const tickText = (value: number): string =>
  value >= 1000 ? `${String(+(value / 1000).toPrecision(3))}k` : String(+value.toPrecision(3));

const grid = (width: number, top: number, y: (value: number) => number): readonly Html[] =>
  [0, 0.25, 0.5, 0.75, 1]
    .map((part) => part * top)
    .map(
      (tick) =>
        html`<line class="grid" x1="${MARGIN.left}" x2="${width}" y1="${y(tick)}" y2="${y(tick)}" />
          <text class="tick" x="${MARGIN.left - 6}" y="${y(tick) + 4}" text-anchor="end">
            ${tickText(tick)}
          </text>`,
    );

const dayLabel = (day: number, x: number, y: number): Html =>
  html`<text class="tick" x="${x.toFixed(2)}" y="${y}" text-anchor="middle">${day}</text>`;

/** The cost of each day of a month as stacked bars, as SVG without a script. Colours are the style's. */
export const monthChart = (
  month: Millis,
  series: readonly ChartSeries[],
  { width, height }: ChartSize,
  currency: string,
): Html => {
  const days = daysIn(month);
  const numbers = Array.from({ length: days }, (_, i) => i + 1);
  const totalOf = (day: number): bigint =>
    series.reduce((sum, { costs }) => sum + (costs.get(day) ?? 0n), 0n);
  const top = roundUp(Math.max(...numbers.map((day) => numberOf(totalOf(day)))));
  const plot = {
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const y = (value: number): number => MARGIN.top + plot.height * (1 - value / top);
  const step = plot.width / days;
  const x = (day: number): number => MARGIN.left + (day - 1) * step;
  const every = width < 500 ? 5 : 2;
  const bars = numbers.map((day) => {
    let below = 0;
    const parts = series.map(({ costs }, at) => {
      const cost = numberOf(costs.get(day) ?? 0n);
      const bottom = y(below);
      below += cost;
      if (cost <= 0) return html``;
      return html`<rect
        class="c${at % 8}"
        x="${(x(day) + step * 0.14).toFixed(2)}"
        y="${y(below).toFixed(2)}"
        width="${(step * 0.72).toFixed(2)}"
        height="${Math.max(bottom - y(below), 0.5).toFixed(2)}"
      />`;
    });
    const date = isoText(millis(month + (day - 1) * DAY_MILLIS)).slice(0, 10);
    return html`<g>
      <title>${date}: ${amountText(totalOf(day))} ${currency}</title>
      ${parts}
    </g>`;
  });
  return html`<svg
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="Cost of each day in ${currency}; the table By day has the numbers"
  >
    ${grid(width, top, y)} ${bars}
    ${numbers
      .filter((day) => (day - 1) % every === 0)
      .map((day) => dayLabel(day, x(day) + step / 2, height - 6))}
  </svg>`;
};
