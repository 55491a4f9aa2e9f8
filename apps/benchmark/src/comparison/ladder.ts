import type { Budget } from '../measure/compare.ts'
import { candidateOf, methodOf, type Setting } from './setting.ts'
import type { SubjectForm } from './subjects.ts'

/** How much is measured. */
export interface Extent {
  /** Methods without training, by what they are tried on. */
  readonly methods: Readonly<Record<SubjectForm['modality'], readonly string[]>>
  /** Shares kept at each of some layers, and at one. */
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
  readonly trajectories: number
  /** Examples that are shifted, and how much. */
  readonly shifted: { readonly examples: number; readonly severity: number }
}

const images = [
  'cls-attention',
  'received-attention',
  'value-aware',
  'ats',
  'evit',
  'diffrate',
  'tome',
  'pitome',
  'zero-tprune',
]

/** One of each kind of every family that needs no training. */
export const fullExtent: Extent = {
  methods: {
    text: ['received-attention', 'value-aware', 'cls-attention', 'balanced', 'ats', 'evit', 'tome', 'zero-tprune'],
    image: images,
    audio: images,
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
  trajectories: 3,
  shifted: { examples: 250, severity: 3 },
}

const few = ['received-attention', 'cls-attention', 'tome']

/** Enough to see everything once, in minutes. */
export const quickExtent: Extent = {
  methods: { text: few, image: few, audio: few },
  gradually: [0.7],
  atOnce: [0.5, 0.1],
  examples: 160,
  budgetMs: 1000,
  timedExamples: 6,
  tokens: [16, 64, 256],
  batches: [1, 4],
  web: [[1, 64]],
  trajectories: 2,
  shifted: { examples: 60, severity: 3 },
}

/** Of chance. */
const SEEDS = [0, 1, 2, 3, 4]

/** A candidate with its settings, from keeping most to keeping little. */
export interface Ladder {
  /** What it competes as: of the methods without training the best stands for pruning. */
  readonly group:
    | 'pruning'
    | 'learned'
    | 'int8'
    | 'int8 + pruning'
    | 'layers left out'
    | 'truncation'
    | 'random'
    | 'evenly spread'
  readonly name: string
  readonly settings: readonly Setting[]
  /** Accuracy is that of so many runs with other random numbers. */
  readonly seeds?: readonly number[]
}

function ladder(group: Ladder['group'], settings: readonly Setting[], seeds?: readonly number[]): Ladder {
  return { group, name: candidateOf(settings[0] as Setting), settings, ...(seeds && { seeds }) }
}

/** From keeping most to keeping little. */
function budgetsOf(form: SubjectForm, { gradually, atOnce }: Extent): Budget[] {
  return [
    ...gradually.map((keep) => ({ keep, layers: form.gradual })),
    ...atOnce.map((keep) => ({ keep, layers: [form.atOnce] })),
  ]
}

/** A method at all budgets that are different for it: what merges in pairs never keeps less than half of the tokens at once. */
function methodSettings(form: SubjectForm, extent: Extent, method: string): Setting[] {
  const least = methodOf(method).reduces === 'pair' ? 0.5 : 0
  const budgets = budgetsOf(form, extent).filter(({ keep }) => typeof keep === 'number' && keep >= least)
  return budgets.map((budget) => ({ kind: 'pruned', method, budget }))
}

/** What can be said before anything is measured: methods, controls, 8-bit products, and what was learned. */
export function fixedLadders(form: SubjectForm, extent: Extent, peers: Peers): Ladder[] {
  const of = (method: string): Setting[] => methodSettings(form, extent, method)
  return [
    ...extent.methods[form.modality].map((method) => ladder('pruning', of(method))),
    ladder('random', of('random'), SEEDS),
    ...(form.modality === 'text'
      ? [
          ladder(
            'truncation',
            budgetsOf(form, extent).map((budget): Setting => ({ kind: 'truncated', budget })),
          ),
        ]
      : [ladder('evenly spread', of('stride')), ladder('evenly spread', of('quasi-random'))]),
    ...(peers.int8 ? [ladder('int8', [{ kind: 'none', int8: true }])] : []),
    ...peers.learned.map((file) => ladder('learned', [{ kind: 'learned', file }])),
  ]
}

/** A method on the model with 8-bit products. */
export function int8Ladder(form: SubjectForm, extent: Extent, method: string): Ladder {
  return ladder(
    'int8 + pruning',
    methodSettings(form, extent, method).map((setting): Setting => ({ ...setting, int8: true })),
  )
}

/** What can be compared depends on what files there are. */
export interface Peers {
  readonly int8: boolean
  /** Names of files in `reports/learned`, without their endings. */
  readonly learned: readonly string[]
  /** There is a browser. */
  readonly web: boolean
}

/** A setting as it is run: once, or once for every seed. */
export function runsOf({ seeds }: Ladder, setting: Setting): Setting[] {
  if (seeds === undefined || setting.kind !== 'pruned') return [setting]
  return seeds.map((seed) => ({ ...setting, seed }))
}
