import type { OptionValues } from '@tp/core/host'

/** How much is kept at some layers: a keep ratio for all or one each, or the share of the scores that is kept. */
export interface SettingBudget {
  readonly keep?: number | readonly number[]
  readonly mass?: number
  readonly layers: readonly number[]
}

/** A method with what it is made of. */
export interface MethodChoice {
  /** As the packages call it, or one of `composed` (methods.ts). */
  readonly method: string
  readonly params?: OptionValues
  /** The learned values of its networks: a file of `reports/learned`, without its ending. */
  readonly weights?: string
  readonly seed?: number
}

/** One way to run a model, as plain data: what a point of a plot and a row of a table stand for. */
export type Setting = (
  | /** The file as it is. */ { readonly kind: 'dense' }
  /** The same without what no output reads; everything below is without it, too. */
  | { readonly kind: 'none' }
  | PrunedSetting
  /** Texts cut by the tokenizer, so that they cost at most what a method (default: random) costs at a budget. */
  | { readonly kind: 'truncated'; readonly budget: SettingBudget; readonly like?: string }
  /** Whole layers are left out. */
  | { readonly kind: 'shallow'; readonly without: readonly number[] }
  /** A file of `reports/learned`. */
  | { readonly kind: 'learned'; readonly file: string }
) & {
  /** Of the model with 8-bit products, where there is one. */
  readonly int8?: true
}

export interface PrunedSetting extends MethodChoice {
  readonly kind: 'pruned'
  readonly budget: SettingBudget
  /** Pruned tokens return before the head; otherwise never. */
  readonly restore?: 'all'
}

export const DENSE: Setting = { kind: 'dense' }
export const NONE: Setting = { kind: 'none' }

/** Random numbers of the runs that stand for chance. */
export const SEEDS: readonly number[] = [0, 1, 2, 3, 4]

export function pruned(method: string | MethodChoice, budget: SettingBudget): PrunedSetting {
  return { kind: 'pruned', ...(typeof method === 'string' ? { method } : method), budget }
}

/** The same ratio in each layer but the first, of models with six. */
export function laterLayers(keep: number): SettingBudget {
  return { keep, layers: [1, 2, 3, 4, 5] }
}

/** Prunes tokens without looking at them: what a method has to be better than. */
const CONTROLS: readonly string[] = ['random', 'stride', 'quasi-random', 'truncation']

export function isControl(setting: Setting): boolean {
  return CONTROLS.includes(candidateName(setting))
}

/** A competitor: a method with all its budgets, or another way to save work. */
export function candidateName(setting: Setting): string {
  const own = ownName(setting)
  if (!setting.int8) return own
  return own === 'none' || own === 'dense' ? 'int8' : `int8 + ${own}`
}

function ownName(setting: Setting): string {
  switch (setting.kind) {
    case 'pruned':
      return setting.method
    case 'truncated':
      return 'truncation'
    case 'shallow':
      return 'layers left out'
    case 'learned':
      return learnedName(setting.file)?.method ?? setting.file
    default:
      return setting.kind
  }
}

/** Short, and different for different settings: `received-attention:0.7@1,2,3`. */
export function settingKey(setting: Setting): string {
  return `${setting.int8 ? 'int8+' : ''}${ownKey(setting)}`
}

function ownKey(setting: Setting): string {
  const of = ({ keep, mass, layers }: SettingBudget): string =>
    `${mass === undefined ? keep : `mass${mass}`}@${layers.join()}`
  switch (setting.kind) {
    case 'pruned': {
      const { method, seed, params, weights, budget, restore } = setting
      const others = [params && JSON.stringify(params), weights, restore && 'restored'].filter(
        (one) => one !== undefined,
      )
      return `${[method, ...others].join('/')}${seed === undefined ? '' : `.${seed}`}:${of(budget)}`
    }
    case 'truncated':
      return `truncation:${of(setting.budget)}`
    case 'shallow':
      return `without:${setting.without.join()}`
    case 'learned':
      return `learned:${setting.file}`
    default:
      return setting.kind
  }
}

/** The setting, for readers: `keep 0.7 in each of layers 1 to 4`. */
export function settingText(setting: Setting): string {
  switch (setting.kind) {
    case 'dense':
      return 'the file as it is'
    case 'none':
      return 'without dead tokens'
    case 'pruned':
      return budgetText(setting.budget)
    case 'truncated':
      return `at the cost of ${budgetText(setting.budget)}`
    case 'shallow':
      return `without layer${setting.without.length > 1 ? 's' : ''} ${setting.without.toSorted((a, b) => a - b).join(', ')}`
    case 'learned':
      return `learned at ${learnedName(setting.file)?.share} of the FLOPs`
  }
}

/** `keep 0.3 in each of layers 1 to 5`; ratios that differ at the first layer alone are told apart. */
export function budgetText({ keep, mass, layers }: SettingBudget): string {
  if (mass !== undefined) return `mass ${mass} ${whereText(layers)}`
  if (typeof keep !== 'object') return `keep ${keep} ${whereText(layers)}`
  const [first, ...rest] = keep
  if (rest.length === 0 || new Set(rest).size > 1) return `keep ${keepText(keep)} ${whereText(layers)}`
  return `keep ${first} ${whereText(layers.slice(0, 1))}, then keep ${rest[0]} ${whereText(layers.slice(1))}`
}

export function keepText(keep: SettingBudget['keep'] = 1): string {
  return typeof keep === 'number' ? `${keep}` : keep.join(', ')
}

function whereText(layers: readonly number[]): string {
  if (layers.length === 1) return `once, in layer ${layers[0]}`
  const consecutive = layers.every((layer, i) => layer === (layers[0] as number) + i)
  const names = consecutive && layers.length > 2 ? `${layers[0]} to ${layers.at(-1)}` : layers.join(', ')
  return `in each of layers ${names}`
}

/** The parts of the name of a file in `reports/learned`: its subject, its method, and its share of the FLOPs. */
interface NameParts {
  /** Its model and task. */
  readonly beginning: string
  readonly method: string
  /** Share of the FLOPs that was aimed at. */
  readonly share: number
}

const FORM = /^(?<beginning>(?:imdb|fashion)-|)(?<method>.+?)-(?<percent>\d+)(?:-\d+)?$/

/** @param file without its ending: `imdb-sdtp-50-0` */
export function learnedName(file: string): NameParts | undefined {
  const { beginning = '', method, percent } = FORM.exec(file)?.groups ?? {}
  return method === undefined ? undefined : { beginning, method, share: Number(percent) / 100 }
}
