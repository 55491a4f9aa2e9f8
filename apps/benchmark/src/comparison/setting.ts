import { baselines, type Method, type MethodEntry, TpError } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'
import type { Budget } from '../measure/compare.ts'
import { budgetText } from '../output/lines-table.ts'
import { learnedName } from './learned-file.ts'

/** One way to run a model, as plain data: what a point of a plot and a row of a table stand for. */
export type Setting = Form & {
  /** Of the model with 8-bit products, where there is one. */
  readonly int8?: true
}

type Form =
  /** The file as it is. */
  | { readonly kind: 'dense' }
  /** The same without what no output reads; everything below is without it, too. */
  | { readonly kind: 'none' }
  | { readonly kind: 'pruned'; readonly method: string; readonly budget: Budget; readonly seed?: number }
  /** Texts cut by the tokeniser, so that they cost at most what random tokens cost at a budget. */
  | { readonly kind: 'truncated'; readonly budget: Budget }
  /** Whole layers are left out. */
  | { readonly kind: 'shallow'; readonly without: readonly number[] }
  /** A file of `reports/learned`. */
  | { readonly kind: 'learned'; readonly file: string }

/** All methods that need no training. */
const entries: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid]

/** Takes tokens without looking at them: what a method has to be better than. */
const CONTROLS: readonly string[] = ['random', 'stride', 'quasi-random', 'truncation']

/** @throws TpError TP_METHOD for a name that no package has */
export function methodOf(name: string, seed?: number): Method {
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) throw new TpError('TP_METHOD', 'benchmark', `there is no method ${name}`)
  return entry.create(seed === undefined ? {} : { seed })
}

/** What competes: a method with all its budgets, or another way to save work. */
export function candidateOf(setting: Setting): string {
  const own = ownName(setting)
  if (!setting.int8) return own
  return own === 'none' || own === 'dense' ? 'int8' : `int8 + ${own}`
}

function ownName(setting: Setting): string {
  switch (setting.kind) {
    case 'dense':
    case 'none':
      return setting.kind
    case 'pruned':
      return setting.method
    case 'truncated':
      return 'truncation'
    case 'shallow':
      return 'layers left out'
    case 'learned':
      return learnedName(setting.file)?.method ?? setting.file
  }
}

export function isControl(setting: Setting): boolean {
  return CONTROLS.includes(candidateOf(setting))
}

/** Short, and different for different settings: `received-attention:0.7@1,2,3`. */
export function settingKey(setting: Setting): string {
  return `${setting.int8 ? 'int8+' : ''}${ownKey(setting)}`
}

function ownKey(setting: Setting): string {
  const of = ({ keep, layers }: Budget): string => `${keep}@${layers.join(',')}`
  switch (setting.kind) {
    case 'pruned':
      return `${setting.method}${setting.seed === undefined ? '' : `.${setting.seed}`}:${of(setting.budget)}`
    case 'truncated':
      return `truncation:${of(setting.budget)}`
    case 'shallow':
      return `without:${setting.without.join(',')}`
    case 'learned':
      return `learned:${setting.file}`
    default:
      return setting.kind
  }
}

/** What is set, for readers: `keep 0.7 in each of layers 1 to 4`. */
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
      return `without block${setting.without.length > 1 ? 's' : ''} ${setting.without.toSorted((a, b) => a - b).join(', ')}`
    case 'learned':
      return `learned at ${learnedName(setting.file)?.share} of the FLOPs`
  }
}
