"""The page's look: system fonts, one accent, light and dark, phone and paper."""

from __future__ import annotations

from longshort.report.theme import DARK

_LOOK = """
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --soft: #57606a; --line: #d8dde2; --paper: #ffffff; --wash: #f5f7f9;
  --accent: #0072b2; --tint: #e8f2f9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ec; --soft: #a2abb5; --line: #363d45; --paper: #14171a; --wash: #1c2025;
    --accent: #6cb8e6; --tint: #17303f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: break-word;
}
main { max-width: 1000px; margin: 0 auto; padding: 2.2rem 1.5rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.012em; }
h2 {
  font-size: 1.2rem; line-height: 1.3; margin: 3rem 0 .8rem; padding-top: .9rem;
  border-top: 1px solid var(--line);
}
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p, ul, dl { margin: .6rem 0; max-width: 46rem; }
a { color: var(--accent); }
.source { color: var(--soft); margin: 0; max-width: none; }
.verdict {
  font-size: 1.4rem; line-height: 1.42; margin: 1.6rem 0 1.1rem; padding-left: 1.1rem;
  border-left: 4px solid var(--accent); max-width: 52rem; text-wrap: pretty;
}
nav { font-size: .9rem; color: var(--soft); }
nav a { margin-right: 1.1rem; white-space: nowrap; text-decoration: none; line-height: 1.9; }
nav a:hover, nav a:focus { text-decoration: underline; }
.scroll { overflow-x: auto; margin: .8rem 0; position: relative; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .42rem .7rem; text-align: left; vertical-align: baseline; }
th { font-weight: 600; }
td { white-space: nowrap; }
.wordy td:not(.n) { white-space: normal; min-width: 7rem; }
thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; line-height: 1.25; }
thead small {
  display: block; white-space: normal; font-weight: 400; color: var(--soft); font-size: .78rem;
}
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody + tbody .group > th { padding-top: 1.5rem; }
.group > th { border-bottom: 1px solid var(--line); }
.group span { font-weight: 400; color: var(--soft); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody th[scope=row] { font-weight: 400; }
.ours > * { background: var(--tint); }
.ours > th[scope=row] { font-weight: 600; }
.n b { border-bottom: 2px solid var(--accent); }
td small { color: var(--soft); font-size: .84em; }
.scores { font-size: .9rem; }
.scores th[scope=row] { min-width: 9.2rem; }
.scores th, .scores td { padding-left: .45rem; padding-right: .45rem; }
figure { margin: 1.1rem 0 1.6rem; }
figure > div {
  background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: .7rem;
}
.zoom input { margin: 0 .3rem 0 0; accent-color: var(--accent); }
.zoom label { margin-right: 1rem; font-size: .9rem; color: var(--soft); }
.zoom > div { margin-top: .4rem; }
.zoom input.far:checked ~ .near, .zoom input.near:checked ~ .far { display: none; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.narrow { display: none; }
figcaption, .caption {
  color: var(--soft); font-size: .9rem; line-height: 1.5; margin-top: .55rem; max-width: 46rem;
}
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; }
.facts dt, .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.facts dt { color: var(--soft); max-width: 16rem; }
.words dt { font-weight: 600; margin-top: .9rem; }
.words dd { margin: .1rem 0 0; }
.item { border-top: 1px solid var(--line); padding: .7rem 0; max-width: 52rem; }
.item p { margin: .2rem 0; max-width: none; overflow-wrap: anywhere; }
.item .head { color: var(--soft); font-size: .9rem; }
.item .head b { color: var(--ink); }
.item .head small { white-space: nowrap; margin-left: .5rem; }
mark { color: inherit; border-radius: 3px; padding: 0 .08em; }
.for { background: rgb(0 114 178 / calc(var(--w) * .45)); }
.against { background: rgb(213 94 0 / calc(var(--w) * .45)); }
mark.against { text-decoration: underline dotted; text-underline-offset: .2em; }
.pair > div { display: flex; gap: .8rem; margin: .15rem 0; }
.pair .who { color: var(--soft); flex: 0 0 2.2rem; font-size: .9rem; }
.pair [lang] { min-width: 0; overflow-wrap: anywhere; }
.entity { border: 1px solid var(--accent); background: var(--tint); border-radius: 4px;
  padding: 0 .25em; }
.entity small { color: var(--soft); }
.matrix { width: auto; }
.matrix td { text-align: right; font-variant-numeric: tabular-nums; min-width: 3.2rem; }
.heard { display: block; width: 100%; min-width: 36rem; height: auto; margin: .4rem 0; }
.heard path { fill: rgb(0 114 178 / calc(var(--w) * .9)); }
.heard path.line { fill: none; stroke: #0072b2; stroke-width: 1.4; }
.heard path.c1 { stroke: #e69f00; } .heard path.c2 { stroke: #009e73; }
.heard path.c3 { stroke: #cc79a7; } .heard path.c4 { stroke: #56b4e9; }
.heard path.c5 { stroke: #d55e00; }
.heard .piece { fill: rgb(213 94 0 / calc(.2 + var(--w) * .8)); }
.heard text { font-size: 13px; fill: var(--ink); }
.looked { display: block; max-width: none; }
.looked rect { fill: #0072b2; fill-opacity: var(--w); }
.looked text { font-size: 13px; fill: var(--ink); }
.said .who { flex-basis: 6.5rem; }
.seen { max-width: 8rem; max-height: 8rem; background: #fff; border: 1px solid var(--line); }
.bars { width: auto; }
.bar {
  background: linear-gradient(to left, rgb(0 114 178 / .22) calc(var(--w) * 100%), transparent 0);
}
audio { width: 100%; max-width: 24rem; height: 2.2rem; }
.none { color: var(--soft); font-style: italic; }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 700px) {
  main { padding: 1.3rem 1rem 2rem; }
  h1 { font-size: 1.45rem; }
  .verdict { font-size: 1.16rem; padding-left: .85rem; }
  th, td { padding: .4rem .5rem; }
  th[scope=row], thead th:first-child { overflow-wrap: normal; }
  .scores th[scope=row], .scores thead th:first-child {
    position: sticky; left: 0; background: var(--paper);
    min-width: 0; max-width: 8.5rem;
  }
  .scores .ours th[scope=row] { background: var(--tint); }
  .group th > div { position: sticky; left: .5rem; width: max-content; max-width: 80vw; }
  .facts { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: .3rem .9rem; }
  figure > div { padding: .4rem .25rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .zoom input.far:checked ~ .near, .zoom input.near:checked ~ .far { display: none; }
  .narrow svg { max-width: 460px !important; }
}
@media print {
  :root {
    --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --wash: #fff; --accent: #0072b2;
    --tint: #eef5fa;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  nav, .zoom input, .zoom label { display: none; }
  h2, h3, dt { break-after: avoid; }
  figure, tr, dd { break-inside: avoid; }
  figure > div { border: 0; padding: 0; }
  .scroll { overflow: visible; }
  .ours > * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
# charts are drawn once, for a light page; what is drawn in a colour follows the reader's scheme
_CHARTS = "\n".join(
    f'  svg [{mark}="{light}"] {{ {mark}: {dark}; }}'
    for light, dark in DARK.items()
    for mark in ("fill", "stroke")
)
CSS = f"""{_LOOK}@media screen and (prefers-color-scheme: dark) {{
  figure > div {{ background: var(--wash); }}
{_CHARTS}
}}
"""
