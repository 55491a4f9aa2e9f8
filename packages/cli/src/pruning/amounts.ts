import type { Plan } from '@tp/compiler'
import type { Amount } from '@tp/core'
import { type AmountName, type AmountRule, amountKinds, amountNames, amountRules } from '@tp/core/host'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { number, numberList, numberOrList, wholeNumber } from './numbers.ts'

type AmountOption = { readonly type: 'string'; readonly value: string; readonly description: string }

/** What says how many tokens are kept, and `flops`, from which that is found. */
type AmountOptionName = AmountName | 'flops'

type AmountOptions = Readonly<Record<AmountOptionName | 'at', AmountOption>> & {
  readonly layers: AmountOption & { readonly multiple: true }
}

type RuleOptions = Readonly<Record<AmountName, AmountOption>>

const ruleOptions = Object.fromEntries(
  Object.values(amountRules).map(({ name, letter, description }): [string, AmountOption] => [
    name,
    { type: 'string', value: `${letter}[,${letter}…]`, description },
  ]),
) as RuleOptions

/** One number for each rule that keeps a number of tokens that is known without scores; the others are absent. */
export const countOptions: RuleOptions = Object.fromEntries(
  Object.values(amountRules)
    .filter(({ keptCount }) => keptCount !== undefined)
    .map(({ name, letter, description }): [string, AmountOption] => [
      name,
      { type: 'string', value: letter, description },
    ]),
) as RuleOptions

/** @throws TpError TP_USAGE unless there is one amount, in the range of its rule */
export function readCount(options: Arguments<RuleOptions>): Amount {
  const [kind, ...others] = amountKinds.filter((kind) => options[amountRules[kind].name] !== undefined)
  if (kind === undefined || others.length > 0)
    throw usageError(`say how many tokens to keep: one of --${Object.keys(countOptions).join(', --')}`)
  const { name, fits, form } = amountRules[kind]
  const value = number(name, options[name] as string)
  if (!fits(value)) throw usageError(`--${name} is ${options[name]}; it must be ${form}`)
  return { kind, value }
}

/** `--layers`, and how many tokens are kept there. */
export const amountOptions: AmountOptions = {
  layers: {
    type: 'string',
    multiple: true,
    value: '[ENCODER:]L1,L2,…',
    description:
      'layers where tokens are pruned, from 0; default: those that --weights were trained at, else all but the first. In a file of several encoders once for each',
  },
  ...ruleOptions,
  remove: {
    ...ruleOptions.remove,
    description: `${ruleOptions.remove.description}; --param r=R means the same if no other amount is given`,
  },
  flops: {
    type: 'string',
    value: 'F',
    description:
      'find the keep ratio at which at most the fraction F of the FLOPs remains; with --leave-out, of those without the layers left out',
  },
  at: { type: 'string', value: 'n=N', description: 'number of tokens at which --flops is counted, as n=128' },
}

const kinds: readonly AmountOptionName[] = [...amountNames, 'flops']

/** How many tokens are kept, and at which layers: the part of a plan that comparisons vary. */
export type Amounts = Pick<Plan, 'layers' | AmountName>

/** A share of the FLOPs that a keep ratio is to be found for, once the model is known. */
export interface FlopsShare {
  readonly share: number
  /** Tokens of a text. */
  readonly at: number | undefined
}

/** Amounts of the command line. */
export interface AskedAmounts {
  readonly amounts: Amounts
  readonly flops: FlopsShare | undefined
}

/** The error of a command line without amounts. */
export const AMOUNTS_MISSING: string = `say how many tokens to keep: --${amountNames.join(', --')} or --flops`

/** The error of a command line with amounts for a method that needs none. */
export function amountUnneeded(method: string): string {
  return `${method} needs no amount: omit --${kinds.join(', --')}`
}

/** The error of a command line with layers only. */
export const LAYERS_ALONE: string = `--layers requires one of --${kinds.join(', --')}`

/**
 * Papers on merging call r what `--remove` says. `--param r=8` means the same if no other amount is given; a method
 * with an option r of its own requires one.
 */
export function removeByParam(options: {
  readonly param?: readonly string[] | undefined
  readonly [amount: string]: unknown
}): { readonly param?: readonly string[]; readonly remove?: readonly [string] } {
  const { param = [] } = options
  const given = param.find((text) => text.startsWith('r='))
  if (given === undefined || kinds.some((kind) => options[kind] !== undefined)) return {}
  return { param: param.filter((text) => text !== given), remove: [given.slice('r='.length)] }
}

/**
 * The amounts of a command line, layers alone among them.
 * @throws TpError TP_USAGE
 */
export function readAmounts(options: Arguments<typeof amountOptions>): AskedAmounts {
  const given = kinds.filter((kind) => options[kind] !== undefined)
  const [kind] = given
  if (given.length > 1) throw usageError(`give only one of ${given.map((name) => `--${name}`).join(' and ')}`)
  if (kind !== 'flops' && options.at !== undefined) {
    throw usageError(kind === undefined ? `--at requires one of --${kinds.join(', --')}` : '--at belongs to --flops')
  }
  const layers = layersOf(options.layers ?? [])
  const text = kind === undefined ? '' : (options[kind] as string)
  if (kind === 'flops') {
    const at = options.at === undefined ? undefined : lengthOf(options.at)
    return { amounts: layers, flops: { share: number(kind, text), at } }
  }
  return {
    amounts: {
      ...layers,
      ...(kind && { [kind]: amountValues(kind, text) }),
    },
    flops: undefined,
  }
}

/** Amounts of a rule by layer, or one for all; a percentage is refused where the rule takes a fraction. */
function amountValues(name: AmountName, text: string): number | readonly number[] {
  const { fits, form } = ruleNamed(name)
  const parts = text.split(',')
  for (const part of parts) {
    const [, digits, percent] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(part) ?? []
    const value = Number(digits)
    const isPercentage = percent === '%' || (Number.isInteger(value) && value >= 2 && !fits(value))
    if (digits === undefined || value > 100 || !isPercentage || !fits(value / 100)) continue
    const seen = `--${name} is ${part.trim()}; it must be ${form}`
    throw usageError(`${seen}; did you mean ${parts.length === 1 ? `--${name} ` : ''}${value / 100}?`)
  }
  return numberOrList(name, text)
}

function ruleNamed(name: AmountName): AmountRule {
  return Object.values(amountRules).find((rule) => rule.name === name) as AmountRule
}

/** Whether it is said how many tokens are kept. */
export function saysHowMany({ amounts, flops }: AskedAmounts): boolean {
  return flops !== undefined || amountNames.some((name) => amounts[name] !== undefined)
}

/** In tables: `0.7`, `tokens 64`. */
export function amountsLabel({ amounts, flops }: AskedAmounts): string {
  if (flops !== undefined) return `flops ${flops.share}`
  const name = amountNames.find((name) => amounts[name] !== undefined)
  if (name === undefined) return ''
  const text = [amounts[name]].flat().join(',')
  // The column is called keep.
  return name === 'keep' ? text : `${name} ${text}`
}

/** `1,2,3`, or `pixel_values:1,2,3` for one encoder of several. */
function layersOf(texts: readonly string[]): Pick<Plan, 'layers'> {
  const layers = new Map<string, readonly number[]>()
  for (const text of texts) {
    const [, encoder = '', list = ''] = /^(?:(.*):)?([^:]*)$/s.exec(text) ?? []
    if (layers.has(encoder))
      throw usageError(`--layers is given twice${encoder === '' ? '' : ` for ${encoder}`}; give it once`)
    layers.set(encoder, numberList('layers', list))
  }
  if (layers.size === 0) return {}
  const all = layers.get('')
  if (all === undefined) return { layers: Object.fromEntries(layers) }
  if (layers.size === 1) return { layers: all }
  throw usageError('--layers is given with and without an encoder; name it each time, as in --layers pixel_values:1,2')
}

function lengthOf(text: string): number {
  const found = /^n=(.+)$/.exec(text)?.[1]
  if (found === undefined)
    throw usageError(`--at is "${text}"; it must be a length, as ${/^\d+$/.test(text) ? `n=${text}` : 'n=128'}`)
  return wholeNumber('at', found)
}

type ComparedAmountOptions = Omit<AmountOptions, AmountOptionName> &
  Readonly<Record<AmountOptionName, AmountOption & { readonly multiple: true }>>

/** The same for commands that compare: every amount may be given several times, one row of the table each. */
export const comparedAmountOptions: ComparedAmountOptions = {
  ...amountOptions,
  ...(Object.fromEntries(kinds.map((kind) => [kind, { ...amountOptions[kind], multiple: true }])) as Record<
    AmountOptionName,
    AmountOption & { readonly multiple: true }
  >),
}

/** @throws TpError TP_USAGE */
export function readComparedAmounts({ layers, at, ...given }: Arguments<ComparedAmountOptions>): AskedAmounts[] {
  const common = { ...(layers !== undefined && { layers }) }
  const compared = kinds.flatMap((kind) =>
    (given[kind] ?? []).map((text) =>
      readAmounts({ ...common, ...(kind === 'flops' && at !== undefined && { at }), [kind]: text }),
    ),
  )
  if (at !== undefined && compared.length > 0 && given.flops === undefined) throw usageError('--at belongs to --flops')
  if (compared.length === 0) readAmounts({ ...common, ...(at !== undefined && { at }) })
  if (compared.length === 0 && layers !== undefined) throw usageError(LAYERS_ALONE)
  return compared
}
