import { flopsFormula, type Sizes } from '@tp/compiler'
import { isTpError } from '@tp/core'
import { substituteDim } from '@tp/core/expression'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { flopsSizes, type InputRoles, type InputSizes, isText } from '../inputs/input-shapes.ts'

export interface FlopsAt {
  readonly batch: number
  readonly tokens: number | string
  readonly flops: number
}

/** Lengths that figures of a text model are given for. */
const USUAL_LENGTHS = [32, 128, 512] as const

/** FLOPs of a model that was made with these inputs; undefined where they depend on the data. */
export function flopsOf(
  model: Model,
  roles: InputRoles,
): (requested: InputSizes & Pick<Sizes, 'kept'>) => number | undefined {
  const formula = flopsFormula(model)
  return (requested) => {
    try {
      return formula(flopsSizes(model, roles, requested))
    } catch (error) {
      if (isTpError(error) && (error.code === 'TP_SIZES' || error.code === 'TP_INPUT')) return undefined
      throw error
    }
  }
}

/**
 * FLOPs of one example: a text at some usual lengths, an image or a sound at its own.
 * @param most tokens that the model takes; default: any number
 */
export function flopsAtUsualLengths(
  model: Model,
  roles: InputRoles,
  most: number = Number.POSITIVE_INFINITY,
): FlopsAt[] {
  const count = flopsOf(model, roles)
  const batch = typeof roles.batch === 'number' ? roles.batch : 1
  const taken = USUAL_LENGTHS.filter((length) => length <= most)
  const lengths = isText(roles) ? (taken.length > 0 ? taken : [most]) : [undefined]
  return lengths.flatMap((tokens) => {
    const flops = count({ batch, tokens })
    return flops === undefined ? [] : [{ batch, tokens: tokens ?? roles.tokens, flops }]
  })
}

/** How many times fewer; undefined where none are counted of either, since the sizes of its products are not known. */
export function timesFewer(dense: number | undefined, pruned: number | undefined): number | undefined {
  return dense && pruned ? dense / pruned : undefined
}

/**
 * How many times fewer FLOPs a pruned model takes for all examples, one by one; undefined where the data decide.
 * @param keptByLayer mean share of the tokens at each layer, by which FLOPs are counted where the data decide how many are kept
 */
export function fewerFlops(
  { dense, pruned, roles }: { readonly dense: Model; readonly pruned: Model; readonly roles: InputRoles },
  { lengths, targets }: Pick<ModelInputs, 'lengths' | 'targets'>,
  keptByLayer: readonly number[] = [],
): number | undefined {
  const [before, after] = [flopsOf(dense, roles), flopsOf(pruned, roles)]
  const batch = typeof roles.batch === 'number' ? roles.batch : 1
  const fixed = typeof roles.tokens === 'number' ? roles.tokens : undefined
  const counts = new Map<number | undefined, number>()
  for (const length of lengths ?? targets.map(() => undefined)) counts.set(length, (counts.get(length) ?? 0) + 1)
  let [denseTotal, prunedTotal] = [0, 0]
  for (const [length, count] of counts) {
    const sizes = { batch, tokens: fixed === undefined ? length : undefined }
    const all = before(sizes)
    const whole = all === undefined ? undefined : (length ?? tokensAt(dense, roles, sizes))
    if (all === undefined || whole === undefined) return undefined
    const kept = Object.fromEntries(keptByLayer.map((share, layer) => [layer, Math.max(1, Math.round(share * whole))]))
    const few = after({ ...sizes, ...(keptByLayer.length > 0 && { kept }) })
    if (few === undefined) return undefined
    denseTotal += count * all
    prunedTotal += count * few
  }
  return timesFewer(denseTotal, prunedTotal)
}

/** Tokens of an image or a sound at the sizes that FLOPs are counted at; undefined where these do not say it. */
function tokensAt(model: Model, roles: InputRoles, sizes: InputSizes): number | undefined {
  const { others = {} } = flopsSizes(model, roles, sizes)
  const tokens = substituteDim(roles.tokens, others)
  return typeof tokens === 'number' ? tokens : undefined
}
