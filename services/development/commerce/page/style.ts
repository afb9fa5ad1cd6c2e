/** The page's style, for light and dark, for a desk and for a phone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9;
  --raised: #ffffff;
  --ink: #1c1e21;
  --soft: #5f656d;
  --line: #e3e4e0;
  --accent: #0b5cad;
  --band: #f2f3ef;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a;
    --raised: #1c1f23;
    --ink: #e7e8e6;
    --soft: #9aa1a9;
    --line: #2d3137;
    --accent: #7db7f2;
    --band: #212429;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 82rem;
  padding: 2.5rem 1.5rem 2rem;
  background: var(--paper);
  color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
}
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }

h1 { margin: 0; font-size: 1.625rem; line-height: 1.2; letter-spacing: -0.015em; font-weight: 650; }
h1 a { color: inherit; }
.title p { margin: 0.375rem 0 0; color: var(--soft); }
.summary { display: flex; flex-wrap: wrap; gap: 0.75rem 2.25rem; margin: 1.5rem 0 0; }
.summary dt { color: var(--soft); font-size: 0.8125rem; }
.summary dd { margin: 0; font-size: 1.125rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }

main { margin-top: 2rem; }
.totals { margin-bottom: 1.25rem; }
.totals summary { cursor: pointer; width: fit-content; color: var(--accent); }
.totals table { margin-top: 0.75rem; }

form { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: flex-end; margin-bottom: 1rem; }
label { flex: 1 1 16rem; }
label span { display: block; margin-bottom: 0.25rem; color: var(--soft); font-size: 0.8125rem; }
input, button { height: 2.25rem; padding: 0 0.75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); color: inherit; font: inherit; }
input { width: 100%; }
input.id { font: 0.8125rem var(--mono); }
input::placeholder { color: var(--soft); opacity: 0.8; }
button { background: var(--accent); border-color: var(--accent); color: var(--paper); font-weight: 550; cursor: pointer; }
form > a { line-height: 2.25rem; }

table { width: 100%; border-collapse: collapse; background: var(--raised); border: 1px solid var(--line); }
th, td { padding: 0.5rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-size: 0.8125rem; font-weight: 500; white-space: nowrap; }
tr:last-child > td { border-bottom: 0; }
tbody + tbody .hour th { border-top: 1px solid var(--line); }
.hour th { background: var(--band); padding-block: 0.375rem; font-size: 0.8125rem; font-weight: 600; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; }
td small { display: block; color: var(--soft); font-size: 0.8125rem; }
.what { font-weight: 550; }
.what small { font-weight: 400; }
.id, small.id { font-family: var(--mono); font-size: 0.75rem; }
.subscription { line-height: 1.875; white-space: nowrap; overflow-wrap: normal; }
.subscription a { color: inherit; }
.none { color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
/* Quantities stand under each other at the point; fractions longer than a double's wrap. */
.quantity { display: grid; grid-template-columns: minmax(5ch, 1fr) 20ch; font: 550 0.8125rem/1.7 var(--mono); }
td .whole { overflow-wrap: normal; }
.fraction { color: var(--soft); font-weight: 400; text-align: left; }
.unit { color: var(--soft); overflow-wrap: normal; }
.events .what { min-width: 13rem; }
.events .meter { min-width: 8rem; overflow-wrap: normal; }

nav { display: flex; justify-content: space-between; margin-top: 1rem; color: var(--soft); }
.empty { padding: 3.5rem 1.5rem; border: 1px solid var(--line); background: var(--raised); text-align: center; }
.empty h2 { margin: 0; font-size: 1.0625rem; }
.empty p { margin: 0.375rem 0 0; color: var(--soft); }
footer { margin-top: 2.5rem; color: var(--soft); font-size: 0.8125rem; }
footer p { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0; }
footer code { font-family: var(--mono); font-size: 0.75rem; line-height: 1.6; }

@media (max-width: 70rem) {
  body { padding: 1.5rem 1rem; }
  table, tbody { display: block; }
  thead { display: none; }
  tr { display: grid; grid-template-columns: auto 1fr; column-gap: 0.5rem; padding: 0.75rem 0.75rem; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  tr.hour { display: block; padding: 0; }
  .hour th { display: block; border-bottom: 0; }
  td { grid-column: 1 / -1; padding: 0; border: 0; }
  .subscription { order: 1; }
  .events .what, .events .meter { min-width: 0; }
  .events .meter { margin-top: 0.375rem; }
  .quantity { display: inline; }
  td.number { grid-column: 1; text-align: left; }
  td .whole { overflow-wrap: anywhere; }
  td.unit { grid-column: 2; font-size: 0.8125rem; line-height: 1.7; }
  .totals td.number:nth-child(2) { grid-column: 1 / -1; }
  .totals td.number:nth-child(2)::after { content: " events"; color: var(--soft); }
}
@media (max-width: 40rem) {
  .summary { display: grid; grid-template-columns: 1fr 1fr; }
  label { flex-basis: 100%; }
}
`;
