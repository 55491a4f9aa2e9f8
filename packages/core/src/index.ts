// Everything that authors and users of methods need.

export type { DType } from './array.ts'
export { baselines } from './baselines/baselines.ts'
export { none } from './baselines/none.ts'
export { quasiRandom } from './baselines/quasi-random.ts'
export { random } from './baselines/random.ts'
export { type StreamingOptions, streaming } from './baselines/streaming.ts'
export { stride } from './baselines/stride.ts'
export { truncate } from './baselines/truncate.ts'
export { isTpError, TpError } from './errors.ts'
export { evaluate } from './expression/interpreter.ts'
export { Tensor } from './expression/tensor.ts'
export { countedAmounts, tenThousandths } from './method/amount-rules.ts'
export { byLayer, sequence, weighted } from './method/combinators.ts'
export { contractVersion, type Method, type Reduction } from './method/method.ts'
export { checkOptions, type NoOptions, type OptionSpec, type OptionSpecs } from './method/options.ts'
export { type MethodEntry, methodEntry, type Plugin, readPlugin } from './method/plugin.ts'
export { type Amount, type Schedule, type ScheduleOptions, schedule } from './method/schedule.ts'
export { type Scorer, scorer } from './method/scorer.ts'
export type { Budget, Site, Values } from './method/site.ts'
export type { Learned, LearnedSpec, Softened, SoftSite, Stage, Training } from './method/training.ts'
export { withValues } from './method/weights.ts'
export {
  abs,
  add,
  and,
  argMax,
  argMin,
  axisSize,
  cast,
  ceil,
  clip,
  concat,
  constant,
  constantOf,
  cos,
  cumSum,
  div,
  einsum,
  elementCount,
  equal,
  erf,
  exp,
  expand,
  fill,
  flatten,
  floor,
  gather,
  gatherElements,
  gatherND,
  gelu,
  gemm,
  greater,
  greaterOrEqual,
  identity,
  input,
  isNotNumber,
  iterate,
  layerNormalization,
  less,
  lessOrEqual,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mod,
  mul,
  neg,
  norm1,
  norm2,
  not,
  or,
  pad,
  pow,
  prod,
  range,
  reciprocal,
  relu,
  reshape,
  round,
  scatterElements,
  scatterND,
  shape,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  softplus,
  splitAxis,
  sqrt,
  squeeze,
  stopGradient,
  sub,
  sum,
  sumSquare,
  swapLast,
  tanh,
  tile,
  topK,
  transpose,
  triangle,
  unsqueeze,
  where,
  xor,
} from './ops/index.ts'
export { maskedSoftmax, softmaxOfKept } from './parts/masked-softmax.ts'
export { fuseRest, mostSimilar, nearestKept, unitVectors } from './parts/merging.ts'
export { ranks } from './parts/ranks.ts'
export { receivedFrom, receivedFromOthers } from './parts/received.ts'
export { significance } from './parts/significance.ts'
export { smallNetwork, smallNetworkParams, tokenScore, tokenScoreParams } from './parts/small-network.ts'
export { straightThrough } from './parts/straight-through.ts'
