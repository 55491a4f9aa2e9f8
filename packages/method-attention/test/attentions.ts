import { constant, type Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import fc from 'fast-check'

export interface AttentionCase {
  /** [B,H,N,N], rows add up to 1 over the real keys; padding keys get 0 */
  readonly attention: Tensor
  /** 1: a real token. The first always is one; padding stands anywhere. */
  readonly attended: readonly (readonly number[])[]
}

/** Attention of up to 3 examples of up to 12 tokens. */
export function attentions({ heads }: { readonly heads: number }): fc.Arbitrary<AttentionCase> {
  return fc
    .record({ batch: fc.integer({ min: 1, max: 3 }), tokens: fc.integer({ min: 1, max: 12 }) })
    .chain(({ batch, tokens }) =>
      fc.record({
        weights: fc.array(fc.integer({ min: 1, max: 1000 }), {
          minLength: batch * heads * tokens * tokens,
          maxLength: batch * heads * tokens * tokens,
        }),
        attended: fc.array(
          fc
            .array(fc.integer({ min: 0, max: 1 }), { minLength: tokens, maxLength: tokens })
            .map((row) => row.with(0, 1)),
          { minLength: batch, maxLength: batch },
        ),
      }),
    )
    .map(({ weights, attended }) => ({ attention: normalized(weights, attended, heads), attended }))
}

function normalized(weights: readonly number[], attended: readonly (readonly number[])[], heads: number): Tensor {
  const batch = attended.length
  const tokens = attended[0]?.length ?? 0
  const masked = weights.map((weight, i) => {
    const b = Math.floor(i / (heads * tokens * tokens))
    return weight * (attended[b]?.[i % tokens] ?? 0)
  })
  for (let start = 0; start < masked.length; start += tokens) {
    const total = masked.slice(start, start + tokens).reduce((a, b) => a + b, 0)
    for (let j = start; j < start + tokens; j++) masked[j] = (masked[j] as number) / total
  }
  return constant(masked, 'float32', [batch, heads, tokens, tokens])
}

/** Mean over heads and some query rows of the attention to each token of example `b`, by the definition. */
export function columnMeans(attention: Tensor, b: number, rows: readonly number[]): number[] {
  const [, heads, tokens] = attention.dims as readonly [number, number, number]
  const { data } = constantData(attention) as { data: ArrayLike<number> }
  return Array.from({ length: tokens }, (_, j) => {
    let sum = 0
    for (let h = 0; h < heads; h++) {
      for (const i of rows) sum += data[((b * heads + h) * tokens + i) * tokens + j] as number
    }
    return sum / (heads * rows.length)
  })
}
