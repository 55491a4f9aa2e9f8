import { codeOf, createNode, type NodeProto } from '@tp/onnx'
import type { QuantizedGraph } from './quantized-graph.ts'
import type { QuantizedValue } from './quantized-value.ts'

/**
 * The four nodes that onnxruntime fuses into one (MatMulIntegerToFloat, DynamicQuantizeMatMul):
 * Y = (A − zero)·(B − zero) · (scale of A · scale of B), and then the scales of A's rows
 */
export function product(
  name: string,
  a: QuantizedValue,
  b: QuantizedValue,
  output: string,
  to: QuantizedGraph,
): NodeProto[] {
  const [sums, floats, scale] = ['quantized', 'cast', 'scale'].map((part) =>
    to.uniqueName(`${output}_output_${part}`),
  ) as [string, string, string]
  const product = a.rows === undefined ? output : to.uniqueName(`${output}_output_product`)
  const own = (part: string): { name?: string } => (name === '' ? {} : { name: to.uniqueName(`${name}_${part}`) })
  const zeros = b.zero === '' ? [a.zero] : [a.zero, b.zero]
  return [
    createNode({ type: 'MatMulInteger', ...own('quant'), inputs: [a.data, b.data, ...zeros], outputs: [sums] }),
    createNode({
      type: 'Cast',
      ...own('cast'),
      inputs: [sums],
      outputs: [floats],
      attributes: { to: codeOf('float32') },
    }),
    createNode({ type: 'Mul', ...own('scales_mul'), inputs: [a.scale, b.scale], outputs: [scale] }),
    createNode({ type: 'Mul', ...own('output_scale_mul'), inputs: [floats, scale], outputs: [product] }),
    ...(a.rows === undefined
      ? []
      : [createNode({ type: 'Mul', ...own('row_scale_mul'), inputs: [product, a.rows], outputs: [output] })]),
  ]
}

/** A name for a node that is made from another one; none where that has none. */
export function named({ name }: NodeProto, part: string, to: QuantizedGraph): string {
  return name === '' ? '' : to.uniqueName(`${name}_${part}`)
}
