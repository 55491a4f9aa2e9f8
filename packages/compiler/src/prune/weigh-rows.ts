import { cast, constant, greater, log, maximum, mul, slice, squeeze, type Tensor, unsqueeze, where } from '@tp/core'
import { createNode } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { findStatesNorm } from '../analyze/states-norm.ts'
import { Operands } from '../program/operands.ts'
import type { Named, Program } from '../program/program.ts'
import type { WeighedRecord } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from './copy-output.ts'
import { HIDDEN } from './key-bias.ts'
import { countNearest } from './nearest-slots.ts'
import type { Pruning } from './pruning.ts'

type Weighed = Pick<Pruning, 'program' | 'encoder' | 'cuts'>

/** Name of the output float [b,k] that says how much each row of compact states counts: the logarithm of how many tokens. */
export const WEIGHTS = 'tp.weights'

/**
 * Makes the states that an encoder gives say how many tokens each stands for, in the channel that follows from the others ({@link findStatesNorm}):
 *
 *     y_c = log size of a kept token, −30000 in a row without one       [b,k]
 *
 * The size is the one by which the method weighs keys itself (merged tokens, those of `thin-padding`). A token that a method drops without weighing others
 * for it counts for its nearest kept neighbor, whose row it would have with `restore: 'nearest'`.
 *
 * A decoder that `weighStates` has changed adds it to the scores of its cross-attentions, and computes the channel's own content.
 * @throws Refused TP_STATES where no output holds states that a LayerNorm gives
 */
export function weighRows(weighed: Weighed): WeighedRecord {
  const { program, encoder } = weighed
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
  const own = weightsOf(weighed, states, value)
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

/** float32 [b,k]: what the method adds to the scores of later keys; of one that adds nothing, the logarithm of how many tokens a row is the nearest of. */
function weightsOf({ program, encoder, cuts }: Weighed, states: Tensor, value: Operands['value']): Tensor {
  const last = cuts.at(-1)
  if (last?.keyBias !== undefined) {
    const bias = cast(value(last.keyBias), 'float32')
    return last.valid === undefined ? bias : where(value(last.valid), bias, HIDDEN)
  }
  const count = countNearest(program, encoder, cuts, value)
  if (count !== undefined) return where(greater(count, 0), log(maximum(count, 1)), HIDDEN)
  return mul(cast(squeeze(slice(states, { axis: 2, start: 0, end: 1 }), [2]), 'float32'), 0)
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
