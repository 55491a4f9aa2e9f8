import type { Op } from '../expression/tensor.ts'
import { Conv } from './conv.ts'
import { define } from './microsoft-op.ts'
import { intOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Convolution on channels in blocks, which onnxruntime writes into files at its highest level: read for its shape. */
const BlockedConv = define('nchwc.Conv', {
  infer: (inputs, attributes) => Conv.infer(inputs.slice(0, 3), attributes),
  read: Conv.read as NonNullable<Op['read']>,
})

/** Channels in blocks of 8 or 16 … */
const ReorderInput = define('nchwc.ReorderInput', (inputs) => {
  const x = operand(inputs, 0)
  return [{ dtype: x.dtype, dims: dimsOf(x) }]
})

/** … and back, without those that filled the last block: [b,c,h,w]; with `channels_last` [b,h,w,c]. */
const ReorderOutput = define('nchwc.ReorderOutput', (inputs, attributes) => {
  const x = operand(inputs, 0)
  const dims = dimsOf(x)
  if (dims === undefined) return [{ dtype: x.dtype, dims }]
  const [batch = 1, , ...spatial] = dims
  const channels = intOf(attributes, 'channels', 0)
  const isLast = intOf(attributes, 'channels_last', 0) === 1
  return [{ dtype: x.dtype, dims: isLast ? [batch, ...spatial, channels] : [batch, channels, ...spatial] }]
})

export const nchwcOps: readonly Op[] = [BlockedConv, ReorderInput, ReorderOutput]
