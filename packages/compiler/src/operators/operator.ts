/** Operators whose operands broadcast to each other, element by element. */
export const broadcastingOps: ReadonlySet<string> = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Mod',
  'Min',
  'Max',
  'And',
  'Or',
  'Xor',
  'Equal',
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual',
  'Where',
  'PRelu',
  'com.microsoft.BiasGelu',
  'com.microsoft.FastGelu',
])

/** Steps of a quantised graph between two operators: they round, and change nothing else. */
export const quantisingOps: readonly string[] = ['QuantizeLinear', 'DequantizeLinear']

/** Operators that work on each element of their first operand alone. */
export const pointwiseOps: ReadonlySet<string> = new Set([
  'Neg',
  'Abs',
  'Sqrt',
  'Exp',
  'Log',
  'Erf',
  'Tanh',
  'Sigmoid',
  'Relu',
  'LeakyRelu',
  'Elu',
  'Selu',
  'HardSigmoid',
  'HardSwish',
  'Mish',
  'Sin',
  'Cos',
  'Ceil',
  'Floor',
  'Round',
  'Sign',
  'Not',
  'Reciprocal',
  'Identity',
  'Gelu',
  'Softplus',
  'Clip',
  'Cast',
  'CastLike',
  'Dropout',
  'IsNaN',
  'IsInf',
  ...quantisingOps,
  'DynamicQuantizeLinear',
  'com.microsoft.Gelu',
  'com.microsoft.QuickGelu',
])

/** Operators whose result fits the tokens that are left by itself: axes are moved, or reduced over what is left. */
export const fittingOps: ReadonlySet<string> = new Set([
  'Transpose',
  'Unsqueeze',
  'Squeeze',
  'Softmax',
  'LogSoftmax',
  'Shape',
  'Size',
  'Flatten',
  'ReduceMean',
  'ReduceSum',
  'ReduceMax',
  'ReduceMin',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
  'ReduceProd',
])

/** Operators that give elements a meaning by their places. */
export const placingOps: ReadonlySet<string> = new Set(['CumSum', 'ScatterND', 'ScatterElements', 'Trilu', 'NonZero'])

/** Operator types as the tables here have them: those of other domains with the domain in front. */
export function operatorName(node: { readonly domain: string; readonly opType: string }): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`
}
