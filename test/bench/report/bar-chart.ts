import { numberText } from '../figure.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Whether it is the one that the chart is about. */
  readonly isOurs: boolean;
}

const WIDTH = 760;
const LEFT = 16;
const TOP = 48;
/** A line of text, the bar below it, and a gap. */
const ROW = 46;
const BAR = 18;
const MOST = WIDTH - 2 * LEFT - 90;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * Bars from left to right, one below another, each with its name above it and its value behind it: an SVG
 * that can be read on a light and on a dark page, by name as well as by colour.
 */
export const barChart = (title: string, unit: string, bars: readonly Bar[]): string => {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const height = TOP + bars.length * ROW + 8;
  const rows = bars.map(({ label, value, isOurs }, n) => {
    const y = TOP + n * ROW;
    const width = Math.max(1, (value / longest) * MOST).toFixed(1);
    return [
      `  <text class="label" x="${String(LEFT)}" y="${String(y + 12)}"${isOurs ? ' font-weight="bold"' : ''}>${escaped(label)}</text>`,
      `  <rect class="${isOurs ? 'ours' : 'other'}" x="${String(LEFT)}" y="${String(y + 18)}" width="${width}" height="${String(BAR)}" rx="2" />`,
      `  <text class="value" x="${(LEFT + Number(width) + 8).toFixed(1)}" y="${String(y + 32)}">${numberText(value)}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" role="img" font-family="system-ui, sans-serif" font-size="13">
  <title>${escaped(title)}</title>
  <style>
    .page { fill: #ffffff } .heading, .label, .value { fill: #1f2328 } .unit { fill: #59636e }
    .ours { fill: #0a66c2 } .other { fill: #9aa4af }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } .heading, .label, .value { fill: #e6edf3 } .unit { fill: #9198a1 }
      .ours { fill: #4c9be8 } .other { fill: #5b6570 }
    }
  </style>
  <rect class="page" width="100%" height="100%" />
  <text class="heading" x="${String(LEFT)}" y="26" font-size="16" font-weight="bold">${escaped(title)} <tspan class="unit" font-size="13" font-weight="normal">${escaped(unit)}</tspan></text>
${rows.join('\n')}
</svg>
`;
};
