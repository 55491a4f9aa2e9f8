import { cast, constant, mul, slice, squeeze, type Tensor, unsqueeze, where } from '@tp/core'
import { createNode } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { findStatesNorm } from '../analyze/states-norm.ts'
import { Operands } from '../program/operands.ts'
import type { Named, Program } from '../program/program.ts'
import type { WeighedRecord } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from './copy-output.ts'
import type { InsertedCut } from './cut.ts'
import { HIDDEN } from './key-bias.ts'

/** Name of the output float [b,k] that says how much each row of compact states counts: the logarithm of how many tokens. */
export const WEIGHTS = 'tp.weights'

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
  const unweighed = copyOutput(program, output)
  const { names, value } = new Operands(program)
  const states = value(unweighed)
  const isChannel = constant(
    scale.map((_, i) => Number(i === channel)),
    'bool',
    [scale.length],
  )
  const own = weightsOf(states, cuts.at(-1), value)
  const weights = cast(unsqueeze(own, [2]), states.dtype)
  const node = program.graph.producer(output)
  if (node === undefined) throw new Error(`${output} has no producer`)
  const [marked, list] = program.writeAll([where(isChannel, weights, states), own], names, {
    prefix: 'tp/weights',
    before: node,
  }) as [Named, Named]
  program.graph.replaceInput(node, 0, marked.name)
  program.graph.insert([createNode({ type: 'Identity', name: WEIGHTS, inputs: [list.name], outputs: [WEIGHTS] })])
  program.graph.addOutput(WEIGHTS, 'float32', [undefined, undefined])
  program.graph.sortTopologically()
  return { states: unweighed, output, channel }
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
    `the encoder of ${name} ${seen}, so weights have no place; keep one, or use restore nearest`,
  )
}
