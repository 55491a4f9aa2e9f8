// Expressions from the inside: for what reads them from files, writes them, rewrites or differentiates them.

export { constantData } from '../ops/constant.ts'
export { isLoop, type LoopBody, type LoopOp } from '../ops/loop.ts'
export { frontAxis, intOf, intsOf, textOf } from '../ops/operands.ts'
export { floatAttributes, operators } from '../ops/operators.ts'
export type { Reduce } from '../ops/reduce.ts'
export { type Unification, withUnification } from '../ops/sizes.ts'
export { apply, applyOne } from './apply.ts'
export {
  addDims,
  type Dim,
  divideExactly,
  isUnknown,
  mulDims,
  namesIn,
  subDims,
  substituteDim,
  unknownDim,
} from './dim.ts'
export { fromHalf, toHalf } from './half.ts'
export { nodesBelow } from './nodes-below.ts'
export { substitute } from './substitute.ts'
export type { OnnxForm, Op } from './tensor.ts'
export {
  type Attribute,
  type Attributes,
  type ConstantData,
  type Node,
  type OutputInfo,
  ShapeProblem,
} from './tensor.ts'
export { withWorkLimit } from './work-limit.ts'
