// Expressions from the inside: for programs that read them from files, write, rewrite or differentiate them.

// Nodes: the graph behind an expression, and its construction.

export { constantData } from '../ops/constant.ts'
export { apply, applyOne } from './apply.ts'
export {
  type Attribute,
  type AttributeReference,
  type Attributes,
  type ConstantData,
  type Node,
  type OnnxForm,
  type Op,
  type OutputInfo,
  ShapeProblem,
} from './tensor.ts'

// Operators: the table of operators, and their operands as numbers.

export { isJoinSteps, type JoinStepsOp, type StepBody } from '../ops/join-steps.ts'
export { isLoop, type LoopBody, type LoopOp } from '../ops/loop.ts'
export { frontAxis, intOf, intsOf, isReference, textOf } from '../ops/operands.ts'
export { floatAttributes, operators } from '../ops/operators.ts'
export type { Reduce } from '../ops/reduce.ts'

// Sizes: symbolic sizes of axes, and what makes two of them one.

export { type Meeting, type Unification, withUnification } from '../ops/sizes.ts'
export {
  addDims,
  type Dim,
  divideExactly,
  isCapped,
  isUnknown,
  minDims,
  mulDims,
  namesIn,
  subDims,
  substituteDim,
  unknownDim,
} from './dim.ts'

// Walks: over graphs: the nodes below outputs, replacements, and a limit on the work of a walk.

export { nodesBelow } from './nodes-below.ts'
export { substitute } from './substitute.ts'
export { withWorkLimit } from './work-limit.ts'

// Half precision: float16 to float32 and back.

export { fromHalves, toHalves } from './half.ts'
