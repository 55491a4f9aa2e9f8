import { leastRatioAt } from '@tp/core/host'
import { methodOf } from '../registry/methods.ts'
import { candidateName, NONE, pruned, SEEDS, type Setting, type SettingBudget } from '../registry/settings.ts'
import type { TunedCell, TunedValue } from './cell.ts'
import type { ComparedForm } from './subjects.ts'

/** How much is measured. */
export interface Extent {
  /** Methods without training, by what they are tried on. */
  readonly methods: Readonly<Record<ComparedForm['modality'], readonly string[]>>
  /** The methods among these that tuning chooses from; without any nothing is tuned. */
  readonly tuned: Readonly<Record<ComparedForm['modality'], readonly string[]>>
  /** Keep ratios at each of some layers, and at one. */
  readonly gradually: readonly number[]
  readonly atOnce: readonly number[]
  /** At most so many examples of a split. */
  readonly examples: number
  /** Time for each cell of times, and examples that are timed at their own lengths. */
  readonly budgetMs: number
  readonly timedExamples: number
  readonly tokens: readonly number[]
  readonly batches: readonly number[]
  /** Shapes that are timed in a browser: batch and tokens. */
  readonly web: readonly (readonly [batch: number, tokens: number])[]
  /** Examples that are shifted, and how much. */
  readonly shifted: { readonly examples: number; readonly severity: number }
}

const forPatches = [
  ...['cls-attention', 'received-attention', 'value-aware', 'ats', 'evit'],
  ...['diffrate', 'tome', 'pitome', 'zero-tprune'],
]

const toTunePatches = ['received-attention', 'cls-attention', 'quasi-random', 'tome']

/** One of each kind of every family that needs no training. */
export const fullExtent: Extent = {
  methods: {
    text: ['received-attention', 'value-aware', 'cls-attention', 'balanced', 'ats', 'evit', 'tome', 'zero-tprune'],
    image: forPatches,
    audio: forPatches,
  },
  tuned: {
    text: ['received-attention', 'value-aware', 'cls-attention', 'balanced'],
    image: toTunePatches,
    audio: toTunePatches,
  },
  gradually: [0.9, 0.8, 0.7, 0.6, 0.5],
  atOnce: [0.5, 0.3, 0.1],
  examples: 2000,
  budgetMs: 8000,
  timedExamples: 8,
  tokens: [8, 16, 32, 64, 128, 256, 512],
  batches: [1, 4, 16],
  web: [
    [1, 32],
    [1, 128],
    [1, 512],
    [4, 128],
  ],
  shifted: { examples: 250, severity: 3 },
}

const fewToTune = ['received-attention', 'cls-attention']
const few = ['received-attention', 'cls-attention', 'tome']

/** Enough to see everything once, in minutes. */
export const quickExtent: Extent = {
  methods: { text: few, image: few, audio: few },
  tuned: { text: fewToTune, image: fewToTune, audio: fewToTune },
  gradually: [0.7],
  atOnce: [0.5, 0.1],
  examples: 160,
  budgetMs: 1000,
  timedExamples: 6,
  tokens: [16, 64, 256],
  batches: [1, 4],
  web: [[1, 64]],
  shifted: { examples: 60, severity: 3 },
}

/** The competitors: of the methods without training the best stands for pruning. */
export type Way =
  | 'pruning'
  | 'tuned'
  | 'learned'
  | 'int8'
  | 'int8 + pruning'
  | 'layers left out'
  | 'truncation'
  | 'random'
  | 'evenly spread'

/** Ways without a look at the tokens. */
export const controlWays: readonly Way[] = ['truncation', 'random', 'evenly spread']

/** A candidate at its settings, from keeping most to keeping little. */
export interface Sweep {
  readonly way: Way
  readonly name: string
  readonly settings: readonly Setting[]
  /** Accuracy is that of one run for each of these seeds. */
  readonly seeds?: readonly number[]
}

export function sweep(way: Way, settings: readonly Setting[], seeds?: readonly number[]): Sweep {
  return { way, name: candidateName(settings[0] as Setting), settings, ...(seeds && { seeds }) }
}

function budgetsOf(form: ComparedForm, { gradually, atOnce }: Extent): SettingBudget[] {
  return [
    ...gradually.map((keep) => ({ keep, layers: form.gradual })),
    ...atOnce.map((keep) => ({ keep, layers: [form.atOnce] })),
  ]
}

/** A method at all budgets that are different for it: what merges in pairs never keeps less than half of the tokens at once. */
function methodSettings(form: ComparedForm, extent: Extent, method: string): Setting[] {
  const least = leastRatioAt(methodOf({ method }), form.atOnce)
  const budgets = budgetsOf(form, extent).filter(({ keep }) => typeof keep === 'number' && keep >= least)
  return budgets.map((budget) => pruned(method, budget))
}

/** The available files decide which comparisons are possible. */
export interface Available {
  readonly int8: boolean
  /** Names of trained files, without their endings. */
  readonly learned: readonly string[]
  /** There is a browser. */
  readonly web: boolean
}

/** The settings known before anything is measured: methods, controls, 8-bit products, and learned ones. */
export function fixedSweeps(form: ComparedForm, extent: Extent, available: Available): Sweep[] {
  const of = (way: Way, method: string, seeds?: readonly number[]): Sweep =>
    sweep(way, methodSettings(form, extent, method), seeds)
  const cut = budgetsOf(form, extent).map((budget): Setting => ({ kind: 'truncated', budget }))
  return [
    ...extent.methods[form.modality].map((method) => of('pruning', method)),
    of('random', 'random', SEEDS),
    ...(form.modality === 'text'
      ? [sweep('truncation', cut)]
      : ['stride', 'quasi-random'].map((method) => of('evenly spread', method))),
    ...(available.int8 ? [sweep('int8', [{ ...NONE, int8: true }])] : []),
    ...available.learned.map((file) => sweep('learned', [{ kind: 'learned', file }])),
  ]
}

/** A method on the model with 8-bit products. */
export function int8Sweep(form: ComparedForm, extent: Extent, method: string): Sweep {
  const settings = methodSettings(form, extent, method)
  return sweep(
    'int8 + pruning',
    settings.map((setting): Setting => ({ ...setting, int8: true })),
  )
}

/** The tuning of a subject; undefined where nothing is chosen, or the extent names no methods. */
export function tunedCell(
  { name, modality, examples }: ComparedForm,
  extent: Extent,
  maxLoss: number,
): TunedCell | undefined {
  const methods = extent.tuned[modality]
  if (examples.calibration === 0 || methods.length === 0) return undefined
  const most = Math.min(extent.examples, examples.calibration)
  return { kind: 'tuned', subject: name, methods, maxLoss, examples: most }
}

/** The plan that was tuned; without a setting where nothing that is faster holds. */
export function tunedSweep({ setting }: TunedValue): Sweep {
  if (setting === undefined) return { way: 'tuned', name: 'tuned', settings: [] }
  return { way: 'tuned', name: `tuned ${setting.method}`, settings: [setting] }
}

/** The method of the grids; which one it is does not depend on the numbers. */
export const MAIN_METHOD = 'received-attention'

/** Ratios whose time is measured at all shapes. */
const [MILD, HARSH] = [0.7, 0.5]

/** Settings whose time is measured at all shapes. */
export function gridSettings(form: ComparedForm, { int8 }: Pick<Available, 'int8'>): Setting[] {
  const at = (method: string, keep: number): Setting => pruned(method, { keep, layers: form.gradual })
  const main = at(MAIN_METHOD, MILD)
  const eightBit: Setting[] = [
    { ...NONE, int8: true },
    { ...main, int8: true },
  ]
  const others = [at(MAIN_METHOD, HARSH), at('tome', MILD), at('random', MILD)]
  return [main, ...others, ...(int8 ? eightBit : [])]
}

/** A setting as it is run: once, or once for every seed. */
export function runsOf({ seeds }: Sweep, setting: Setting): Setting[] {
  if (seeds === undefined || setting.kind !== 'pruned') return [setting]
  return seeds.map((seed) => ({ ...setting, seed }))
}
