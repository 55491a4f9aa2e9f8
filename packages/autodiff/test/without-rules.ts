const noFloats = 'gives no floats'
const noInputs = 'has no float to differentiate by'
const fused = 'is written by optimizers of inference into files that are not trained any more'
const quantized = 'rounds to few bits: its slope is 0 or unknown'

/** Operators that @tp/core knows and that have no gradient here, with the reason. */
export const withoutRules: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'And',
      'ArgMax',
      'ArgMin',
      'Equal',
      'Greater',
      'GreaterOrEqual',
      'IsInf',
      'IsNaN',
      'Less',
      'LessOrEqual',
      'NonZero',
      'Not',
      'Or',
      'Shape',
      'Size',
      'Xor',
      'ConvInteger',
      'MatMulInteger',
    ].map((name) => [name, noFloats]),
  ),
  Constant: noInputs,
  ConstantOfShape: noInputs,
  EyeLike: noInputs,
  Input: noInputs,
  Range: noInputs,
  DequantizeLinear: quantized,
  DynamicQuantizeLinear: quantized,
  QuantizeLinear: quantized,
  Attention:
    'has no kernel in core, which tests against differences need; exporters write it decomposed below opset 23',
  RotaryEmbedding: 'has no kernel in core; exporters write it decomposed below opset 23',
  GroupNormalization: 'occurs upstream of tokens only, in convolutions',
  AveragePool: 'occurs in networks without tokens only',
  MaxPool: 'occurs in networks without tokens only',
  'com.microsoft.*': fused,
}
