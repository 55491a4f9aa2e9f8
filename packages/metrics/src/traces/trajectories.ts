import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { tracedLayers, tracedTokens } from './trace.ts'

/** The way of one token of an example through a pruned model. */
export interface Trajectory {
  /** Its position in the input. */
  readonly position: number
  /** Layer at which it is finally pruned; undefined: it is kept to the end. */
  readonly prunedAt: number | undefined
  /**
   * Its score at each site that it arrived at, higher is kept; only of a model that was pruned with `trace: 'scores'`, and not
   * where the method chooses without a score. Merging methods score by dissimilarity to the token to merge into, or as their
   * papers say. Protected tokens have scores, too, without effect.
   */
  readonly scores: ReadonlyMap<number, number>
}

/**
 * The ways of all tokens of a batch, from the outputs of one run of a model with traces.
 * @param lengths number of real tokens of each example, which come first
 * @returns for each example its tokens in their order
 */
export function trajectoriesOf(outputs: NamedTensors, lengths: readonly number[]): Trajectory[][] {
  const kept = tracedTokens(outputs)
  const scored = scoresByPlace(outputs, lengths.length)
  return lengths.map((length, row) => {
    const survivors = [...kept].map(([layer, rows]) => ({ layer, tokens: new Set(rows[row]) }))
    return Array.from({ length }, (_, position) => {
      // Some methods bring tokens back: the last layer that has the token counts.
      const last = survivors.findLastIndex(({ tokens }) => tokens.has(position))
      const prunedAt = survivors[last + 1]?.layer
      const scores = [...scored].flatMap(([layer, rows]) => {
        const score = rows[row]?.get(position)
        return score === undefined ? [] : [[layer, score] as const]
      })
      return { position, prunedAt, scores: new Map(scores) }
    })
  })
}

/** Layer → for each example, position in the input → score there, of the tokens that arrive. */
function scoresByPlace(outputs: NamedTensors, rows: number): Map<number, ReadonlyMap<number, number>[]> {
  const found = new Map<number, ReadonlyMap<number, number>[]>()
  let before: { readonly indices: TensorLike; readonly valid: TensorLike } | undefined
  for (const layer of tracedLayers(outputs)) {
    const scores = outputs[`tp.trace.${layer}.scores`]
    if (scores !== undefined) {
      const width = scores.dims[1] as number
      // If tokens come back between layers, all of them arrive, in input order.
      const arriving = before?.indices.dims[1] === width ? before : undefined
      const ofRow = (row: number): Map<number, number> => {
        const slots = Array.from({ length: width }, (_, i) => row * width + i)
        const real = arriving ? slots.filter((slot) => arriving.valid.data[slot] === 1) : slots
        return new Map(
          real.map((slot) => [Number(arriving?.indices.data[slot] ?? slot % width), Number(scores.data[slot])]),
        )
      }
      found.set(
        layer,
        Array.from({ length: rows }, (_, row) => ofRow(row)),
      )
    }
    const [indices, valid] = ['indices', 'valid'].map((name) => outputs[`tp.trace.${layer}.${name}`])
    before = indices && valid && { indices, valid }
  }
  return found
}
