import { cast, constant, mul, slice, squeeze, type Tensor, unsqueeze, where } from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { findStatesNorm } from '../analyze/states-norm.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { WeighedRecord } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from './copy-output.ts'
import type { InsertedCut } from './cut.ts'
import { HIDDEN } from './key-bias.ts'

/**
 * Makes the states that an encoder gives say how many tokens each stands for, in the channel that follows from the others ({@link findStatesNorm}):
 *
 *     y_c = log size of a kept token, −30000 in a row without one       [b,k]
 *
 * A decoder that `weighStates` has changed adds it to the scores of its cross-attentions, and computes the channel's own content.
 * @throws Refused TP_STATES where no output holds states that a LayerNorm gives
 */
export function weighRows(program: Program, encoder: Encoder, cuts: readonly InsertedCut[]): WeighedRecord {
  const output = statesOutput(program, encoder)
  const { channel, scale } = findStatesNorm(program, output)
  const own = copyOutput(program, output)
  const { names, value } = new Operands(program)
  const states = value(own)
  const isChannel = constant(
    scale.map((_, i) => Number(i === channel)),
    'bool',
    [scale.length],
  )
  const weights = cast(unsqueeze(weightsOf(states, cuts.at(-1), value), [2]), states.dtype)
  const node = program.graph.producer(output)
  if (node === undefined) throw new Error(`${output} has no producer`)
  const { name } = program.write(where(isChannel, weights, states), names, { prefix: 'tp/weights', before: node })
  program.graph.replaceInput(node, 0, name)
  program.graph.sortTopologically()
  return { states: own, output, channel }
}

/** float32 [b,k] */
function weightsOf(states: Tensor, cut: InsertedCut | undefined, value: (name: string) => Tensor): Tensor {
  const zeros = (): Tensor => mul(cast(squeeze(slice(states, { axis: 2, start: 0, end: 1 }), [2]), 'float32'), 0)
  const bias = cut?.keyBias === undefined ? zeros() : cast(value(cut.keyBias), 'float32')
  return cut?.valid === undefined ? bias : where(value(cut.valid), bias, HIDDEN)
}

function statesOutput(program: Program, { name, batch, tokens, tokenOutputs }: Encoder): string {
  const found = tokenOutputs.filter((output) => {
    const { rank, dims } = program.tensor(output)
    return rank === 3 && dims[0] === batch && dims.length === 3
  })
  const [first, ...others] = found
  if (first !== undefined && others.length === 0) return first
  const seen =
    first === undefined
      ? `has no output [batch, tokens, size] of ${tokens} states`
      : `has several outputs of states, ${found.join(', ')}`
  throw new Refused(
    'TP_STATES',
    `the encoder of ${name} ${seen}, so weights have no place; keep one, or use restore auto`,
  )
}
