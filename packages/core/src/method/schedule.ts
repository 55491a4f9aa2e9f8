import { TpError } from '../errors.ts'
import { shown } from '../shown.ts'
import {
  type AmountKind,
  type AmountName,
  amountKinds,
  amountNames,
  amountRules,
  tenThousandths,
} from './amount-rules.ts'

/**
 * How many tokens are kept at one layer, of those that arrive there:
 * - `ratio` r: an example with n attended tokens keeps (n·round(10⁴·r) + 9999) div 10⁴ (integers, since ceil(0.3·100) is 31 in
 *   float32)
 * - `tokens` k: min(k, n)
 * - `remove` r: n − r, and at least one
 * - `threshold` t: every token whose score is at least t
 * - `mass` m: the fewest tokens that hold the share m of the scores of the unprotected tokens
 */
export type Amount = { readonly [Kind in AmountKind]: { readonly kind: Kind; readonly value: number } }[AmountKind]

/** At which layers tokens are pruned, and how many are kept there. */
export type Schedule = ReadonlyMap<number, Amount>

/** The amounts of one rule, one for each layer or one for all, and the layers. */
export interface ScheduleOptions extends Readonly<Partial<Record<AmountName, number | readonly number[] | undefined>>> {
  /** 0-based layer numbers; default: all but the first, or the only one. */
  readonly layers?: readonly number[] | undefined
}

/** The amount of a method that decides by itself how many tokens are kept. */
export const wholeAmount: Amount = { kind: 'ratio', value: 1 }

/** No encoder has nearly as many; more are a mistake, and a list of them takes memory. */
const MOST_LAYERS = 100_000

/** The most that a message lists. */
const MOST_SHOWN = 100

/**
 * Builds a schedule for a model of `layers` layers. Lists go with the layers in order; one number goes to all.
 * @throws TpError TP_SCHEDULE when a layer does not exist, a number is out of range, or lists differ in length
 * @example
 * schedule(6, { keep: 0.7 }) // 0.7 of the tokens that arrive, in layers 1 to 5
 * schedule(6, { keep: [0.8, 0.5], layers: [0, 3] })
 * schedule(6, { tokens: 32, layers: [2] })
 */
export function schedule(layerCount: number, options: ScheduleOptions): Schedule {
  if (!(Number.isInteger(layerCount) && layerCount >= 0 && layerCount <= MOST_LAYERS)) {
    throw problem(`the number of layers is ${shown(layerCount)}; it must be a whole number, at most ${MOST_LAYERS}`)
  }
  if (typeof options !== 'object' || options === null) {
    throw problem(`the options of a schedule are ${shown(options)}; they must be an object`)
  }
  const layers = checkLayers(layerCount, options.layers ?? (layerCount === 1 ? [0] : range(1, layerCount)))
  const named = amountNames.filter((name) => options[name] !== undefined)
  const [name] = named
  if (name === undefined || named.length > 1) {
    const seen = name === undefined ? 'none of them' : named.join(' and ')
    throw problem(`give exactly one of ${listed(amountNames)} (seen: ${seen})`)
  }
  const values: unknown = options[name]
  const list: readonly unknown[] = Array.isArray(values) ? values : layers.map(() => values)
  if (list.length !== layers.length) {
    const which = layers.length > MOST_SHOWN ? '' : ` (${layers.join(', ')})`
    throw problem(`${name} has ${list.length} values for ${layers.length} layers${which}; give one or as many`)
  }
  const kind = amountKinds.find((each) => amountRules[each].name === name) as AmountKind
  return new Map(layers.map((layer, i) => [layer, amountOf(kind, list[i], name)]))
}

/**
 * Checks a schedule made by hand; every entry point calls it before a graph is touched.
 * @param layers how many the model has
 * @returns a copy, which nobody else can change
 * @throws TpError TP_SCHEDULE if it is not a Map, for a layer that does not exist, and for an amount out of range
 */
export function checkSchedule(value: unknown, layers: number): Schedule {
  if (!isMap(value)) throw problem(`a schedule is ${shown(value)}; it must be a Map of layers and amounts`)
  const amounts: [number, Amount][] = []
  // Each entry is a layer of its own, so that the first that does not exist comes after at most `layers` others.
  for (const [key, amount] of value) {
    const layer = checkLayer(key, layers)
    amounts.push([layer, checkAmount(amount, layer)])
  }
  return new Map(amounts)
}

/**
 * The schedule after which given shares of all tokens remain: each layer's keep ratio is of the tokens that arrive, and 1 where
 * none is pruned.
 * @param shares of all tokens, by layer; above 0, at most 1, never rising
 */
export function scheduleOfShares(layers: readonly number[], shares: readonly number[]): Schedule {
  const amounts = layers.map((layer, i): [number, Amount] => [
    layer,
    { kind: 'ratio', value: tenThousandths((shares[i] as number) / (shares[i - 1] ?? 1)) / 10_000 },
  ])
  return new Map(amounts)
}

/** How many tokens an example with `count` attended tokens keeps; undefined where only the scores decide. */
export function keptCount(count: number, { kind, value }: Amount): number | undefined {
  return amountRules[kind].keptCount?.(count, value)
}

/** Whether an amount prunes no token, however many there are. */
export function keepsAll({ kind, value }: Amount): boolean {
  return amountRules[kind].whole === value
}

/** An amount in the words of the command line: `keep 0.7`. A kind that a file of another version names is its own word. */
export function amountText({ kind, value }: { readonly kind: string; readonly value: number }): string {
  return `${isKind(kind) ? amountRules[kind].name : kind} ${value}`
}

function checkAmount(amount: unknown, layer: number): Amount {
  const known = amountKinds.join(', ')
  if (typeof amount !== 'object' || amount === null) {
    throw problem(
      `the amount of layer ${layer} is ${shown(amount)}; it must be { kind, value } with a kind of ${known}`,
    )
  }
  const { kind, value } = amount as { readonly kind?: unknown; readonly value?: unknown }
  if (isKind(kind)) return amountOf(kind, value, kind)
  throw problem(`the amount of layer ${layer} is of kind ${shown(kind)}; there are ${known}`)
}

function isKind(kind: unknown): kind is AmountKind {
  return typeof kind === 'string' && Object.hasOwn(amountRules, kind)
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** @param name the amount's name where it was given */
function amountOf(kind: AmountKind, value: unknown, name: string): Amount {
  const { fits, form } = amountRules[kind]
  if (typeof value === 'number' && fits(value)) return { kind, value }
  throw problem(`${name} is ${shown(value)}; it must be ${form}`)
}

/**
 * A list of layers, each once.
 * @param count how many the model has
 * @throws TpError TP_SCHEDULE
 */
export function checkLayers(count: number, layers: unknown): readonly number[] {
  if (!Array.isArray(layers)) throw problem(`layers is ${shown(layers)}; it must be a list of layers, counted from 0`)
  const seen = new Set<number>()
  for (const each of layers as readonly unknown[]) {
    const layer = checkLayer(each, count)
    if (seen.has(layer)) throw problem(`layer ${layer} is named twice`)
    seen.add(layer)
  }
  if (seen.size === 0) throw problem('there is no layer to prune: name at least one with layers')
  return [...seen]
}

function checkLayer(layer: unknown, count: number): number {
  if (typeof layer === 'number' && Number.isInteger(layer) && layer >= 0 && layer < count) return layer
  throw problem(`layer ${shown(layer)} does not exist: the model has layers 0 to ${count - 1}`)
}

/** Recognized by its methods, not by its class: a Map may come from another realm (a frame, a vm context). */
function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  try {
    Map.prototype.has.call(value, undefined)
    return true
  } catch {
    return false
  }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i)
}

function problem(message: string): TpError {
  return new TpError('TP_SCHEDULE', 'core', message)
}
