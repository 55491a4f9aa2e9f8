import {
  add,
  gelu,
  layerNormalization,
  log,
  matmul,
  reshape,
  splitAxis,
  squeeze,
  swapLast,
  type Tensor,
  transpose,
} from '@tp/core'
import { arrayOf, type GoldenCase, tensorOf } from '@tp/core/testing'
import { attention, type SiteCase } from './one-site.ts'

export interface VitLayerOptions {
  /** Names of the layer's weights begin with it. */
  readonly prefix?: string
  /** [B,N,D] what it reads; default: the case's x */
  readonly x?: Tensor
  /** float [B,N] */
  readonly size?: Tensor | undefined
  readonly proportional?: boolean
}

/** A pre-norm layer of a case: what it gives to a method behind its attention, and its FFN. */
export function vitLayer(
  golden: GoldenCase,
  { prefix = '', x = tensorOf(arrayOf(golden.inputs, 'x')), size, proportional = false }: VitLayerOptions = {},
): { readonly site: SiteCase; readonly feedForward: (x: Tensor) => Tensor } {
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, `${prefix}${name}`))
  const linear = (input: Tensor, name: string): Tensor =>
    add(matmul(input, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
  const norm = (input: Tensor, name: string): Tensor =>
    layerNormalization(input, weight(`${name}_weight`), weight(`${name}_bias`), golden.params.ln_eps as number)
  const [batch, tokens, width] = x.dims as [number, number, number]
  const heads = golden.params.heads as number
  const packed = transpose(
    reshape(linear(norm(x, 'norm1'), 'attn_qkv'), [batch, tokens, 3, heads, width / heads]),
    [2, 0, 3, 1, 4],
  )
  const [query, key, value] = splitAxis(packed, [1, 1, 1], 0).map((part) => squeeze(part, [0])) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  const keyBias = proportional && size !== undefined ? log(size) : undefined
  const context = matmul(attention(query, { key, keyBias }), value)
  const joined = reshape(transpose(context, [0, 2, 1, 3]), [batch, tokens, width])
  const hidden = add(x, linear(joined, 'attn_proj'))
  return {
    site: { hidden, query, key, value, size, keyBias },
    feedForward: (input) => add(input, linear(gelu(linear(norm(input, 'norm2'), 'mlp_fc1')), 'mlp_fc2')),
  }
}
