import { readFile } from 'node:fs/promises'
import { points } from '@tp/compare'
import { isTpError } from '@tp/core'
import { type KeptFractions, keptFractions } from '@tp/metrics'
import { fitSchedule, keptCounts } from '@tp/train'
import { learnedPath } from '../files.ts'
import { show, showTimes } from '../measure/columns.ts'
import {
  candidate,
  chance,
  kept,
  type MeasuredCandidate,
  type MeasuredRow,
  measure,
  measureTimed,
  type TimedRow,
} from '../measure/measure.ts'
import type { MeasuredSubject } from '../measure/subject.ts'
import { methodOf, scheduleFor } from '../registry/methods.ts'
import { type MethodChoice, NONE, type PrunedSetting, pruned, type Setting } from '../registry/settings.ts'
import { percent } from '../report/numbers.ts'
import type { Report, ReportSection, SectionContext } from '../report/section.ts'
import { type TableColumns, tableOf } from '../report/table.ts'
import { type Learnable, type Material, openFashion, openImdb, openSst2 } from '../training/material.ts'
import {
  fashionMethods,
  fashionRun,
  fineTuning,
  type LearnedName,
  learnedMethods,
  type Otherwise,
  runOf,
} from '../training/methods.ts'
import { type LearnedFacts, type LearnedRun, learnOnce } from '../training/runs.ts'

/** Methods that need no training, and where they may prune. */
interface TrainingFree {
  readonly methods: readonly MethodChoice[]
  readonly layers: readonly (readonly number[])[]
}

const forTexts: TrainingFree = {
  methods: [
    { method: 'received-attention' },
    { method: 'value-aware' },
    { method: 'balanced', params: { values: true } },
    { method: 'cls-attention' },
  ],
  layers: [
    [1, 2, 3, 4],
    [0, 1, 2, 3, 4],
  ],
}

const forImages: TrainingFree = {
  methods: ['quasi-random', 'tome', 'received-attention', 'cls-attention'].map((method) => ({ method })),
  layers: [[0], [1], [1, 2, 3, 4]],
}

/** The training-free setting that loses least on the selection set, at a share of the FLOPs. */
async function bestTrainingFree(
  context: SectionContext,
  { test, material }: Learnable,
  share: number,
  { methods, layers: layerSets }: TrainingFree,
): Promise<PrunedSetting> {
  const { model, selection } = material
  const settings: PrunedSetting[] = []
  for (const choice of methods) {
    for (const layers of layerSets) {
      const drawn = scheduleFor(material.layers, { layers, keep: 0.6 })
      const fitting = { model, method: methodOf(choice), schedule: drawn, targetFlops: share, inputs: selection }
      // Merging in pairs removes at most half of the tokens, which may be too little at one layer.
      const fitted = await fitSchedule({ ...fitting, runtime: context.runtime }).catch(unreachable)
      if (fitted === undefined) continue
      const keep = layers.map((layer) => fitted.schedule.get(layer)?.value as number)
      settings.push(pruned(choice, { keep, layers }))
    }
  }
  const chosenOn = {
    ...test,
    inputs: selection,
    lengths: selection.lengths ?? test.lengths.slice(0, selection.targets.length),
  }
  const rows = await measure(context, chosenOn, [candidate(NONE), ...settings.map((setting) => candidate(setting))])
  const best = rows.slice(1).reduce((one, next) => (next.loss.estimate < one.loss.estimate ? next : one))
  return best.settings[0] as PrunedSetting
}

function unreachable(error: unknown): undefined {
  if (!isTpError(error) || error.code !== 'TP_FLOPS') throw error
}

interface Comparison {
  readonly name: string
  readonly open: (context: SectionContext) => Promise<Learnable>
  readonly share: number
  readonly trainingFree: TrainingFree
  /** The best training-free setting, its encoder learning as long as the others do. */
  readonly fineTuning: (setting: PrunedSetting) => LearnedRun
  /** Trainings of each method, one a seed. */
  readonly runs: (context: SectionContext) => Readonly<Record<string, readonly LearnedRun[]>>
}

/** Dense, controls, what needs no training, the same fine-tuned, and what is learned, at a share of the FLOPs. */
function compared({ name, open, share, trainingFree, fineTuning, runs }: Comparison): ReportSection {
  return {
    name,
    async run(context) {
      const learnable = await open(context)
      const { test } = learnable
      const setting = await bestTrainingFree(context, learnable, share, trainingFree)
      const tuned = `${setting.method}, fine-tuned`
      const facts = new Map<string, LearnedFacts>()
      const candidates: MeasuredCandidate[] = [
        candidate(NONE, 'dense'),
        candidate(setting, `${setting.method}, as it is`),
        chance(setting.budget),
        candidate(
          test.inputs.lengths === undefined
            ? pruned('stride', setting.budget)
            : { kind: 'truncated', budget: setting.budget, like: setting.method },
        ),
      ]
      for (const [name, own] of Object.entries({ [tuned]: [fineTuning(setting)], ...runs(context) })) {
        const settings: Setting[] = []
        for (const run of own) {
          const known = await learnOnce(context, run, learnable.material)
          if (!facts.has(name)) facts.set(name, known)
          settings.push({ kind: 'learned', file: run.key })
        }
        candidates.push({ name, settings: settings as [Setting, ...Setting[]] })
      }
      const rows = await measureTimed(context, test, candidates, {
        at: { examples: 32 },
        budgetMs: 60_000,
        rounds: 200,
      })
      const lines = rows.map((row) => ({ ...row, facts: facts.get(row.name) }))
      const caption = `${test.lengths.length} examples, one by one; FLOPs and speed-up against dense without its dead tokens, amounts fitted to ${share} of the FLOPs where settings are chosen`
      return { tables: [tableOf(caption, learnedColumns, lines)], values: { lines: lines.map(kept) } }
    },
  }
}

const learnedColumns: TableColumns<TimedRow & { readonly facts: LearnedFacts | undefined }> = {
  ...show.method,
  FLOPs: ({ flops }) => (1 / flops).toFixed(3),
  ...show.accuracy,
  seeds: ({ seeds }) => (seeds.length < 2 ? '' : `${Math.min(...seeds).toFixed(1)} … ${Math.max(...seeds).toFixed(1)}`),
  ...show.loss,
  ...showTimes.speedup,
  training: ({ facts }) => (facts === undefined ? '–' : `${facts.minutes.toFixed(0)} min`),
  schedule: ({ facts, settings: [setting] }) =>
    facts ? amountsText(facts) : setting.kind === 'pruned' ? keptText(setting) : '',
}

function keptText({ budget: { keep, layers } }: PrunedSetting): string {
  return `ratio ${[keep]
    .flat()
    .map((value, i) => `${layers[i]}: ${Number(value?.toPrecision(2))}`)
    .join(', ')}`
}

/** `threshold 1: 0.018, 2: 0.017` */
function amountsText({ schedule }: LearnedFacts): string {
  const amounts = schedule.map(([layer, { value }]) => `${layer}: ${Number(value.toPrecision(2))}`)
  return `${schedule[0]?.[1].kind} ${amounts.join(', ')}`
}

/** Where a text encoder learns, and how that differs from learning from sentences. */
interface Texts {
  readonly open: (context: SectionContext) => Promise<Learnable>
  readonly otherwise: Otherwise
}

const sst2: Texts = { open: openSst2, otherwise: {} }
const imdb: Texts = {
  open: (context) => openImdb(context, REPORTED),
  otherwise: { prefix: 'imdb-', settings: { batchSize: 8 } },
}

/** A share of the FLOPs, names of methods, seeds, and a share of the usual steps. */
function onTexts(
  name: string,
  { open, otherwise }: Texts,
  share: number,
  names: (context: SectionContext) => readonly LearnedName[],
  seeds = [0],
  effort = 1,
) {
  const own = { ...otherwise, effort }
  return compared({
    name,
    share,
    open,
    trainingFree: forTexts,
    fineTuning: ({ method, budget, params }) =>
      fineTuning(methodOf({ method, ...(params && { params }) }), budget.layers, share, own),
    runs: (context) =>
      Object.fromEntries(names(context).map((name) => [name, seeds.map((seed) => runOf(name, share, seed, own))])),
  })
}

/** The two learned methods that lost least at half of the FLOPs. */
function bestTwo({ found }: SectionContext): LearnedName[] {
  const { lines = [] } = (found('sst2-half')?.values ?? {}) as { lines?: MeasuredRow[] }
  const learned = lines.filter(({ name }) => Object.hasOwn(learnedMethods, name))
  return learned
    .sort((a, b) => a.loss.estimate - b.loss.estimate)
    .slice(0, 2)
    .map(({ name }) => name as LearnedName)
}

/** A little more than half: two methods that decide at three of its six layers. */
const FASHION_SHARE = 0.6

const fashion = compared({
  name: 'fashion',
  share: FASHION_SHARE,
  open: openFashion,
  trainingFree: forImages,
  fineTuning: ({ method, budget }) => fashionRun('fine-tuned', methodOf({ method }), budget.layers, FASHION_SHARE),
  runs: () =>
    Object.fromEntries(
      Object.entries(fashionMethods).map(([name, { method, layers }]) => [
        name,
        [fashionRun(name, method, layers, FASHION_SHARE)],
      ]),
    ),
})

const SHARE = 0.5
/** Test reviews that are reported. */
const REPORTED = 500

/** Those whose thresholds and policies see scores of another length than they were learned at. */
const generalization: ReportSection = {
  name: 'generalization',
  async run(context) {
    const sets = [
      { name: 'SST-2', ...(await sst2.open(context)), otherwise: sst2.otherwise },
      { name: 'IMDB', ...(await imdb.open(context)), otherwise: imdb.otherwise },
    ]
    const rows: (MeasuredRow & { readonly from: string; readonly to: string; readonly shares: KeptFractions })[] = []
    for (const name of ['ltp', 'tr-bert'] as const) {
      for (const from of sets) {
        const run = runOf(name, SHARE, 0, from.otherwise)
        await learnOnce(context, run, from.material as Material)
        for (const to of sets) {
          context.onProgress(`${name}, learned on ${from.name}, on ${to.name}`)
          const own = candidate({ kind: 'learned', file: run.key }, name)
          const [, row] = (await measure(context, to.test, [candidate(NONE), own])) as [MeasuredRow, MeasuredRow]
          rows.push({ ...row, from: from.name, to: to.name, shares: await keptBy(context, to.test, run.key) })
        }
      }
    }
    const columns: TableColumns<(typeof rows)[number]> = {
      ...show.method,
      'learned on': ({ from }) => from,
      'applied to': ({ to }) => to,
      kept: ({ shares }) => percent(shares.mean),
      'by layer, %': ({ shares }) => shares.layers.map((share) => (100 * share).toFixed(0)).join(' '),
      FLOPs: ({ flops }) => (1 / flops).toFixed(3),
      ...show.accuracy,
      loss: ({ loss }) => points(loss),
    }
    const caption = `Trained for a share of ${SHARE} of the FLOPs of one data set, and nothing fitted to the other; SST-2's dev set, and ${REPORTED} test reviews of IMDB`
    return { tables: [tableOf(caption, columns, rows)], values: rows.map(kept) }
  },
}

/** The share that a learned file keeps of a subject's examples. */
async function keptBy(
  { runtime }: SectionContext,
  { layers, inputs, lengths }: MeasuredSubject,
  key: string,
): Promise<KeptFractions> {
  await using session = await runtime.load(await readFile(learnedPath(`${key}.traced.onnx`)), { threads: 1 })
  return keptFractions(await keptCounts(session, inputs, 16), lengths, layers)
}

export const learned: Report = {
  name: 'learned',
  sections: [
    onTexts('sst2-half', sst2, 0.5, () => ['power-bert', 'ltp', 'adapler', 'tr-bert', 'length-adaptive']),
    onTexts('sst2-predicted', sst2, 0.5, () => ['sdtp']),
    onTexts('imdb-predicted', imdb, 0.45, () => ['sdtp']),
    // for fewer steps, since there are seven trainings
    onTexts('sst2-third', sst2, 0.35, bestTwo, [0, 1, 2], 0.6),
    fashion,
    generalization,
  ],
}
