import { constant, type Tensor } from '@tp/core'
import { apply, applyOne } from '@tp/core/expression'
import {
  B,
  binary,
  bytes,
  type Case,
  caseInput,
  floats,
  listed,
  N,
  op,
  positive,
  raw,
  resized,
  unary,
  uniform,
} from './case-input.ts'

/** Quantized operators, transforms, resizing, attention, and those of onnxruntime. */
export const quantizedAndFused: Readonly<Record<string, Case>> = {
  QuantizeLinear: binary(
    (x, s) => raw('QuantizeLinear', {}, x, s, constant(3, 'uint8')),
    10,
    floats(B, N),
    listed('float32', [0.01]),
  ),
  DequantizeLinear: unary(
    (x) => raw('DequantizeLinear', {}, x, constant(0.1), constant(3, 'int8')),
    10,
    caseInput('int8', [B, N], () => Math.floor(uniform() * 256) - 128),
  ),
  DynamicQuantizeLinear: unary((x) => raw('DynamicQuantizeLinear', {}, x), 11),
  MatMulInteger: binary(
    (a, b) => raw('MatMulInteger', {}, a, b, constant(7, 'uint8'), constant(9, 'uint8')),
    10,
    caseInput('uint8', [N, 4], () => Math.floor(uniform() * 256)),
    caseInput('uint8', [4, 3], () => Math.floor(uniform() * 256)),
  ),
  ConvInteger: binary(
    (x, w) =>
      raw(
        'ConvInteger',
        { group: 1, kernel_shape: [2, 2], strides: [1, 2], pads: [0, 0, 1, 1], dilations: [1, 1] },
        x,
        w,
        constant(7, 'uint8'),
      ),
    10,
    bytes(B, 2, ['H', 4], 5),
    bytes(3, 2, 2, 2),
  ),
  DFT: unary((x) => raw('DFT', { axis: 1, inverse: 0, onesided: 0 }, x), 17, floats(B, N, 1)),
  'DFT inverse': unary((x) => raw('DFT', { axis: 1, inverse: 1, onesided: 0 }, x), 17, floats(B, N, 3, 2)),
  'DFT one-sided': unary((x) => raw('DFT', { axis: 1, inverse: 0, onesided: 1 }, x), 17, floats(B, N, 1)),
  ...Object.fromEntries(
    [
      { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
      { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
      { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
      { mode: 'cubic', coordinate_transformation_mode: 'half_pixel', cubic_coeff_a: -0.5 },
      { mode: 'cubic', coordinate_transformation_mode: 'half_pixel', cubic_coeff_a: -0.75, exclude_outside: 1 },
      { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_floor' },
      { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'ceil' },
    ].map((attributes) => [
      `Resize ${Object.values(attributes).join(' ')}`,
      unary((x) => resized(x, attributes), 11, floats(1, 2, 4, 5)),
    ]),
  ),
  'Resize by factors': unary(
    (x) =>
      applyOne(op('Resize'), [x, undefined, constant([1, 1, 2.5, 0.6])], {
        mode: 'nearest',
        nearest_mode: 'floor',
        coordinate_transformation_mode: 'asymmetric',
      }),
    11,
    floats(1, 2, 4, 5),
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3].map((mode) => [
      `Attention that shows its scores, mode ${mode}`,
      {
        from: 23,
        inputs: {
          q: floats(B, 4, N, 3),
          k: floats(B, 2, ['K', 6], 3),
          v: floats(B, 2, ['K', 6], 5),
          m: floats(B, 1, N, ['K', 6]),
        },
        build: ({ q, k, v, m }) => {
          const attributes = { scale: 0.7, softcap: 1.5, is_causal: 0, qk_matmul_output_mode: mode }
          const [result, , , scores] = apply(op('Attention'), [q, k, v, m], attributes)
          return [result as Tensor, scores as Tensor]
        },
      } satisfies Case,
    ]),
  ),
  'Attention with flat heads, causal': {
    from: 23,
    inputs: { q: floats(B, N, 6), k: floats(B, N, 6), v: floats(B, N, 4) },
    build: ({ q, k, v }) =>
      apply(op('Attention'), [q, k, v], { q_num_heads: 2, kv_num_heads: 2, is_causal: 1 })[0] as Tensor,
  },
  'com.microsoft.Gelu': unary((x) => raw('com.microsoft.Gelu', {}, x), 7),
  'com.microsoft.QuickGelu': unary((x) => raw('com.microsoft.QuickGelu', { alpha: 1.5 }, x), 7),
  'com.microsoft.BiasGelu': binary((x, b) => raw('com.microsoft.BiasGelu', {}, x, b), 7, floats(B, N, 4), floats(4)),
  'com.microsoft.FastGelu': binary((x, b) => raw('com.microsoft.FastGelu', {}, x, b), 7, floats(B, N, 4), floats(4)),
  ...Object.fromEntries(
    [
      { transBatchA: 1 },
      { transBatchA: 1, transA: 1 },
      { transBatchA: 1, transBatchB: 1 },
      { transBatchB: 1, transA: 1, transB: 1 },
    ].map((turned): [string, Case] => [
      `com.microsoft.FusedMatMul with ${Object.keys(turned).join(', ')}`,
      binary(
        (a, b) => raw('com.microsoft.FusedMatMul', { alpha: 0.5, ...turned }, a, b),
        7,
        floats(3, 3, 3),
        floats(3, 3, 3),
      ),
    ]),
  ),
  'com.microsoft.FusedMatMul': binary(
    (a, b) => raw('com.microsoft.FusedMatMul', { alpha: 0.5, transA: 1, transB: 1 }, a, b),
    7,
    floats(B, 4, N),
    floats(B, 3, 4),
  ),
  'com.microsoft.FusedGemm': binary(
    (a, b) =>
      raw(
        'com.microsoft.FusedGemm',
        { activation: 'Tanh', alpha: 1, beta: 1, transA: 0, transB: 1 },
        a,
        b,
        constant([1, 2, 3]),
      ),
    7,
    floats(B, 4),
    floats(3, 4),
  ),
  'com.microsoft.SkipLayerNormalization': {
    from: 7,
    inputs: { x: floats(B, N, 4), y: floats(B, N, 4), s: floats(4), b: floats(4), c: floats(4) },
    build: ({ x, y, s, b, c }) =>
      apply(op('com.microsoft.SkipLayerNormalization'), [x, y, s, b, c], { epsilon: 1e-5 })[0] as Tensor,
  },
  'com.microsoft.MatMulNBits': {
    from: 7,
    inputs: { x: floats(B, N, 32), w: bytes(3, 2, 8), s: positive(6) },
    build: ({ x, w, s }) =>
      applyOne(op('com.microsoft.MatMulNBits'), [x, w, s], { K: 32, N: 3, bits: 4, block_size: 16 }),
  },
}
