import { TpError } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import type { VariantLatency } from '@tp/eval/metrics'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, withoutDeadTokens } from '../measure/variant.ts'
import { factor, points } from '../output/numbers.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { type AccuracyLine, type AccuracyValues, chosenLines, isSmall } from './accuracy.ts'
import { type Encoder, encoders, openEncoder } from './encoders.ts'
import { type Series, scatterPlots } from './scatter-plots.ts'
import { candidates, cut, settingsOf, settingText } from './settings.ts'

const BATCHES = [
  { size: 1, inputs: 6, budgetMs: 10_000 },
  { size: 16, inputs: 2, budgetMs: 18_000 },
] as const

/** How many times faster than dense, by size of the batch. */
type Speeds = readonly VariantLatency[]

/** The same settings against the clock, and an image of both. */
export const speedSections: readonly Section[] = encoders.map((encoder) => ({
  name: `${encoder.name}-speed`,
  title: `${encoder.title}: accuracy against time`,
  run: (context) => measure(context, encoder),
}))

async function measure(context: Context, encoder: Encoder): Promise<Findings> {
  const accuracy = context.found(`${encoder.name}-accuracy`)?.values as AccuracyValues | undefined
  if (accuracy === undefined) {
    throw new TpError('TP_OPTION', 'benchmark', `the section ${encoder.name}-accuracy has to be measured first`)
  }
  const subject = await openEncoder(context, encoder, 'test')
  const settings = settingsOf(encoder)
  const files = [
    dense(subject).file,
    withoutDeadTokens(subject).file,
    ...settings.map((setting) => cut(subject, setting).file),
  ]
  const speeds = await timeAll(context, subject, files)
  const [denseSpeeds, noneSpeeds, ...own] = speeds as [Speeds, Speeds, ...Speeds[]]
  const rows = accuracy.lines.map((line, i) => ({ line, speeds: own[i] as Speeds }))
  await writeWhole(reportPath('svg', `vision-${encoder.name}`), image(encoder, accuracy, rows))
  const cells = (latencies: Speeds): string[] =>
    latencies.flatMap(({ p50Ms, speedup }) => [p50Ms.toFixed(2), factor(speedup.value)])
  return {
    tables: [
      {
        caption: 'All settings, p50 in ms a batch',
        headings: [
          'method',
          'budget',
          'test loss',
          'FLOPs',
          ...BATCHES.flatMap(({ size }) => [`ms, ${size}`, `×, ${size}`]),
        ],
        rows: [
          ['dense', '', '', factor(1), ...cells(denseSpeeds)],
          ['none', '', points({ estimate: 0, low: 0, high: 0 }), factor(accuracy.noneFlops), ...cells(noneSpeeds)],
          ...rows.map(({ line, speeds }) => [
            line.method,
            settingText(line.budget),
            points(line.test),
            factor(line.flops),
            ...cells(speeds),
          ]),
        ],
      },
    ],
    notes: [
      `![Loss against FLOPs and against time](vision-${encoder.name}.svg)`,
      ...targetNotes(encoder, accuracy, rows),
    ],
    values: rows.map(({ line: { method, budget, flops, test }, speeds }) => ({ method, budget, flops, test, speeds })),
  }
}

interface Row {
  readonly line: AccuracyLine
  readonly speeds: Speeds
}

/** By file, then by size of the batch. */
async function timeAll(
  { runtime, onProgress }: Context,
  subject: Subject,
  files: readonly Uint8Array[],
): Promise<Speeds[]> {
  const named = Object.fromEntries(files.map((file, i) => [`${i}`, file]))
  const speeds: VariantLatency[][] = files.map(() => [])
  for (const { size, inputs, budgetMs } of BATCHES) {
    onProgress(`${files.length} models, batches of ${size}`)
    const total = subject.inputs.targets.length
    const feeds: NamedTensors[] = []
    for (let turn = 0; turn < inputs; turn++) {
      feeds.push(await subject.inputs.feeds(Array.from({ length: size }, (_, i) => (turn * size + i) % total)))
    }
    const { variants } = await timeFiles(runtime, named, feeds, { rounds: 200, budgetMs })
    for (const [i, ofFile] of speeds.entries()) ofFile.push(variants[i] as VariantLatency)
  }
  return speeds
}

/** What was chosen for each candidate, and whether it does what was asked for. */
function targetNotes({ target }: Encoder, accuracy: AccuracyValues, rows: readonly Row[]): string[] {
  if (target === undefined) return []
  const heading = `Asked for: ${target.speedup}× at a loss of at most ${target.loss}. For each method the setting of fewest FLOPs that loses at most as much where settings are chosen, with an interval that ends at most a point beyond (or, where none does, the one that loses least):`
  return [
    heading,
    ...chosenLines(accuracy, target.loss).map((line) => {
      const speeds = rows.find((row) => row.line === line)?.speeds as Speeds
      const times = speeds.map(({ speedup: { value } }, i) => {
        return `${factor(value)} at batch ${BATCHES[i]?.size} (${value >= target.speedup ? 'reached' : 'not reached'})`
      })
      const loss = `${points(line.test)} (${isSmall(line.test, target.loss) ? 'reached' : 'not reached'})`
      return `- ${line.method}, ${settingText(line.budget)}: ${times.join(', ')}; test loss ${loss}.`
    }),
  ]
}

function image({ title, target }: Encoder, accuracy: AccuracyValues, rows: readonly Row[]): string {
  const series = (x: (row: Row) => number): Series[] =>
    candidates.map(({ name }) => {
      const own = rows.filter(({ line }) => line.method === name)
      const places = [...new Set(own.map(({ line }) => line.budget.layers.join()))]
      const groups = places.map((place) => own.filter(({ line }) => line.budget.layers.join() === place))
      return { name, groups: groups.map((group) => group.map((row) => [x(row), row.line.test.estimate])) }
    })
  return scatterPlots({
    title,
    y: `test loss in points (dense: ${accuracy.dense.toFixed(1)} % right)`,
    panels: [
      { x: 'FLOPs, times fewer than dense', series: series(({ line }) => line.flops) },
      ...BATCHES.map(({ size }, i) => ({
        x: `measured, times faster than dense, batch ${size}`,
        series: series(({ speeds }) => speeds[i]?.speedup.value as number),
        target: target && ([target.speedup, target.loss] as const),
      })),
    ],
  })
}
