import { shapeText } from '../../measure/shapes.ts'
import type { SubjectPlan } from '../plan.ts'
import { isControl } from '../setting.ts'
import { speedupText } from '../verdict/words.ts'
import { gridName, gridTimes } from './grid.ts'
import { type Html, html } from './html.ts'
import { type TableRow, table } from './table.ts'

/** The same files in Node and in a browser. */
export function runtimesTable(plan: SubjectPlan): Html {
  const [node, web] = [gridTimes(plan), gridTimes(plan, plan.webCells())]
  if (web.length === 0) return html``
  const rows = web.map((one): TableRow => {
    const other = node.find(
      ({ name, batch, tokens }) => name === one.name && batch === one.batch && tokens === one.tokens,
    )
    const kind = isControl(one.setting) ? 'control' : one.setting.kind === 'dense' ? 'base' : undefined
    return {
      kind,
      cells: [one.name, shapeText(one), other ? speedupText(other.speedup) : '', speedupText(one.speedup)],
    }
  })
  const columns = [{ heading: 'setting' }, { heading: 'shape' }, { heading: 'Node' }, { heading: 'wasm in Chromium' }]
  return html`<h3>In Node and in a browser</h3>${table('Speed-up over “none” in the same runtime, one thread; that the answers are the same is measured elsewhere (docs/results/web.md)', columns, rows)}`
}

/** Graphs as onnxruntime rewrites them, and as they are. */
export function optimisationTable(plan: SubjectPlan): Html {
  const [cell] = plan.optimisationCells()
  if (cell === undefined || plan.timesOf(cell) === undefined) return html``
  const levels = [undefined, 'extended', 'basic', 'disabled'] as const
  const settings = cell.entrants.filter(({ optimisation }) => optimisation === undefined).map(({ setting }) => setting)
  const rows = settings.map((setting) => {
    const times = levels.map((level) => plan.speedupOf(cell, setting, level))
    return { cells: [gridName(setting), ...times.map((speedup) => (speedup ? speedupText(speedup) : ''))] }
  })
  const [at] = plan.optimisationCells().map(({ at }) => ('split' in at ? '' : shapeText(at)))
  const caption = `onnxruntime's own rewriting of graphs, at ${at}: speed-up over “none” with all of it, which is what every other table has`
  const columns = [{ heading: 'setting' }, ...levels.map((level) => ({ heading: level ?? 'all' }))]
  return html`<h3>onnxruntime's own optimised graph</h3>${table(caption, columns, rows)}`
}
