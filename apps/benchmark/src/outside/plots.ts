import { readFile } from 'node:fs/promises'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { projectPath, writeWhole } from '../files.ts'
import { type EvidenceRow, readEvidence } from './evidence.ts'

const { document } = parseHTML('<!doctype html><html><body></body></html>')

/** The batch that plots show: the largest as it comes. */
const BATCHES = ['32', '8'] as const

const colors = { ours: '#2563eb', rival: '#dc2626', control: '#6b7280' } as const

function groupOf({ kind }: EvidenceRow): keyof typeof colors {
  if (kind === 'rival') return 'rival'
  return kind === 'random' || kind === 'dense' ? 'control' : 'ours'
}

/** Rows that lose more are of no use, and would press the others together. */
const MOST = 12

/** One plot a case: loss against speed, with whole intervals; of a processor with VNNI, if it was measured on one. */
export async function writePlots(): Promise<void> {
  const rows = await readEvidence()
  for (const name of new Set(rows.map((row) => row.case))) {
    const path = projectPath(`docs/results/outside-${name}.svg`)
    const all = rows.filter((row) => row.case === name)
    const own = all.filter(({ withoutVnni }) => withoutVnni === undefined)
    // Files of their own name the language that they are in.
    const svg = plotOf(own.length > 0 ? own : all).replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')
    if ((await readFile(path, 'utf8').catch(() => '')) !== svg) await writeWhole(path, svg)
  }
}

/** As wide as a phone, so that it is read there without zooming. */
const WIDTH = 420
const LINE = 19
/** Characters that a line of the list holds. */
const COLUMNS = 56

/** A line of the list, or two where it is too long for a phone. */
function listed(text: string): string[] {
  const end = text.length > COLUMNS ? text.lastIndexOf(' ', COLUMNS) : -1
  return end < 0 ? [text] : [text.slice(0, end), text.slice(end + 1)]
}

function plotOf(rows: readonly EvidenceRow[]): string {
  const [first] = rows as [EvidenceRow, ...EvidenceRow[]]
  const batch = BATCHES.find((size) => size in first.speed) ?? '1'
  // A setting that was chosen is shown once.
  const own = rows.filter((row) => !rows.some(({ setting }) => setting === `tp optimize: ${row.setting}`))
  const points = own.map((row) => ({
    setting: row.setting,
    group: groupOf(row),
    speed: row.speed[batch]?.[0] ?? 1,
    loss: row.loss?.estimate ?? 0,
    low: Math.max(-MOST, row.loss?.low ?? 0),
    high: Math.min(MOST, row.loss?.high ?? 0),
  }))
  // Fastest first, in the list, too.
  const shown = points
    .filter(({ loss }) => loss <= MOST)
    .toSorted((a, b) => b.speed - a.speed)
    .map((point, i) => ({ ...point, number: `${i + 1}` }))
  const fill = ({ group }: (typeof shown)[number]): string => colors[group]
  const list = shown.flatMap((point) =>
    listed(`${point.number}  ${point.setting}`).map((text, i) => ({
      text,
      indent: i === 0 ? 0 : 15,
      color: fill(point),
    })),
  )
  const label = `${first.case}: points of ${first.metric} lost against times as fast as the published file, in batches of ${batch} as they come`
  return plotSvg(label, {
    ...{ width: WIDTH, height: 360 + LINE * list.length, marginLeft: 42, marginRight: 20, marginTop: 30 },
    marginBottom: 60 + LINE * list.length,
    style: { background: '#ffffff', color: '#111827', fontSize: '13px' },
    x: { label: `times as fast, batches of ${batch} as they come`, labelOffset: 38, grid: true, nice: true, ticks: 6 },
    y: { label: `points of ${first.metric} lost`, reverse: true, grid: true, nice: true, ticks: 6 },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(shown, { x: 'speed', y1: 'low', y2: 'high', stroke: fill, strokeOpacity: 0.6 }),
      Plot.dot(shown, { x: 'speed', y: 'loss', r: 9, fill }),
      Plot.text(shown, { x: 'speed', y: 'loss', text: 'number', fill: '#ffffff', fontSize: 11, fontWeight: 'bold' }),
      ...list.map(({ text, indent, color }, i) =>
        Plot.text([text], {
          ...{ frameAnchor: 'bottom-left', textAnchor: 'start', dx: -34 + indent, dy: 62 + LINE * i, fill: color },
        }),
      ),
    ],
  })
}

/** A plot as SVG, with what it shows in words for those who do not see it. */
function plotSvg(label: string, options: Plot.PlotOptions): string {
  const svg = Plot.plot({ document: document as unknown as Document, ...options })
  // its parts are one image
  for (const part of svg.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  return svg.outerHTML
}
