import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { tracedLayers, tracedTokens } from './trace.ts'

/** The way of one token of an example through a pruned model. */
export interface Trajectory {
  /** Its place in the input. */
  readonly position: number
  /** Layer that it leaves at for good; undefined: it stays to the end. */
  readonly prunedAt: number | undefined
  /**
   * What it was ranked by at each layer that it arrived at and tokens left, higher stays; only of a model that was pruned with
   * `trace: 'scores'`, and not where the method chooses by no score. Merging methods rank by how unlike a token is to what
   * would take it in, or as their papers say. Tokens that have to stay have scores, too, which decide nothing.
   */
  readonly scores: ReadonlyMap<number, number>
}

/**
 * The ways of all tokens of a batch, from the outputs of one run of a model with traces.
 * @param lengths tokens of each example that are real, the first ones of its row
 * @returns for each example its tokens in their order
 */
export function trajectoriesOf(outputs: NamedTensors, lengths: readonly number[]): Trajectory[][] {
  const kept = tracedTokens(outputs)
  const scored = scoresByPlace(outputs, lengths.length)
  return lengths.map((length, row) => {
    const stays = [...kept].map(([layer, rows]) => ({ layer, tokens: new Set(rows[row]) }))
    return Array.from({ length }, (_, position) => {
      // Some methods bring tokens back: what counts is the last layer that has it.
      const last = stays.findLastIndex(({ tokens }) => tokens.has(position))
      const prunedAt = stays[last + 1]?.layer
      const scores = [...scored].flatMap(([layer, rows]) => {
        const score = rows[row]?.get(position)
        return score === undefined ? [] : [[layer, score] as const]
      })
      return { position, prunedAt, scores: new Map(scores) }
    })
  })
}

/** Layer → for each row, place in the input → score there, of the tokens that arrive. */
function scoresByPlace(outputs: NamedTensors, rows: number): Map<number, ReadonlyMap<number, number>[]> {
  const found = new Map<number, ReadonlyMap<number, number>[]>()
  let before: { readonly indices: TensorLike; readonly valid: TensorLike } | undefined
  for (const layer of tracedLayers(outputs)) {
    const scores = outputs[`tp.trace.${layer}.scores`]
    if (scores !== undefined) {
      const width = scores.dims[1] as number
      // Tokens that come back between the layers arrive all of them, each in its place.
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
