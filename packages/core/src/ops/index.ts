// The functions that expressions are built with.

export { argMax, argMin } from './arg-max.ts'
export {
  add,
  and,
  div,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  maximum,
  minimum,
  mod,
  mul,
  or,
  pow,
  sub,
  xor,
} from './binary.ts'
export { cast } from './cast.ts'
export { clip } from './clip.ts'
export { concat } from './concat.ts'
export { constant, constantOf } from './constant.ts'
export { fill } from './constant-of-shape.ts'
export { cumSum } from './cumsum.ts'
export { einsum } from './einsum.ts'
export { expand } from './expand.ts'
export { gather } from './gather.ts'
export { gatherElements } from './gather-elements.ts'
export { gatherND } from './gather-nd.ts'
export { gelu } from './gelu.ts'
export { gemm } from './gemm.ts'
export { input } from './input.ts'
export { joinSteps } from './join-steps.ts'
export { iterate } from './loop.ts'
export { matmul } from './matmul.ts'
export { layerNormalization } from './normalization.ts'
export { pad } from './pad.ts'
export { range } from './range.ts'
export { max, mean, min, norm1, norm2, prod, sum, sumSquare } from './reduce.ts'
export { flatten, reshape } from './reshape.ts'
export { scatterElements } from './scatter-elements.ts'
export { scatterND } from './scatter-nd.ts'
export { axisSize, elementCount, shape } from './shape.ts'
export { slice } from './slice.ts'
export { logSoftmax, softmax } from './softmax.ts'
export { splitAxis } from './split.ts'
export { squeeze, unsqueeze } from './squeeze.ts'
export { stopGradient } from './stop-gradient.ts'
export { tile } from './tile.ts'
export { topK } from './top-k.ts'
export { swapLast, transpose } from './transpose.ts'
export { triangle } from './trilu.ts'
export {
  abs,
  ceil,
  cos,
  erf,
  exp,
  floor,
  identity,
  isNotNumber,
  log,
  neg,
  not,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  tanh,
} from './unary.ts'
export { where } from './where.ts'
