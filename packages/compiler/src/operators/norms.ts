import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { counts } from './flow.ts'
import { fits, inputsOf, integerAttribute, positive, refuseOp } from './node-inputs.ts'
import type { Operator, OperatorEntries, PackRule, Repair, RowRule } from './operator.ts'

/** Operators along one axis that leave the others alone. */
export const otherAxes: RowRule = ({ inputs, attributes, output }, axis) => {
  const own = (attributes.axis as number | undefined) ?? -1
  return inputs.map((_, i) => (i > 0 ? undefined : (own < 0 ? own + output.rank : own) === axis ? 'all' : axis))
}

/** Operators along one axis that may not be the token axis. */
export function exceptTokenAxis(axisName: string, fallback: number): Repair {
  return (flow, node) => {
    const inputs = inputsOf(flow, node)
    const [data] = inputs as [Tensor]
    const axis = positive(integerAttribute(node, axisName, fallback), data.rank)
    if (counts(flow, data.dims[axis] as Dim)) refuseOp(node)
    return inputs
  }
}

const normPacks: PackRule = ({ output, tokens }) => {
  const { axis } = output.node.attributes
  return typeof axis === 'number' && axis > tokens
}

const softmaxPacks: PackRule = ({ input, output, tokens }) =>
  output.node.attributes.axis === input.rank - 1 && tokens < input.rank - 1

/** Every element by the statistics of its channel, which are weights. */
const perChannel: Operator = {
  traits: ['norm'],
  rows: ({ inputs }, axis) => inputs.map((_, i) => (i === 0 ? axis : axis === 1 ? 0 : undefined)),
  repair(flow, node) {
    const inputs = inputsOf(flow, node)
    // Weights for each position: tokens that move would get those of others.
    if (counts(flow, inputs[0]?.dims[1] as Dim)) refuseOp(node)
    return inputs
  },
  packs: ({ tokens, batch }) => tokens !== 1 && batch !== 1,
}

const overFeatures: Operator = {
  traits: ['norm'],
  rows: otherAxes,
  repair: exceptTokenAxis('axis', -1),
  packs: normPacks,
}

/** Operators that normalize along an axis. */
export const norms: OperatorEntries = {
  BatchNormalization: perChannel,
  GroupNormalization: { traits: ['norm'] },
  InstanceNormalization: { traits: ['norm'] },
  LayerNormalization: overFeatures,
  LpNormalization: { traits: ['norm'], rows: otherAxes, repair: exceptTokenAxis('axis', -1), packs: normPacks },
  RMSNormalization: overFeatures,
  SimplifiedLayerNormalization: overFeatures,
  LogSoftmax: { traits: ['function'], rows: otherAxes, repair: fits, packs: softmaxPacks },
  Softmax: { traits: ['softmax'], rows: otherAxes, repair: fits, packs: softmaxPacks },
}
