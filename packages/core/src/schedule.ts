import { TpError } from './errors.ts'

/**
 * How much stays at one block. Relative to the tokens that arrive there:
 * - `ratio` r: a row with n real tokens keeps (n·round(10⁴·r) + 9999) div 10⁴ (integers, since ceil(0.3·100) is 31 in
 *   float32)
 * - `tokens` k: min(k, n)
 * - `remove` r: n − r, and at least one
 * - `threshold` t: every token whose score is at least t
 * - `mass` m: the fewest tokens that hold the share m of the scores of the tokens that may leave
 */
export type Amount =
  | { readonly kind: 'ratio'; readonly value: number }
  | { readonly kind: 'tokens'; readonly value: number }
  | { readonly kind: 'remove'; readonly value: number }
  | { readonly kind: 'threshold'; readonly value: number }
  | { readonly kind: 'mass'; readonly value: number }

/** Which blocks drop tokens, and how much stays there. */
export type Schedule = ReadonlyMap<number, Amount>

export interface ScheduleOptions {
  /** 0-based block numbers; default: all but the first. */
  readonly layers?: readonly number[] | undefined
  readonly keep?: number | readonly number[] | undefined
  readonly tokens?: number | readonly number[] | undefined
  readonly remove?: number | readonly number[] | undefined
  readonly threshold?: number | readonly number[] | undefined
  readonly mass?: number | readonly number[] | undefined
}

const kinds = ['keep', 'tokens', 'remove', 'threshold', 'mass'] as const

/**
 * Builds a schedule for a model of `blocks` blocks. Lists go with the layers in order; one number goes to all.
 * @throws TpError TP_SCHEDULE when a layer does not exist, a number is out of range, or lists differ in length
 */
export function schedule(blocks: number, options: ScheduleOptions): Schedule {
  const layers = checkLayers(blocks, options.layers ?? range(1, blocks))
  const given = kinds.filter((kind) => options[kind] !== undefined)
  const [kind] = given
  if (kind === undefined || given.length > 1) {
    const seen = kind === undefined ? 'none of them' : given.join(' and ')
    throw problem(`give exactly one of keep, tokens, remove, threshold and mass (seen: ${seen})`)
  }
  const values = options[kind] as number | readonly number[]
  const list = typeof values === 'number' ? layers.map(() => values) : values
  if (list.length !== layers.length) {
    throw problem(
      `${kind} has ${list.length} values for ${layers.length} layers (${layers.join(', ')}); give one or as many`,
    )
  }
  return new Map(layers.map((layer, i) => [layer, amount(kind, list[i] as number)]))
}

/**
 * The schedule that leaves given shares of all tokens behind some layers: what each keeps of those that arrive, a layer where
 * none leave among them.
 * @param shares by layer, above 0 and at most 1, never rising
 */
export function scheduleOfShares(layers: readonly number[], shares: readonly number[]): Schedule {
  const amounts = layers.map((layer, i): [number, Amount] => [
    layer,
    { kind: 'ratio', value: tenThousandths((shares[i] as number) / (shares[i - 1] ?? 1)) / 10_000 },
  ])
  return new Map(amounts)
}

/** Tokens that a row with `count` real tokens keeps; undefined where only the scores decide. */
export function keptCount(count: number, amount: Amount): number | undefined {
  if (amount.kind === 'ratio') return Math.floor((count * tenThousandths(amount.value) + 9999) / 10000)
  if (amount.kind === 'tokens') return Math.min(amount.value, count)
  if (amount.kind === 'remove') return Math.max(count - amount.value, Math.min(count, 1))
  return undefined
}

/** A ratio as the integer that graphs compute with. */
export function tenThousandths(ratio: number): number {
  return Math.round(ratio * 10000)
}

function amount(kind: (typeof kinds)[number], value: number): Amount {
  switch (kind) {
    case 'keep':
      if (!(value > 0 && value <= 1) || tenThousandths(value) === 0)
        throw problem(`keep is ${value}; it must be above 0 and at most 1`)
      return { kind: 'ratio', value }
    case 'tokens':
      if (!Number.isSafeInteger(value) || value < 1)
        throw problem(`tokens is ${value}; it must be a whole number of at least 1`)
      return { kind, value }
    case 'remove':
      if (!Number.isSafeInteger(value) || value < 0)
        throw problem(`remove is ${value}; it must be a whole number from 0`)
      return { kind, value }
    case 'threshold':
      if (!Number.isFinite(value)) throw problem(`threshold is ${value}; it must be a finite number`)
      return { kind, value }
    case 'mass':
      if (!(value > 0 && value <= 1)) throw problem(`mass is ${value}; it must be above 0 and at most 1`)
      return { kind, value }
  }
}

function checkLayers(blocks: number, layers: readonly number[]): readonly number[] {
  for (const [i, layer] of layers.entries()) {
    if (!Number.isInteger(layer) || layer < 0 || layer >= blocks) {
      throw problem(`layer ${layer} does not exist: the model has blocks 0 to ${blocks - 1}`)
    }
    if (layers.indexOf(layer) !== i) throw problem(`layer ${layer} is named twice`)
  }
  if (layers.length === 0) throw problem('no layer is left to prune: name at least one with layers')
  return [...layers]
}

function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i)
}

function problem(message: string): TpError {
  return new TpError('TP_SCHEDULE', 'core', message)
}
