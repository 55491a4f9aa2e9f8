import type { FlopsShare } from '@tp/compare'
import { type Plan, type PlanFields, planFields, type WrittenAs, type WrittenField } from '@tp/compiler'
import type { Amount } from '@tp/core'
import { type AmountName, amountKinds, amountNames, amountRules } from '@tp/core/host'
import type { VariantAmount } from '@tp/plans/files'
import type { Arguments } from './option.ts'
import { type comparedAmountOptions, countOptions, optionName, type pruningOptions } from './pruning-options.ts'
import { usageError } from './usage-error.ts'
import { number, numberList, wholeNumber, word } from './values.ts'

/** Options that say how many tokens are kept. */
const amountOptionNames: readonly (AmountName | 'flops')[] = [...amountNames, 'flops']

type ComparedArguments = Arguments<typeof comparedAmountOptions & Pick<typeof pruningOptions, 'param'>>

/** The reader of each way to write a value. */
const readers: Readonly<Record<WrittenAs, (option: string, value: never, written: WrittenField) => unknown>> = {
  text: (_, text: string) => text,
  names: (_, text: string) => text.split(',').map((name) => name.trim()),
  word: (option, text: string, { words = [] }) => word(option, text, words),
  'whole number': (option, text: string) => wholeNumber(option, text, 0),
  'whole numbers': wholeNumbers,
  positions: (option, text: string) => (text === 'auto' ? text : text === 'none' ? [] : wholeNumbers(option, text)),
  amounts: readValues,
  layers: readLayers,
  pairs: readPairs,
  flag: readFlag,
  'inverse flag': () => false,
}

/**
 * The fields that options give.
 * @throws TpError TP_USAGE
 */
export function readFields(
  args: Readonly<Record<string, unknown>>,
  fields: PlanFields,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const option = optionName(name, field)
      const { written } = field
      if (written === undefined || args[option] === undefined) return []
      return [[name, readers[written.as](option, args[option] as never, written)]]
    }),
  )
}

/**
 * The fields of a plan that options give; the method's own options are texts.
 * @throws TpError TP_USAGE
 */
export function readWritten(args: Readonly<Record<string, unknown>>): Partial<Plan> {
  const { remove, others } = removeByParam(args)
  const { quantize, ...fields } = readFields({ ...others, ...(remove !== undefined && { remove }) }, planFields)
  return { ...fields, ...(quantize === true && { quantize: {} }) }
}

/**
 * Papers on merging call r what `--set remove` says. `--param r=8` means the same if no other amount is given; a method with an option r
 * of its own requires one.
 */
function removeByParam(args: Readonly<Record<string, unknown>>): {
  readonly remove?: string
  readonly others: Readonly<Record<string, unknown>>
} {
  const param = (args.param ?? []) as readonly string[]
  const found = param.find((text) => text.startsWith('r='))
  if (found === undefined || amountOptionNames.some((name) => args[name] !== undefined)) return { others: args }
  return { remove: found.slice('r='.length), others: { ...args, param: param.filter((text) => text !== found) } }
}

/**
 * The amounts of a command line that compares, one row each, with the layers.
 * @throws TpError TP_USAGE
 */
export function readComparedAmounts(args: ComparedArguments): VariantAmount[] {
  const { layers } = args
  const { remove } = removeByParam(args)
  const common = { ...(layers !== undefined && { layers }) }
  const texts = amountOptionNames.flatMap((name) => (args[name] ?? []).map((text) => ({ name, text })))
  const rows = remove === undefined ? texts : [{ name: 'remove' as const, text: remove }]
  if (rows.length === 0 && layers !== undefined) throw usageError(LAYERS_ALONE)
  return rows.map(({ name, text }) =>
    name === 'flops'
      ? { fields: readWritten(common), flops: readFlops(text) }
      : { fields: readWritten({ ...common, [name]: text }) },
  )
}

/** The other settings of such a command line. @throws TpError TP_USAGE */
export function readSettings(args: Readonly<Record<string, unknown>>): Partial<Plan> {
  const varied: readonly string[] = ['method', 'layers', 'leave-out', 'quantize', ...amountOptionNames]
  const { others } = removeByParam(args)
  return readWritten(Object.fromEntries(Object.entries(others).filter(([name]) => !varied.includes(name))))
}

const amountList = `--${amountOptionNames.join(', --')}`

/** The error of a command line without amounts. */
export const AMOUNTS_MISSING: string = `say how many tokens to keep: ${amountList.replace(/, (?=--flops)/, ' or ')}`

/** The error of a command line with layers only. */
export const LAYERS_ALONE: string = `--layers requires one of ${amountList}`

/** The error of a command line with amounts for a method that needs none. */
export function amountUnneeded(method: string): string {
  return `${method} needs no amount: omit ${amountList}`
}

/** Whether a plan says how many tokens are kept. */
export function saysHowMany(plan: Partial<Plan>): boolean {
  return amountNames.some((name) => plan[name] !== undefined)
}

/** In tables: `0.7`, `tokens 64`. */
export function amountsLabel({ fields, flops }: VariantAmount): string {
  if (flops !== undefined) return `flops ${flops.share}`
  const name = amountNames.find((each) => fields[each] !== undefined)
  if (name === undefined) return ''
  const text = [fields[name]].flat().join(',')
  // The column is called keep.
  return name === 'keep' ? text : `${name} ${text}`
}

/** @throws TpError TP_USAGE unless there is one amount, in the range of its rule */
export function readCount(args: Readonly<Record<string, unknown>>): Amount {
  const [kind, ...others] = amountKinds.filter((each) => args[amountRules[each].name] !== undefined)
  if (kind === undefined || others.length > 0)
    throw usageError(`say how many tokens to keep: one of --${Object.keys(countOptions).join(', --')}`)
  const { name, fits, form } = amountRules[kind]
  const value = number(name, args[name] as string)
  if (!fits(value)) throw usageError(`--${name} is ${args[name]}; it must be ${form}`)
  return { kind, value }
}

/** `0.5`, or `0.5@128` for texts of 128 tokens. @throws TpError TP_USAGE */
export function readFlops(text: string): FlopsShare {
  const [share = '', at, ...others] = text.split('@')
  if (others.length > 0)
    throw usageError(`--flops is "${text}"; it must be a fraction, or one and a length, as 0.5@128`)
  return { share: number('flops', share), tokens: at === undefined ? undefined : wholeNumber('flops', at) }
}

/** Amounts of a rule by layer, or one for all; a percentage is refused where the rule takes a fraction. */
function readValues(option: string, text: string): number | readonly number[] {
  const { fits, form } = Object.values(amountRules).find(({ name }) => name === option) ?? amountRules.ratio
  const parts = text.split(',')
  for (const part of parts) {
    const [, digits, percent] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(part) ?? []
    const value = Number(digits)
    const isPercentage = percent === '%' || (Number.isInteger(value) && value >= 2 && !fits(value))
    if (digits === undefined || value > 100 || !isPercentage || !fits(value / 100)) continue
    const seen = `--${option} is ${part.trim()}; it must be ${form}`
    throw usageError(`${seen}; did you mean ${parts.length === 1 ? `--${option} ` : ''}${value / 100}?`)
  }
  const numbers = numberList(option, text)
  return numbers.length === 1 ? (numbers[0] as number) : numbers
}

/** `1,2,3`, or `pixel_values:1,2,3` for one encoder of several. */
function readLayers(option: string, texts: readonly string[]): Plan['layers'] {
  const layers = new Map<string, readonly number[]>()
  for (const text of texts) {
    const [, encoder = '', list = ''] = /^(?:(.*):)?([^:]*)$/s.exec(text) ?? []
    if (layers.has(encoder))
      throw usageError(`--${option} is given twice${encoder === '' ? '' : ` for ${encoder}`}; give it once`)
    layers.set(encoder, numberList(option, list))
  }
  const all = layers.get('')
  if (all === undefined) return Object.fromEntries(layers)
  if (layers.size === 1) return all
  throw usageError(
    `--${option} is given with and without an encoder; name it each time, as in --${option} pixel_values:1,2`,
  )
}

function wholeNumbers(option: string, text: string): readonly number[] {
  return text.split(',').map((part) => wholeNumber(option, part, 0))
}

/** An option without a value, or `--set NAME=true`. */
function readFlag(option: string, value: true | string): boolean {
  if (value === true || value === 'true') return true
  if (value === 'false') return false
  throw usageError(`--${option} is "${value}"; it must be true or false`)
}

function readPairs(option: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) throw usageError(`--${option} is "${text}"; it must be name=value`)
    if (pairs.has(name)) throw usageError(`--${option} ${name} is given twice`)
    pairs.set(name, value)
  }
  // Defines properties of its own, so that one called __proto__ is there to be refused.
  return Object.fromEntries(pairs)
}
