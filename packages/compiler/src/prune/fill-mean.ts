import {
  axisSize,
  cast,
  div,
  expand,
  gatherND,
  maximum,
  mul,
  not,
  or,
  scatterElements,
  shape,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import type { RestorePoint } from './restore-point.ts'
import { attendedAfter, attendedTokens } from './start.ts'

/**
 * Gives an output of token states [b,k,D] its [b,n,D] rows again, such that a mean over them by the model's own mask is that of
 * the kept tokens, each counted as often as tokens were merged into it. Kept tokens have their states; the pruned ones have
 *
 *     f = (n·m − Σ s) / (n − k),   m = Σ size·s / Σ size
 *
 * with n attended tokens of which k with the states s are kept: m itself where none were merged, else the mean of the merged
 * tokens' targets.
 */
export function fillWithMean(
  point: RestorePoint,
  program: Program,
  encoder: Encoder,
  cuts: readonly InsertedCut[],
): void {
  const upstream = program.before(point.node.input[0] as string)
  const [first, ...others] = cuts.filter(({ after }) => upstream.has(after))
  const last = others.at(-1) ?? first
  if (first === undefined || last === undefined) return
  const { names, value } = new Operands(program)
  const kept = value(point.node.input[0] as string)
  const states = cast(kept, 'float32')
  const valid = last.valid === undefined ? undefined : value(last.valid)
  const one = valid && cast(valid, 'float32')
  const size = last.size === undefined ? undefined : value(last.size)
  const weights = size !== undefined && one !== undefined ? mul(size, one) : (size ?? one)
  const count = one === undefined ? cast(axisSize(kept, 1), 'float32') : sum(one, 1, { keepDims: true })
  const weighted = (by: Tensor | undefined): Tensor =>
    sum(by === undefined ? states : mul(states, unsqueeze(by, [2])), 1)
  const total = weights === undefined ? count : maximum(sum(weights, 1, { keepDims: true }), LIGHTEST)
  const mean = div(weighted(weights), total)
  const before = value(first.before)
  const attended = attendedBefore(program, encoder, value)
  const fill = (): Tensor => {
    if (size === undefined) return mean
    const all = attended ? sum(cast(attended, 'float32'), 1, { keepDims: true }) : cast(axisSize(before, 1), 'float32')
    return div(sub(mul(mean, all), weighted(one)), maximum(sub(all, count), 1))
  }
  const own = cast(unsqueeze(fill(), [1]), kept.dtype)
  const whole = expand(own, [axisSize(before, 0), axisSize(before, 1), axisSize(kept, 2)])
  const indices = others.reduce((at, cut) => gatherND(at, value(cut.indices), 1), value(first.indices))
  // Padding that was kept has the states that it had, so that nothing changes where nothing was pruned. Where examples keep different
  // numbers of tokens the others in the batch decide what is computed for it.
  const isRagged = [first, ...others].some(({ ragged }) => ragged)
  const asWas = valid && attended && !isRagged ? or(valid, not(gatherND(attended, indices, 1))) : valid
  const rows = asWas === undefined ? kept : where(unsqueeze(asWas, [2]), kept, own)
  point.write(scatterElements(whole, expand(indices, shape(kept)), rows, { axis: 1 }), names)
}

/** Sum of sizes to divide by where no token is attended. */
const LIGHTEST = 1e-3

/** bool [b,n]: which tokens are attended upstream of the first cut; undefined where all are. */
function attendedBefore(program: Program, encoder: Encoder, value: (name: string) => Tensor): Tensor | undefined {
  const { mask } = encoder
  const marked = mask === undefined ? undefined : attendedTokens(value(mask), encoder)
  return encoder.earlier === undefined ? marked : attendedAfter(program, marked, encoder.earlier.cuts, value)
}
