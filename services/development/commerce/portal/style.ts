/** The portal's style, for light and dark, for a desk, a phone and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f4f5f7; --sheet: #ffffff; --ink: #1b1f24; --soft: #5b6470; --line: #dfe3e8; --band: #f0f2f5;
  --accent: #0b5cad; --on-accent: #ffffff; --warn: #8a4b00; --warn-band: #fff4e0;
  --c0: #2a6fb8; --c1: #3d9a73; --c2: #c27a1a; --c3: #8a5fb5; --c4: #b8475b; --c5: #4a93a6; --c6: #7c8a2b; --c7: #8b7a6b;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121417; --sheet: #1a1d21; --ink: #e6e8ea; --soft: #9aa3ad; --line: #2c3137; --band: #22262b;
    --accent: #7db7f2; --on-accent: #10151b; --warn: #f0b866; --warn-band: #33280f;
    --c0: #5a9fe0; --c1: #5fbf97; --c2: #e0a24a; --c3: #b08ad8; --c4: #e07a8c; --c5: #74bccd; --c6: #abb95a; --c7: #b5a595;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.soft { color: var(--soft); }
small { font-size: 0.8125rem; }
td small, dd small { display: block; }
.id { font: 0.8125rem/1.5 var(--mono); overflow-wrap: anywhere; color: var(--soft); }
a.id { color: var(--accent); }
.missing { color: var(--warn); }

.bar { background: var(--sheet); border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 2rem; padding: 0.625rem max(1rem, calc((100vw - 76rem) / 2)); }
.brand { color: var(--ink); font-weight: 650; font-size: 1.0625rem; white-space: nowrap; }
.brand small { margin-left: 0.25rem; padding: 0.0625rem 0.4375rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft); font-weight: 500; }
.bar nav { display: flex; gap: 1.25rem; }
.bar nav a { padding: 0.25rem 0; color: var(--soft); border-bottom: 2px solid transparent; white-space: nowrap; }
.bar nav a[aria-current] { color: var(--ink); border-color: var(--accent); }

main { max-width: 78rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
.title { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0.25rem 1.5rem; margin-bottom: 1rem; }
h1 { margin: 0; font-size: 1.625rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 0 0 0.625rem; font-size: 1.0625rem; line-height: 1.3; }
h2 small { color: var(--soft); font-weight: 400; }
h3 { margin: 0 0 0.5rem; font-size: 0.9375rem; overflow-wrap: anywhere; }
.title p { margin: 0; }
.months { display: flex; justify-content: space-between; gap: 1.25rem; margin-top: 0.5rem; }

form { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: 0.625rem 0.875rem; align-items: end; padding: 0.875rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; }
label { min-width: 0; }
label span { display: block; margin-bottom: 0.125rem; color: var(--soft); font-size: 0.8125rem; }
input, select, button { width: 100%; height: 2.25rem; padding: 0 0.625rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: inherit; font: inherit; }
select { text-overflow: ellipsis; }
input::placeholder { color: var(--soft); opacity: 1; }
.actions { display: flex; align-items: center; gap: 1rem; }
button { width: auto; padding: 0 1.25rem; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }

.totals { display: grid; grid-template-columns: minmax(max-content, 1.5fr) repeat(4, minmax(0, 1fr)); margin: 1rem 0 0; background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.totals div { padding: 0.75rem 0.875rem; box-shadow: 1px 0 0 var(--line), 0 1px 0 var(--line); }
.totals dt { color: var(--soft); font-size: 0.8125rem; }
.totals dd { margin: 0; font-size: 1.1875rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.totals .main dd { font-size: 1.5rem; color: var(--accent); }
.totals dd small { display: inline; color: var(--soft); font-weight: 400; }

section { margin-top: 1.75rem; }
.chart { padding: 0.875rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart .narrow { display: none; }
.chart p { margin: 0.25rem 0 0; font-size: 0.8125rem; }
.grid { stroke: var(--line); }
.tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
.c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
.c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
.c6 { fill: var(--c6); background: var(--c6); } .c7 { fill: var(--c7); background: var(--c7); }
.legend { display: flex; flex-wrap: wrap; gap: 0.125rem 1.125rem; margin: 0.5rem 0 0; padding: 0; list-style: none; font-size: 0.8125rem; }
.legend i { display: inline-block; width: 0.6875rem; height: 0.6875rem; margin-right: 0.375rem; border-radius: 2px; }

table { width: 100%; border-collapse: collapse; background: var(--sheet); border: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th, td { padding: 0.4375rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: 400; overflow-wrap: anywhere; }
thead th { background: var(--band); color: var(--soft); font-size: 0.8125rem; white-space: nowrap; overflow-wrap: normal; }
tfoot th, tfoot td { background: var(--band); border-bottom: 0; font-weight: 600; }
.others { color: var(--soft); }
.hour th { background: var(--band); font-size: 0.8125rem; font-weight: 600; }
.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.usage table { margin-top: 1rem; }
.usage td.number { font-size: 0.8125rem; line-height: 1.75; }
.money { font-weight: 550; }
td a + a { margin-left: 0.75rem; }
section > p { margin: 0.5rem 0 0; font-size: 0.8125rem; }
td .until560 { display: none; }

.empty { margin-top: 1rem; padding: 3rem 1.5rem; border: 1px solid var(--line); border-radius: 8px; background: var(--sheet); text-align: center; }
.empty p { margin: 0; color: var(--soft); }
footer { margin-top: 1.75rem; color: var(--soft); font-size: 0.8125rem; }
footer p { max-width: 62rem; margin: 0; }

.screen { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 1.5rem; max-width: 56rem; margin: 0 auto 0.875rem; }
.sheet { max-width: 56rem; margin: 0 auto; padding: 2.25rem 2.5rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-end; gap: 0.5rem 2rem; padding-bottom: 1rem; border-bottom: 3px solid var(--accent); }
.head p { margin: 0; }
.amount { text-align: right; }
.amount span, .amount strong { display: block; }
.amount strong { color: var(--accent); font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.notice { margin: 1rem 0 0; padding: 0.5rem 0.875rem; border-left: 4px solid var(--warn); background: var(--warn-band); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 0.875rem 2rem; margin: 1.25rem 0 0; }
.facts dt { color: var(--soft); font-size: 0.8125rem; }
.facts dd { margin: 0; }
.sheet > h2 { margin: 2rem 0 0; }
.sheet > h2 + p { margin: 0; }
.note { margin: 2rem 0 0; padding-top: 0.75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.8125rem; }

@media (max-width: 64rem) {
  .wide .tick { font-size: 15px; }
}
@media (max-width: 50rem) {
  .from800 { display: none; }
  .sheet { padding: 1.5rem 1.25rem; }
}
@media (max-width: 35rem) {
  .from560 { display: none; }
  td .until560 { display: block; }
  .usage td.number { min-width: 18ch; font-size: 0.75rem; white-space: normal; overflow-wrap: anywhere; }
  main { padding-inline: 0.75rem; }
  th, td { padding: 0.4375rem 0.5rem; }
  .totals { grid-template-columns: 1fr 1fr; }
  .totals .main { grid-column: 1 / -1; }
  .chart .wide { display: none; }
  .chart .narrow { display: block; }
  .sheet { padding: 1.25rem 0.75rem; }
  .amount { text-align: left; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #bbb; --band: #f3f3f3; --accent: #0b5cad; --warn: #8a4b00; --warn-band: #fff; }
  @page { margin: 16mm; }
  html { font-size: 11.5px; }
  body { font-size: 1rem; }
  .bar, .screen { display: none; }
  main, .sheet { max-width: none; margin: 0; padding: 0; border: 0; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  tr { break-inside: avoid; }
  h2, h3, h2 + p { break-after: avoid; }
  .from560, .from800 { display: table-cell; }
}
`;
