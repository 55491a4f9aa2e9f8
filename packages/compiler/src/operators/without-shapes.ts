import type { NodeProto } from '@tp/onnx'
import type { OperatorEntries } from './operator.ts'
import { productPacks } from './products.ts'

/** Operators of onnxruntime between rounding and back. */
const onRoundedValues = [
  'QGemm',
  'QLinearAdd',
  'QLinearAveragePool',
  'QLinearConcat',
  'QLinearConv',
  'QLinearGlobalAveragePool',
  'QLinearLeakyRelu',
  'QLinearMul',
  'QLinearReduceMean',
  'QLinearSigmoid',
  'QLinearSoftmax',
  'QLinearWhere',
].map((name) => [`com.microsoft.${name}`, { traits: ['on rounded values'] }] as const)

/** All keys are the second output. */
const returnsKeys = ({ output }: NodeProto): boolean => (output[1] ?? '') !== ''

/** Operators whose shapes are not known, so that nothing downstream of them is followed: what they are is known all the same. */
export const withoutShapes: OperatorEntries = {
  ConvTranspose: { traits: ['grid'] },
  GRU: { traits: ['recurrent'] },
  If: { traits: ['control flow'] },
  LSTM: { traits: ['recurrent'] },
  Loop: { traits: ['control flow'] },
  QLinearConv: { traits: ['convolution', 'grid', 'on rounded values'] },
  QLinearMatMul: { traits: ['product', 'quantized', 'on rounded values'], packs: productPacks },
  RNN: { traits: ['recurrent'] },
  STFT: { traits: ['fourier'] },
  Scan: { traits: ['control flow'] },
  'com.microsoft.DequantizeLinear': { traits: ['quantized'] },
  'com.microsoft.DynamicQuantizeLSTM': { traits: ['recurrent', 'quantized', 'range of all'] },
  'com.microsoft.MatMulBnb4': { traits: ['product', 'quantized'] },
  'com.microsoft.PackedAttention': { traits: ['fused'], readsEarlierKeys: returnsKeys },
  'com.microsoft.PackedMultiHeadAttention': { traits: ['fused'], readsEarlierKeys: returnsKeys },
  'com.microsoft.QMoE': { traits: ['quantized'] },
  'com.microsoft.QuantizeLinear': { traits: ['quantized'] },
  ...Object.fromEntries(onRoundedValues),
}
