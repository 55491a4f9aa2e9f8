import type { NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'
import { gridOf } from './grid.ts'

/** Patches in the order of their tokens, and which of a patch's two places is that in time. */
export interface PatchOrder {
  /** Learned tokens that come before the patches. */
  readonly leading: number
  readonly rows: number
  readonly columns: number
  readonly time: 'row' | 'column'
}

/**
 * The order of patches of a spectrogram [b,T,F] (AST: Gong et al., Interspeech 2021), which one convolution makes; undefined
 * where the patch of a token is unknown.
 * @param convolution with an output [b,c,·,·], of which `stream` [b,n,D] is made
 * @param input of the model, read by the convolution up to the order of axes
 */
export function spectrogramPatches(
  program: Program,
  convolution: NodeProto,
  input: string,
  stream: string,
): PatchOrder | undefined {
  const [x, made] = [convolution.input[0] as string, convolution.output[0] as string]
  const [, , rows, columns] = program.tensor(made).dims
  const time = [2, 3].find((axis) => axisOfInput(program, x, axis) === TIME)
  if (program.tensor(input).rank !== 3 || time === undefined) return undefined
  const tokens = program.tensor(stream).dims[1]
  if (typeof rows !== 'number' || typeof columns !== 'number' || typeof tokens !== 'number') return undefined
  const leading = tokens - rows * columns
  if (leading < 0) return undefined
  // A change of the order of axes before they are flattened would change that of the tokens.
  const isInOrder = gridOf(program, stream, leading)?.value === made
  return isInOrder ? { leading, rows, columns, time: time === 2 ? 'row' : 'column' } : undefined
}

/** For a spectrogram [b,T,F]. */
const TIME = 1

/** Which axis of the model's input an axis of a value is that only changes its form. */
function axisOfInput(program: Program, name: string, axis: number): number | undefined {
  const node = program.graph.producer(name)
  if (node === undefined) return axis
  const { attributes } = program.tensor(name).node
  const before = node.input[0] as string
  if (node.opType === 'Transpose')
    return axisOfInput(program, before, (attributes.perm as readonly number[])[axis] as number)
  if (node.opType !== 'Unsqueeze') return axisOfInput(program, before, axis)
  const added = attributes.axes as readonly number[]
  return added.includes(axis)
    ? undefined
    : axisOfInput(program, before, axis - added.filter((own) => own < axis).length)
}
