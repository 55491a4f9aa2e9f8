/** One sheet for light and dark, wide and narrow. */
export const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #1c2128; --soft: #59636e; --rule: #d1d9e0; --panel: #f6f8fa;
  --own: #0550ae; --chance: #bc4c00; --others: #b6bfc8; --good: #116329; --bad: #a40e26;
  --c0: #0550ae; --c1: #bc4c00; --c2: #116329; --c3: #8250df; --c4: #9a6700; --c5: #0e7a86; --c6: #bf3989; --heat: 5, 80, 174 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --rule: #30363d; --panel: #161b22;
  --own: #79c0ff; --chance: #ffa657; --others: #484f58; --good: #7ee787; --bad: #ff9492;
  --c0: #79c0ff; --c1: #ffa657; --c2: #7ee787; --c3: #d2a8ff; --c4: #e3b341; --c5: #56d4dd; --c6: #ff9bce; --heat: 88, 166, 255 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .4rem }
h2 { font-size: 1.35rem; margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--rule) }
h3 { font-size: 1.05rem; margin: 2rem 0 .4rem }
h4, .panel h3 { font-size: .875rem; margin: 0 0 .1rem; font-weight: 600 }
p, ul, figcaption { max-width: 46rem } p { margin: .5rem 0 } li { margin: .35rem 0 }
a { color: var(--own) } nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; list-style: none }
.soft, figcaption, .about { color: var(--soft); font-size: .875rem }
figure { margin: 1rem 0 } figcaption { margin: 0 0 .6rem }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.2rem 1rem }
.panels.wide { grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)) }
.panel { min-width: 0 } svg { max-width: 100%; height: auto; overflow: visible }
.scroll { overflow-x: auto; margin: 0 0 1.4rem } .scroll:focus-visible { outline: 2px solid var(--own) }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
.caption { color: var(--soft); font-size: .875rem; margin: 1rem 0 .3rem }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap }
th { color: var(--soft); font-weight: 600; vertical-align: bottom } th:first-child, td:first-child, td.words, th.words { text-align: left }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--page) }
td.words { white-space: normal; min-width: 10rem } td code { font-size: .8125rem; white-space: pre-wrap } tr.control td { color: var(--chance) } tr.base td { color: var(--soft) }
.heat { color: var(--ink); padding: .2rem .4rem; border-radius: 3px } details { margin: .8rem 0 } summary { cursor: pointer; color: var(--own) }
.keys { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: .3rem 0; list-style: none; font-size: .8125rem }
details.task > summary { font-size: 1.1rem; font-weight: 600; padding: .5rem 0; border-top: 1px solid var(--rule) }
.notes { color: var(--soft); font-size: .875rem; padding-left: 1.1rem }
@media screen and (max-width: 44rem) {
  table, tbody, tr, td { display: block } thead { display: none }
  tr { padding: .4rem 0; border-bottom: 1px solid var(--rule) }
  td, td.words { display: flex; gap: 1rem; justify-content: space-between; padding: .1rem 0; border: 0; white-space: normal; min-width: 0 }
  td::before { content: attr(data-label); color: var(--soft); text-align: left; flex: 0 0 auto; max-width: 45% }
  td:first-child { position: static; font-weight: 600 } td:empty { display: none }
}
@media print {
  :root { color-scheme: light } body { max-width: none; padding: 0; font-size: 9pt }
  details:not([open]), nav { display: none } .scroll { overflow: visible }
  table { width: 100%; font-size: 8pt } th, td { padding: .15rem .3rem; white-space: normal } tr, .panel { break-inside: avoid }
  .panels.wide { grid-template-columns: repeat(3, 1fr) }
}
`
