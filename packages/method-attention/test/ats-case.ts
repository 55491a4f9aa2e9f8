import { constant, type Tensor } from '@tp/core'
import type { OneSite } from '@tp/core/testing'
import { arrayOf, type GoldenCase, rowsOf, tensorOf } from '@tp/core/testing'
import { goldenCase } from './golden.ts'

export interface SamplerCase {
  /** The input of the sampler. All tokens are real: the authors' masked tokens take part with a score of almost 0. */
  readonly site: OneSite
  /** By row: 0 for tokens that are gone, 1 for others; the authors multiply the scores by it. */
  readonly policy: readonly (readonly number[])[]
  /** Sample points. */
  readonly points: number
  /** By row: scores of the patches, ascending … */
  readonly sortedScores: readonly (readonly number[])[]
  /** … and which tokens have them. */
  readonly sortedTokens: readonly (readonly number[])[]
  /** By row: tokens kept, the class token first, then by ascending score. */
  readonly kept: readonly (readonly number[])[]
}

export function samplerCase(name: string): SamplerCase {
  const golden = goldenCase(`ats/${name}`)
  const { outputs, params } = golden
  return {
    site: { attention: tensorOf(arrayOf(outputs, 'attn')), value: valuesOf(golden), protectedTokens: [0] },
    policy: rowsOf(arrayOf(golden.inputs, 'policy')),
    points: (params.n_ref_tokens as number) - 1,
    sortedScores: rowsOf(arrayOf(outputs, 'sorted_scores')),
    sortedTokens: rowsOf(arrayOf(outputs, 'sorted_indices')).map((row) => row.map((patch) => patch + 1)),
    kept: rowsOf(arrayOf(outputs, 'kept_token_ids')).map((row) => row.filter((token) => token >= 0)),
  }
}

/** Values [B,H,N,Dh]: the last third of x·Wᵀ + b. */
function valuesOf({ inputs, params }: GoldenCase): Tensor {
  const x = arrayOf(inputs, 'x')
  const weight = arrayOf(inputs, 'qkv_weight')
  const bias = arrayOf(inputs, 'qkv_bias')
  const [batch = 0, tokens = 0, width = 0] = x.shape
  const heads = params.heads as number
  const size = width / heads
  const value = (b: number, h: number, token: number, i: number): number => {
    const output = 2 * width + h * size + i
    let sum = bias.data[output] as number
    for (let d = 0; d < width; d++) {
      sum += (x.data[(b * tokens + token) * width + d] as number) * (weight.data[output * width + d] as number)
    }
    return sum
  }
  const data = Array.from({ length: batch * heads * tokens * size }, (_, at) => {
    const i = at % size
    const token = Math.floor(at / size) % tokens
    const h = Math.floor(at / (size * tokens)) % heads
    return value(Math.floor(at / (size * tokens * heads)), h, token, i)
  })
  return constant(data, 'float32', [batch, heads, tokens, size])
}
