// All that a program that writes or uses a method needs.

// Methods: a method scores tokens or reduces them; a plugin lists methods with their options.

export { byLayer, sequence, weighted } from './method/combinators.ts'
export { contractVersion, type Method, type Reduction } from './method/method.ts'
export { checkOptions, type NoOptions, type OptionSpec, type OptionSpecs } from './method/options.ts'
export { type MethodEntry, methodEntry, type Plugin, readPlugin } from './method/plugin.ts'
export { type Recipe, type RecipeAnswers, type RecipeInputs, type RecipeLayers, recipeLayers } from './method/recipe.ts'
export { type Scorer, scorer } from './method/scorer.ts'
export type { Budget, Site, Values } from './method/site.ts'

// Schedules: how much is pruned at which layer.

export { countedAmounts, tenThousandths } from './method/amount-rules.ts'
export { type Amount, type Schedule, type ScheduleOptions, schedule } from './method/schedule.ts'

// Learned values: values that training finds, and relaxations that let gradients pass.

export type { Learned, LearnedSpec, Softened, SoftSite, Stage, Training } from './method/training.ts'
export { withValues } from './method/weights.ts'
export { smallNetwork, smallNetworkParams, tokenScore, tokenScoreParams } from './parts/small-network.ts'
export { straightThrough } from './parts/straight-through.ts'

// Baselines: methods that look at no value, to compare others with.

export { baselines } from './baselines/baselines.ts'
export { none } from './baselines/none.ts'
export { quasiRandom } from './baselines/quasi-random.ts'
export { random } from './baselines/random.ts'
export { type StreamingOptions, streaming } from './baselines/streaming.ts'
export { stride } from './baselines/stride.ts'
export { truncate } from './baselines/truncate.ts'

// Parts of methods: steps that several methods share.

export { maskedSoftmax, softmaxOfKept } from './parts/masked-softmax.ts'
export { cosinesOf, fuseRest, mostSimilar, nearestKept, unitVectors } from './parts/merging.ts'
export { ranks } from './parts/ranks.ts'
export { queriesOf, receivedFrom, receivedFromOthers } from './parts/received.ts'
export { significance } from './parts/significance.ts'

// Expressions: pure values with ONNX semantics, checked when they are built, and an interpreter of them.

export type { DType } from './array.ts'
export { isTpError, TpError } from './errors.ts'
export { evaluate } from './expression/interpreter.ts'
export { Tensor } from './expression/tensor.ts'
export { constant, constantOf, input } from './ops/index.ts'

// Arithmetic: element by element, with broadcasting.

export {
  abs,
  add,
  cast,
  ceil,
  clip,
  cos,
  div,
  erf,
  exp,
  floor,
  gelu,
  identity,
  log,
  max,
  maximum,
  min,
  minimum,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  stopGradient,
  sub,
  tanh,
} from './ops/index.ts'

// Comparisons: element by element, to booleans, and choices by them.

export {
  and,
  equal,
  greater,
  greaterOrEqual,
  isNotNumber,
  less,
  lessOrEqual,
  not,
  or,
  where,
  xor,
} from './ops/index.ts'

// Sums and orders: over axes: sums, means, norms, the largest, the softmax.

export {
  argMax,
  argMin,
  cumSum,
  layerNormalization,
  logSoftmax,
  mean,
  norm1,
  norm2,
  prod,
  softmax,
  sum,
  sumSquare,
  topK,
} from './ops/index.ts'

// Products: of matrices, and of any axes.

export { einsum, gemm, matmul } from './ops/index.ts'

// Shapes: the same elements, arranged otherwise, and sizes as values.

export {
  axisSize,
  concat,
  elementCount,
  expand,
  fill,
  flatten,
  iterate,
  pad,
  range,
  reshape,
  shape,
  slice,
  splitAxis,
  squeeze,
  swapLast,
  tile,
  transpose,
  triangle,
  unsqueeze,
} from './ops/index.ts'

// Indices: elements taken from and put at computed positions.

export { gather, gatherElements, gatherND, scatterElements, scatterND } from './ops/index.ts'
