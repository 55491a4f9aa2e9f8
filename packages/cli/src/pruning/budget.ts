import { type FlopsTarget, type Inspection, keepForFlops } from '@tp/compiler'
import { type Method, type Schedule, schedule, TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { flopsSizes, isText } from '../model/input-shapes.ts'
import { number, numberList, numberOrList, wholeNumber } from './numbers.ts'

/** `--layers` and what says how many tokens stay there. */
export const budgetOptions = {
  layers: {
    type: 'string',
    multiple: true,
    value: '[TOWER:]L1,L2,…',
    description:
      'layers where tokens leave, from 0; default: all but the first. In a file of several encoders once for each',
  },
  keep: {
    type: 'string',
    value: 'R[,R…]',
    description: 'share of the tokens that stay at each of them, above 0 and at most 1',
  },
  tokens: { type: 'string', value: 'N[,N…]', description: 'number of tokens that stay (9999: all, by force)' },
  remove: {
    type: 'string',
    value: 'R[,R…]',
    description: 'number of tokens that leave; --param r=R is the same where nothing else says how many',
  },
  threshold: { type: 'string', value: 'T[,T…]', description: 'tokens whose score is at least T stay' },
  mass: { type: 'string', value: 'M[,M…]', description: 'the fewest tokens that hold the share M of the scores stay' },
  flops: {
    type: 'string',
    value: 'F',
    description: 'keep what takes at most the share F of the FLOPs, at the length --at',
  },
  at: { type: 'string', value: 'n=N', description: 'tokens of the texts that --flops is meant for, as n=128' },
} as const

const amounts = ['keep', 'tokens', 'remove', 'threshold', 'mass', 'flops'] as const

/** Layers by name of the encoder; '' stands for every one. Empty: those that tokens leave by default. */
export type Layers = ReadonlyMap<string, readonly number[]>

/** How many tokens are to stay, before a model is at hand. */
export interface Budget {
  /** As it stands on the command line, for tables: `0.7`, `tokens 64`. */
  readonly label: string
  readonly kind: (typeof amounts)[number]
  readonly values: number | readonly number[]
  readonly layers: Layers
  /** Length for FLOPs. */
  readonly at: number | undefined
}

/** Keeps every token, inserted by force: above every length, and allowed where the model's own length is less. */
export const ALL_TOKENS = 9999

/** What a command line without a budget has to be told. */
export const BUDGET_MISSING = 'say how many tokens stay: --keep, --tokens, --remove, --threshold, --mass or --flops'

/**
 * Papers on merging call r what `--remove` says. `--param r=8` is taken for it where no other budget is given, which a
 * method with an option r of its own would need.
 */
export function removeByParam(options: {
  readonly param?: readonly string[] | undefined
  readonly [amount: string]: unknown
}): { readonly param?: readonly string[]; readonly remove?: readonly [string] } {
  const { param = [] } = options
  const given = param.find((text) => text.startsWith('r='))
  if (given === undefined || amounts.some((kind) => options[kind] !== undefined)) return {}
  return { param: param.filter((text) => text !== given), remove: [given.slice('r='.length)] }
}

/**
 * The budget of a command line; undefined if none is given.
 * @param layersAlone whether layers may be named without one
 * @throws TpError TP_USAGE
 */
export function readBudget(options: Arguments<typeof budgetOptions>, layersAlone = false): Budget | undefined {
  const given = amounts.filter((kind) => options[kind] !== undefined)
  const [kind] = given
  if (given.length > 1) throw usageError(`give only one of ${given.map((name) => `--${name}`).join(' and ')}`)
  if (kind === undefined) {
    const bound = layersAlone ? (['at'] as const) : (['layers', 'at'] as const)
    const alone = bound.find((name) => options[name] !== undefined)
    if (alone !== undefined) throw usageError(`--${alone} needs one of --${amounts.join(', --')} beside it`)
    return undefined
  }
  if (kind !== 'flops' && options.at !== undefined) throw usageError('--at belongs to --flops')
  const text = options[kind] as string
  return {
    label: kind === 'keep' ? text : `${kind} ${text}`,
    kind,
    values: kind === 'flops' ? number(kind, text) : numberOrList(kind, text),
    layers: layersOf(options.layers ?? []),
    at: options.at === undefined ? undefined : lengthOf(options.at),
  }
}

/** `1,2,3`, or `pixel_values:1,2,3` for one encoder of several. */
export function layersOf(texts: readonly string[]): Layers {
  const layers = new Map<string, readonly number[]>()
  for (const text of texts) {
    const [, encoder = '', list = ''] = /^(?:(.*):)?([^:]*)$/s.exec(text) ?? []
    if (layers.has(encoder))
      throw usageError(`--layers is given twice${encoder === '' ? '' : ` for ${encoder}`}; give it once`)
    layers.set(encoder, numberList('layers', list))
  }
  if (layers.size > 1 && layers.has(''))
    throw usageError(
      '--layers is given with and without an encoder; name it each time, as in --layers pixel_values:1,2',
    )
  return layers
}

function lengthOf(text: string): number {
  const found = /^n=(.+)$/.exec(text)?.[1]
  if (found === undefined) throw usageError(`--at is "${text}"; it must be a length, as n=128`)
  return wholeNumber('at', found)
}

/**
 * The schedules of a budget for one model and method, one for each encoder by its name.
 * @throws TpError TP_SCHEDULE, TP_FLOPS, TP_SIZES, TP_USAGE
 */
export function schedulesOf(
  budget: Budget,
  model: Model,
  encoders: readonly Inspection[],
  method: Method,
): ReadonlyMap<string, Schedule> {
  const unknown = [...budget.layers.keys()].find(
    (name) => name !== '' && !encoders.some(({ encoder }) => encoder === name),
  )
  if (unknown !== undefined) {
    const names = encoders.map(({ encoder }) => encoder).join(' and ')
    throw usageError(`--layers ${unknown}: there is no such encoder to prune; the model has ${names}`)
  }
  if (budget.kind === 'flops' && encoders.length > 1) {
    throw usageError(
      `--flops goes with one encoder; name it: --encoder ${encoders.map(({ encoder }) => encoder).join(' or ')}`,
    )
  }
  const isNamed = budget.layers.size > 0 && !budget.layers.has('')
  const chosen = isNamed ? encoders.filter(({ encoder }) => budget.layers.has(encoder)) : encoders
  const none: ReadonlyMap<string, Schedule> = new Map(encoders.map(({ encoder }) => [encoder, new Map()]))
  return new Map([...none, ...chosen.map((own) => [own.encoder, scheduleOf(budget, model, own, method)] as const)])
}

function scheduleOf(budget: Budget, model: Model, inspection: Inspection, method: Method): Schedule {
  const { kind, values } = budget
  const { layers, tokens, batch, open, encoder } = inspection
  const behind = Array.from({ length: Math.max(0, layers.length - open) }, (_, i) => open + i)
  // Behind an earlier pruning every layer that is left is a later one.
  const named =
    budget.layers.get(encoder) ?? budget.layers.get('') ?? (open > 0 && behind.length > 0 ? behind : undefined)
  if (kind !== 'flops') {
    if (kind === 'tokens') checkTokens(values, tokens)
    return schedule(layers.length, { layers: named, [kind]: values })
  }
  const target: FlopsTarget = {
    method,
    encoder,
    share: values as number,
    at: flopsSizes(model, inspection, {
      batch: typeof batch === 'number' ? batch : 1,
      tokens: lengthFor(budget, inspection),
    }),
    schedule: (keep) => schedule(layers.length, { layers: named, keep }),
  }
  return target.schedule(keepForFlops(model, target))
}

function checkTokens(values: Budget['values'], tokens: Inspection['tokens']): void {
  if (typeof tokens !== 'number') return
  const beyond = [values].flat().find((count) => count > tokens && count !== ALL_TOKENS)
  if (beyond === undefined) return
  const advice = `give at most ${tokens}, or ${ALL_TOKENS} to insert the cuts and keep every token`
  throw new TpError('TP_SCHEDULE', 'tp', `tokens is ${beyond}, but the model always has ${tokens}; ${advice}`)
}

function lengthFor({ at }: Budget, inspection: Inspection): number | undefined {
  if (isText(inspection)) {
    if (at === undefined) throw usageError('--flops needs the length that it is meant for: --at n=128')
    return at
  }
  if (at !== undefined && at !== inspection.tokens) {
    throw new TpError(
      'TP_SCHEDULE',
      'tp',
      `--at is n=${at}, but the model's own number of tokens is ${inspection.tokens}; leave it out`,
    )
  }
  return undefined
}

type AmountName = (typeof amounts)[number]
type BudgetsOptions = Omit<typeof budgetOptions, AmountName> & {
  readonly [Name in AmountName]: (typeof budgetOptions)[Name] & { readonly multiple: true }
}

/** The same for commands that compare: every amount may be given several times, one row of the table each. */
export const budgetsOptions: BudgetsOptions = {
  ...budgetOptions,
  keep: { ...budgetOptions.keep, multiple: true },
  tokens: { ...budgetOptions.tokens, multiple: true },
  remove: { ...budgetOptions.remove, multiple: true },
  threshold: { ...budgetOptions.threshold, multiple: true },
  mass: { ...budgetOptions.mass, multiple: true },
  flops: { ...budgetOptions.flops, multiple: true },
}

/** @throws TpError TP_USAGE */
export function readBudgets({ layers, at, ...given }: Arguments<BudgetsOptions>): Budget[] {
  const common = { ...(layers !== undefined && { layers }) }
  const budgets = amounts.flatMap((kind) =>
    (given[kind] ?? []).flatMap(
      (text) => readBudget({ ...common, ...(kind === 'flops' && at !== undefined && { at }), [kind]: text }) ?? [],
    ),
  )
  if (budgets.length === 0) readBudget({ ...common, ...(at !== undefined && { at }) })
  else if (at !== undefined && given.flops === undefined) throw usageError('--at belongs to --flops')
  return budgets
}
