import { readFile } from 'node:fs/promises'
import * as Plot from '@observablehq/plot'
import { projectPath, writeWhole } from '../files.ts'
import { plotSvg } from '../report/plot.ts'
import { type EvidenceRow, readEvidence } from './evidence.ts'

/** The batch that plots show: the largest as it comes. */
const BATCHES = ['32', '8'] as const

const colors = { ours: '#2563eb', rival: '#dc2626', control: '#6b7280' } as const

function groupOf({ kind }: EvidenceRow): keyof typeof colors {
  if (kind === 'rival') return 'rival'
  return kind === 'random' || kind === 'dense' ? 'control' : 'ours'
}

/** Rows that lose more are of no use, and would press the others together. */
const MOST = 12

/** One plot a case: loss against speed, with whole intervals. */
export async function writePlots(): Promise<void> {
  const rows = await readEvidence()
  for (const name of new Set(rows.map((row) => row.case))) {
    const path = projectPath(`docs/results/outside-${name}.svg`)
    // Files of their own name the language that they are in.
    const svg = plotOf(rows.filter((row) => row.case === name)).replace(
      '<svg ',
      '<svg xmlns="http://www.w3.org/2000/svg" ',
    )
    if ((await readFile(path, 'utf8').catch(() => '')) !== svg) await writeWhole(path, svg)
  }
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
    low: row.loss?.low ?? 0,
    high: Math.min(MOST, row.loss?.high ?? 0),
  }))
  const shown = points.filter(({ loss }) => loss <= MOST)
  const label = `${first.case}: points of ${first.metric} lost against times as fast as the published file, in batches of ${batch} as they come`
  return plotSvg(label, {
    ...{ width: 760, height: 420, marginLeft: 50, marginRight: 150, marginBottom: 45 },
    style: { background: '#ffffff', color: '#111827' },
    x: { label: `times as fast, batches of ${batch} as they come`, grid: true, nice: true },
    y: { label: `points of ${first.metric} lost`, reverse: true, grid: true, nice: true },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(shown, { x: 'speed', y1: 'low', y2: 'high', stroke: ({ group }) => colors[group as 'ours'] }),
      Plot.dot(shown, { x: 'speed', y: 'loss', r: 4, fill: ({ group }) => colors[group as 'ours'] }),
      Plot.text(shown, {
        ...{ x: 'speed', y: 'loss', text: 'setting', textAnchor: 'start', dx: 8, lineWidth: 14 },
        fill: ({ group }) => colors[group as 'ours'],
      }),
    ],
  })
}
