import { type Dim, mulDims } from '../expression/dim.ts'
import type { Attributes, Op, OutputInfo, Value } from '../expression/tensor.ts'
import { exactGelu, tanhGelu } from './gelu.ts'
import { inferGemm, runGemm } from './gemm.ts'
import { at, combined, mapped, noKernel } from './kernels.ts'
import { multiply, productDims } from './matmul.ts'
import { microsoftAttentionOps } from './microsoft-attention.ts'
import { define } from './microsoft-op.ts'
import { LayerNormalization } from './normalization.ts'
import { frontAxis, intOf, operand, sameType, textOf } from './operands.ts'
import { broadcastOf, dimsOf } from './sizes.ts'
import { Transpose } from './transpose.ts'

const elementwise = (name: string, each: (x: number, attributes: Parameters<Op['run']>[1]) => number): Op =>
  define(name, {
    // input 1, if there, is a bias
    infer(inputs) {
      const x = operand(inputs, 0)
      const bias = inputs[1]
      return [{ dtype: x.dtype, dims: bias === undefined ? dimsOf(x) : broadcastOf([x, bias]) }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const bias = inputs[1]
      const biased = bias === undefined ? x : combined(x, bias, x.dtype, (a, b) => a + b, context)
      return [mapped(biased, x.dtype, (element) => each(element, attributes), context)]
    },
  })

/**
 * Axes of an operand in the order in which it is multiplied: `transBatch` moves the first one to the last but one, `trans`
 * exchanges the last two then.
 */
function layoutOf(rank: number, attributes: Attributes, name: 'A' | 'B'): number[] {
  const says = (kind: string): boolean => rank > 1 && intOf(attributes, `${kind}${name}`, 0) === 1
  const own = Array.from({ length: rank }, (_, axis) => axis)
  const matrices = says('transBatch') ? [...own.slice(1, -1), 0, rank - 1] : own
  return says('trans') ? [...matrices.slice(0, -2), ...matrices.slice(-2).reverse()] : matrices
}

/** alpha · A′B′, each laid out as the attributes say. */
const FusedMatMul = define('FusedMatMul', {
  infer(inputs, attributes) {
    const operands = [operand(inputs, 0), operand(inputs, 1)] as const
    const [left, right] = operands.map((x, i) => {
      const dims = dimsOf(x)
      return dims && layoutOf(dims.length, attributes, i === 0 ? 'A' : 'B').map((axis) => dims[axis] as Dim)
    })
    return [{ dtype: sameType(...operands), dims: productDims(left, right) }]
  },
  run(inputs, attributes, context) {
    const alpha = intOf(attributes, 'alpha', 1)
    const [left, right] = [at(inputs, 0), at(inputs, 1)].map((x, i) => {
      const perm = layoutOf(x.dims.length, attributes, i === 0 ? 'A' : 'B')
      return Transpose.run([x], { perm }, context)[0] as Value
    })
    const product = multiply(left as Value, right as Value, context)
    return [mapped(product, product.dtype, (x) => alpha * x, context)]
  },
})

/** Gemm followed by an activation. */
const FusedGemm = define('FusedGemm', {
  infer: (inputs, attributes) => [inferGemm(inputs, attributes)],
  run(inputs, attributes, context) {
    const activations: Readonly<Record<string, (x: number) => number>> = {
      Relu: (x) => Math.max(0, x),
      Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
      Tanh: Math.tanh,
    }
    const name = textOf(attributes, 'activation', '')
    const activation = Object.hasOwn(activations, name) ? activations[name] : undefined
    if (activation === undefined) return noKernel(`FusedGemm with ${name}`)(inputs, attributes, context)
    const product = runGemm(inputs, attributes, context)
    return [mapped(product, product.dtype, activation, context)]
  },
})

/** Layer normalization of x + skip (+ bias, input 4). Outputs: result, mean, inverse deviation, the sum itself. */
const SkipLayerNormalization = define('SkipLayerNormalization', {
  infer(inputs) {
    const x = operand(inputs, 0)
    const dtype = sameType(x, operand(inputs, 1))
    const dims = dimsOf(x)
    const statistics: OutputInfo = { dtype: 'float32', dims: dims && [...dims.slice(0, -1), 1] }
    return [{ dtype, dims }, statistics, statistics, { dtype, dims }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const bias = inputs[4]
    const plus = (a: Value, b: Value): Value => combined(a, b, a.dtype, (p, q) => p + q, context)
    const total = bias === undefined ? plus(x, at(inputs, 1)) : plus(plus(x, at(inputs, 1)), bias)
    const epsilon = intOf(attributes, 'epsilon', 1e-5)
    const [result] = LayerNormalization.run([total, inputs[2], inputs[3]], { axis: -1, epsilon }, context)
    const none = context.zeros('float32', [0])
    return [result as Value, none, none, total]
  },
})

/** The same with the root of the mean square; the bias is input 3. */
const SkipSimplifiedLayerNormalization = define('SkipSimplifiedLayerNormalization', SkipLayerNormalization.infer)

/** Product of floats that are quantized on the way with a weight of 8 bits, as floats. */
const DynamicQuantizeMatMul = define('DynamicQuantizeMatMul', (inputs) => {
  const x = operand(inputs, 0)
  return [{ dtype: x.dtype, dims: productDims(dimsOf(x), dimsOf(operand(inputs, 1))) }]
})

/** Product of 8-bit integers, scaled by inputs 2 and 3 to floats. */
const MatMulIntegerToFloat = define('MatMulIntegerToFloat', (inputs) => {
  const { dtype } = operand(inputs, 2)
  return [{ dtype, dims: productDims(dimsOf(operand(inputs, 0)), dimsOf(operand(inputs, 1))) }]
})

/** Matrix product with a weight of N rows of K numbers packed into few bits each. */
const MatMulNBits = define('MatMulNBits', {
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    return [{ dtype: x.dtype, dims: dimsOf(x)?.with(-1, intOf(attributes, 'N', 0)) }]
  },
  run(inputs, attributes, context) {
    if (intOf(attributes, 'bits', 4) !== 4 || inputs[3] !== undefined) {
      return noKernel('MatMulNBits of this form')(inputs, attributes, context)
    }
    const rows = intOf(attributes, 'N', 0)
    const columns = intOf(attributes, 'K', 0)
    const block = intOf(attributes, 'block_size', 32)
    const blocks = Math.ceil(columns / block)
    const scales = at(inputs, 2)
    // packed [N, blocks, block / 2], low half of a byte first; 8 stands for 0
    const weight = context.zeros(scales.dtype, [columns, rows])
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < columns; k++) {
        const byte = at(inputs, 1).data[(n * blocks * block + k) >> 1] as number
        const digit = (n * blocks * block + k) % 2 === 0 ? byte & 15 : byte >> 4
        weight.data[k * rows + n] = (digit - 8) * (scales.data[n * blocks + Math.floor(k / block)] as number)
      }
    }
    return [multiply(at(inputs, 0), weight, context)]
  },
})

/** Slices of a table that is quantized in blocks along its last axis, in the type of their scales; bytes hold 8 / bits numbers. */
const GatherBlockQuantized = define('GatherBlockQuantized', (inputs, attributes) => {
  const table = operand(inputs, 0)
  const { dtype } = operand(inputs, 2)
  const [dims, chosen] = [dimsOf(table), dimsOf(operand(inputs, 1))]
  if (dims === undefined || chosen === undefined) return [{ dtype, dims: undefined }]
  const packed = table.dtype === 'uint8' ? 8 / intOf(attributes, 'bits', 4) : 1
  const axis = frontAxis(intOf(attributes, 'gather_axis', 0), dims.length)
  const full = dims.with(-1, mulDims(dims.at(-1) as Dim, packed))
  return [{ dtype, dims: [...full.slice(0, axis), ...chosen, ...full.slice(axis + 1)] }]
})

/** Word, position and segment embeddings, summed and normalized: ids [b, n] → [b, n, D], and tokens per row [b]. */
const EmbedLayerNormalization = define('EmbedLayerNormalization', {
  infer(inputs) {
    const ids = dimsOf(operand(inputs, 0))
    const table = operand(inputs, 2)
    const width = dimsOf(table)?.[1]
    const dims = ids === undefined || width === undefined ? undefined : [...ids, width]
    return [
      { dtype: table.dtype, dims },
      { dtype: 'int32', dims: ids?.slice(0, 1) },
      { dtype: table.dtype, dims },
    ]
  },
})

/** The same from 8-bit tables, in the type of their scales. */
const QEmbedLayerNormalization = define('QEmbedLayerNormalization', (inputs) => {
  const ids = dimsOf(operand(inputs, 0))
  const { dtype } = operand(inputs, 8)
  const width = dimsOf(operand(inputs, 2))?.[1]
  const dims = ids === undefined || width === undefined ? undefined : [...ids, width]
  return [
    { dtype, dims },
    { dtype: 'int32', dims: ids?.slice(0, 1) },
  ]
})

export const microsoftOps: readonly Op[] = [
  ...microsoftAttentionOps,
  elementwise('BiasGelu', exactGelu),
  elementwise('FastGelu', tanhGelu),
  elementwise('Gelu', exactGelu),
  elementwise('QuickGelu', (x, attributes) => x / (1 + Math.exp(-intOf(attributes, 'alpha', 1.702) * x))),
  DynamicQuantizeMatMul,
  EmbedLayerNormalization,
  FusedGemm,
  FusedMatMul,
  GatherBlockQuantized,
  MatMulIntegerToFloat,
  MatMulNBits,
  QEmbedLayerNormalization,
  SkipLayerNormalization,
  SkipSimplifiedLayerNormalization,
]
