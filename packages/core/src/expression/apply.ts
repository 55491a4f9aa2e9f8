import { TpError } from '../errors.ts'
import { type Attributes, type Node, type Op, type OutputInfo, ShapeProblem, Tensor } from './tensor.ts'
import { mayWork } from './work-limit.ts'

/** Contents are not followed beyond this many elements. */
export const MOST_ELEMENTS = 4096

/** More axes than any runtime or exporter has; a shape may be computed, so that it could name any number of them. */
export const MOST_AXES = 64

/** Builds a node after its op has checked types and shapes; returns its outputs. */
export function apply(op: Op, inputs: readonly (Tensor | undefined)[], attributes: Attributes = {}): Tensor[] {
  const node: Node = { op, inputs, attributes }
  let outputs: readonly OutputInfo[]
  try {
    outputs = op.infer(inputs, attributes)
    for (const { dims = [] } of outputs) {
      if (dims.length > MOST_AXES) throw new ShapeProblem(`its result would have ${dims.length} axes`)
      const odd = dims.find((dim) => typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0))
      if (odd !== undefined) throw new ShapeProblem(`its result would have the size ${odd}`)
    }
  } catch (cause) {
    if (!(cause instanceof ShapeProblem)) throw cause
    const shapes = inputs.map((input) => input?.toString() ?? 'none').join(', ')
    throw new TpError('TP_SHAPE', 'core', `${op.name}(${shapes}): ${cause.message}`)
  }
  return outputs.map((info, output) => new Tensor(node, output, isFollowed(op, info) ? info : withoutContents(info)))
}

/** Whether known contents are few enough to be kept. Those of a constant are the file's own, and are not counted. */
function isFollowed({ name }: Op, { value }: OutputInfo): boolean {
  if (value === undefined || name === 'Constant') return true
  return value.length <= MOST_ELEMENTS && mayWork(value.length)
}

function withoutContents({ dtype, dims }: OutputInfo): OutputInfo {
  return { dtype, dims }
}

/** Like {@link apply} for an op with one output. */
export function applyOne(op: Op, inputs: readonly (Tensor | undefined)[], attributes: Attributes = {}): Tensor {
  return apply(op, inputs, attributes)[0] as Tensor
}
