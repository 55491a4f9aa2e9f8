import * as Plot from '@observablehq/plot'
import { TpError } from '@tp/core'
import type { Interval, VariantLatency } from '@tp/eval/metrics'
import { show } from '../measure/columns.ts'
import { type Candidate, candidate, chance, measure, type Row, timeCandidates } from '../measure/measure.ts'
import { fileOf } from '../measure/prepare.ts'
import { profileFiles, profileTable } from '../measure/profile.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { type Budget, DENSE, NONE, pruned, type Setting, settingText } from '../registry/settings.ts'
import { type SubjectForm, subjects } from '../registry/subjects.ts'
import { factor, points } from '../report/numbers.ts'
import { plotSvg, sideBySide } from '../report/plot.ts'
import type { Context, Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { attentionMaps } from './attention-maps.ts'

/** An encoder of images or sounds with how much of its data is used, and what is asked of its pruning. */
interface Encoder {
  readonly form: SubjectForm
  /** Examples that settings are chosen on; absent: nothing is chosen. */
  readonly calibration?: number
  readonly test?: number
  /** How much faster than dense, at how many points of loss at most. */
  readonly target?: { readonly speedup: number; readonly loss: number }
}

const encoders: Readonly<Record<string, Encoder>> = {
  'fashion-vit': { form: subjects['fashion-vit'], calibration: 1500, target: { speedup: 1.4, loss: 1 } },
  'digits-vit': {
    form: subjects['digits-mnist'],
    calibration: 1500,
    test: 2000,
    target: { speedup: 1.5, loss: 0.5 },
  },
  'vit-mnist': { form: subjects['vit-mnist'], test: 2000 },
  kwt1: { form: subjects.kwt1 },
}

const methods = ['quasi-random', 'tome', 'evit', 'cls-attention', 'received-attention', 'zero-tprune']
const AT_ONCE = [0.6, 0.55, 0.5]
const GRADUALLY = [0.9, 0.8]

/** At once in the first or the second layer, most in the second and a few before, or a little in each of others. */
function budgetsOf({ gradual }: SubjectForm): Budget[] {
  return [
    ...[0, 1].flatMap((layer) => AT_ONCE.map((keep) => ({ keep, layers: [layer] }))),
    { keep: [0.9, 0.6], layers: [0, 1] },
    ...GRADUALLY.map((keep) => ({ keep, layers: gradual })),
  ]
}

function candidatesOf(form: SubjectForm): { readonly scored: Candidate[]; readonly random: Candidate[] } {
  const budgets = budgetsOf(form)
  // at once, and then a little
  const both = AT_ONCE.map((keep) => ({ keep: [keep, ...form.gradual.map(() => 0.9)], layers: [0, ...form.gradual] }))
  const of = (method: string, own: readonly Budget[]): Candidate[] =>
    own.map((budget) => candidate(pruned(method, budget)))
  const scored = methods.flatMap((method) => of(method, budgets))
  return { scored: [...scored, ...of('spread, then merge', both)], random: budgets.map((budget) => chance(budget)) }
}

/** Examples that each seed is tried on at most: five seeds on all of them would take longer than all methods. */
const SEED_EXAMPLES = 1000

/** A setting with what it costs in answers and saves in work. */
export interface AccuracyLine extends Pick<Row, 'name' | 'settings' | 'flops'> {
  /** Points lost against dense, paired by example: where settings are chosen (absent for controls), and on test data. */
  readonly calibration?: Interval | undefined
  readonly test: Interval
}

interface AccuracyValues {
  /** Percent right. */
  readonly dense: number
  readonly lines: readonly AccuracyLine[]
}

/** Accuracy against multiply-adds of every candidate at every budget. */
function accuracy(name: string, { form, calibration, test }: Encoder): Section {
  return {
    name: `${name}-accuracy`,
    async run(context) {
      const { scored, random } = candidatesOf(form)
      const [dense, none] = [candidate(DENSE), candidate(NONE)]
      const opened = await openSubject(context, form, 'test', test)
      const chosenOn = calibration === undefined ? [] : await measureOn(context, form, calibration, [dense, ...scored])
      const [first, ...rows] = (await measure(context, opened, [dense, none, ...scored])) as [Row, ...Row[]]
      const [, ...chances] = await measure(context, firstOf(opened, SEED_EXAMPLES), [dense, ...random])
      const lines = [...rows, ...chances].map(({ name, settings, flops, loss }): AccuracyLine => {
        const own = chosenOn.find((row) => row.settings[0] === settings[0])
        return { name, settings, flops, calibration: own?.loss, test: loss }
      })
      const values: AccuracyValues = { dense: first.accuracy.estimate, lines }
      const chosen = calibration === undefined ? 'nothing is chosen' : `chosen on ${calibration} others`
      const caption = `Dense is right in ${points(first.accuracy)} % of ${opened.lengths.length} test examples; ${chosen}; random: 5 seeds on at most ${SEED_EXAMPLES}`
      const columns = {
        ...lineColumns,
        'loss where chosen': ({ calibration: own }: AccuracyLine) => (own ? points(own) : ''),
      }
      return { tables: [tableOf(caption, columns, lines)], values }
    },
  }
}

const lineColumns: Columns<AccuracyLine> = {
  method: ({ name }) => name,
  budget: ({ settings: [setting] }) => settingText(setting),
  FLOPs: ({ flops }) => factor(flops),
  'test loss': ({ test }) => points(test),
}

async function measureOn(context: Context, form: SubjectForm, count: number, candidates: readonly Candidate[]) {
  return measure(context, await openSubject(context, form, 'calibration', count), candidates)
}

function firstOf(subject: Subject, count: number): Subject {
  const { inputs, lengths } = subject
  return {
    ...subject,
    inputs: { ...inputs, targets: inputs.targets.slice(0, count) },
    lengths: lengths.slice(0, count),
  }
}

/**
 * The fastest setting of each candidate (by FLOPs) whose loss where settings are chosen is small enough; where none is,
 * the one that loses least.
 */
export function chosenLines(lines: readonly AccuracyLine[], allowed: number): AccuracyLine[] {
  return [...new Set(lines.map(({ name }) => name))].flatMap((name) => {
    const own = lines.filter((line) => line.name === name && line.calibration !== undefined)
    const loss = ({ calibration }: AccuracyLine): number => calibration?.estimate ?? Number.POSITIVE_INFINITY
    const within = own.filter(({ calibration }) => calibration && isSmall(calibration, allowed))
    const [best] = within.length > 0 ? within.sort((a, b) => b.flops - a.flops) : own.sort((a, b) => loss(a) - loss(b))
    return best ?? []
  })
}

/** The estimate is at most what is allowed, and the interval ends at most a point beyond. */
export function isSmall({ estimate, high }: Interval, allowed: number): boolean {
  return estimate <= allowed && high <= allowed + 1
}

const BATCHES = [
  { batch: 1, turns: 6, budgetMs: 10_000 },
  { batch: 16, turns: 2, budgetMs: 18_000 },
] as const

/** A setting with its times, by size of the batch. */
interface SpeedLine extends AccuracyLine {
  readonly times: readonly VariantLatency[]
}

/** The same settings against the clock, and a drawing of both. */
function speed(name: string, { form, test, target }: Encoder): Section {
  return {
    name: `${name}-speed`,
    async run(context) {
      const found = context.found(`${name}-accuracy`)?.values as AccuracyValues | undefined
      if (found === undefined)
        throw new TpError('TP_OPTION', 'benchmark', `the section ${name}-accuracy has to be measured first`)
      const subject = await openSubject(context, form, 'test', test)
      const nothing = { estimate: 0, low: 0, high: 0 }
      const dense: AccuracyLine = { ...candidate(DENSE), flops: 1, test: nothing }
      const lines = [dense, ...found.lines]
      const times: VariantLatency[][] = lines.map(() => [])
      for (const { batch, turns, budgetMs } of BATCHES) {
        context.onProgress(`${lines.length} models, batches of ${batch}`)
        const at = { batch, tokens: form.tokens as number, turns }
        const own = await timeCandidates(context.runtime, subject, lines, { at, rounds: 200, budgetMs })
        for (const [i, time] of own.entries()) times[i]?.push(time)
      }
      const rows = lines.map((line, i): SpeedLine => ({ ...line, times: times[i] as VariantLatency[] }))
      const tables = [tableOf('All settings, p50 in ms a batch', { ...lineColumns, ...timeColumns }, rows)]
      if (target !== undefined) {
        const chosen = chosenLines(rows, target.loss) as SpeedLine[]
        const caption = `Asked for: ${target.speedup}× at a loss of at most ${target.loss}. Of each method the setting of fewest FLOPs that loses at most as much where settings are chosen, with an interval that ends at most a point beyond (or, where none does, the one that loses least)`
        tables.push(tableOf(caption, { ...lineColumns, ...timeColumns }, chosen))
      }
      const file = `vision-${name}`
      const alt = 'Loss against FLOPs and against time'
      return { tables, drawings: [{ file, alt, svg: drawing(form.title, found.dense, rows, target) }], values: rows }
    },
  }
}

const timeColumns: Columns<SpeedLine> = Object.fromEntries(
  BATCHES.flatMap(({ batch }, i): [string, (line: SpeedLine) => string][] => [
    [`ms, batch ${batch}`, ({ times }) => times[i]?.p50Ms.toFixed(2) ?? ''],
    [`×, batch ${batch}`, ({ times }) => factor(times[i]?.speedup.value ?? Number.NaN)],
  ]),
)

/** Losses beyond it are not drawn. */
const MOST_LOSS = 10
const PANEL = { width: 400, height: 380 }

/** Loss against what is gained, one panel for each way to count that; up and to the right is better. */
function drawing(title: string, dense: number, rows: readonly SpeedLine[], target: Encoder['target']): string {
  const drawn = rows.filter(({ test, settings: [{ kind }] }) => test.estimate <= MOST_LOSS && kind === 'pruned')
  const panel = (x: string, of: (line: SpeedLine) => number, goal: Encoder['target']): string => {
    const marks = { x: of, y: ({ test }: SpeedLine) => test.estimate, stroke: 'name' }
    const positionsOf = ({ name, settings: [own] }: SpeedLine) =>
      `${name} ${own.kind === 'pruned' ? own.budget.layers : ''}`
    return plotSvg(`${title}: test loss against ${x}`, {
      ...PANEL,
      x: { label: x, tickFormat: (value: number) => `${value}×`, nice: true },
      y: { reverse: true, grid: true, label: `test loss in points (dense: ${dense.toFixed(1)} % right)` },
      color: { scheme: 'observable10', legend: false },
      symbol: { legend: false },
      marks: [
        ...(goal
          ? [
              Plot.ruleX([goal.speedup], { strokeDasharray: '4 3' }),
              Plot.ruleY([goal.loss], { strokeDasharray: '4 3' }),
            ]
          : []),
        Plot.line(drawn, { ...marks, z: positionsOf, strokeOpacity: 0.4 }),
        Plot.dot(drawn, { ...marks, symbol: 'name', fill: 'name', r: 3.5 }),
        // the name next to the fastest setting
        Plot.text(
          drawn,
          Plot.selectMaxX({ x: of, y: marks.y, z: 'name', text: 'name', fill: 'name', dy: -9, fontSize: 9 }),
        ),
      ],
    })
  }
  const panels = [
    panel('FLOPs, times fewer than dense', ({ flops }) => flops, undefined),
    ...BATCHES.map(({ batch }, i) =>
      panel(`times as fast as dense, batch ${batch}`, ({ times }) => times[i]?.speedup.value ?? 1, target),
    ),
  ]
  return sideBySide(title, panels, PANEL.width, PANEL.height)
}

const at = (layer: number, keep = 0.6): Budget => ({ keep, layers: [layer] })

/** Scores, merges and schedules that the tables above do without, and attention turned around. */
const triedSettings: readonly Setting[] = [
  pruned('stride', at(0)),
  pruned('stride', at(0, 0.5)),
  pruned('quasi-random-merged', at(0)),
  pruned({ method: 'tome', params: { proportionalAttention: false } }, { keep: 0.8, layers: [1, 2, 3, 4] }),
  pruned('tofu', at(1)),
  pruned('pitome', at(1)),
  pruned('diffrate', at(1)),
  pruned('merge, then drop', { keep: [0.7, 0.6], layers: [1, 3] }),
  pruned('spread, then attention', { keep: [0.6, 0.7], layers: [0, 3] }),
  ...[0, 1, 3].flatMap((layer) =>
    ['cls-attention', 'least attention', 'random'].map((method) => pruned(method, at(layer, 0.5))),
  ),
]

const tried: Section = {
  name: 'tried',
  async run(context) {
    const candidates = [DENSE, ...triedSettings].map((setting) => candidate(setting))
    const [, ...rows] = await measureOn(context, subjects['fashion-vit'], 1000, candidates)
    const options = ({ settings: [setting] }: Row): string =>
      setting.kind === 'pruned' && setting.params ? JSON.stringify(setting.params) : ''
    const columns = { ...show.method, options, ...show.budget, ...show.flops, ...show.loss }
    const caption = 'Where settings are chosen, 1000 examples; none of it was run on test data'
    return { tables: [tableOf(caption, columns, rows)], values: rows.map(({ correct: _, ...row }) => row) }
  },
}

/** Where the time of a model with one cut goes: dropping, merging what was dropped, and bipartite merging. */
const mergeCost: Section = {
  name: 'merge-cost',
  async run(context) {
    const subject = await openSubject(context, subjects['fashion-vit'], 'calibration', 16)
    const files: Record<string, Uint8Array> = {}
    for (const method of ['quasi-random', 'quasi-random-merged', 'tome'])
      files[method] = await fileOf(subject, pruned(method, at(1)))
    const tables: Table[] = []
    for (const { batch, runs } of [
      { batch: 1, runs: 100 },
      { batch: 16, runs: 12 },
    ]) {
      context.onProgress(`batches of ${batch}`)
      const feeds = await subject.inputs.feeds(Array.from({ length: batch }, (_, i) => i))
      const profiles = await profileFiles(context.runtime, files, feeds, runs)
      tables.push(profileTable(`Batch ${batch}, keep 0.6 once in layer 1, ms a run by operator`, profiles))
    }
    return { tables, values: tables }
  },
}

export const vision: Report = {
  name: 'vision',
  sections: [
    ...Object.entries(encoders).map(([name, encoder]) => accuracy(name, encoder)),
    ...Object.entries(encoders).map(([name, encoder]) => speed(name, encoder)),
    tried,
    attentionMaps,
    mergeCost,
  ],
}
