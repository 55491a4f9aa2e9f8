import { add, axisSize, cast, concat, constant, div, input, mul, neg, sum, type Tensor, unsqueeze } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

export interface SumsOptions {
  /** Added to the sum: what a pruned model gets wrong. */
  readonly error?: number
  readonly outputs?: readonly ('masked' | 'shares' | 'total')[]
  readonly dims?: readonly [batch: number | string, tokens: number | string]
  readonly name?: string
}

/**
 * A model of two classes that adds up a row's real numbers: x float32 [b,n], attention_mask int64 [b,n] → logits [s, −s].
 * Further outputs: the real numbers [b,n], their share of the row's length [b,1], or a single number for the batch.
 */
export function sums(options: SumsOptions = {}): Uint8Array {
  const { error = 0, outputs = [], dims = ['batch', 'tokens'], name = 'logits' } = options
  const x = input('x', 'float32', dims)
  const mask = cast(input('attention_mask', 'int64', dims), 'float32')
  const real = mul(x, mask)
  const score = add(unsqueeze(sum(real, 1), [1]), constant([error], 'float32'))
  const others: Readonly<Record<string, Tensor>> = {
    masked: real,
    shares: div(sum(mask, 1, { keepDims: true }), cast(axisSize(x, 1), 'float32')),
    total: sum(sum(real, 1), 0, { keepDims: true }),
  }
  const further = Object.fromEntries(outputs.map((output) => [output, others[output] as Tensor]))
  return emitModel({ [name]: concat([score, neg(score)], 1), ...further })
}

export function openSums(options: SumsOptions = {}): Promise<Session> {
  return nodeRuntime().load(sums(options), { threads: 1 })
}

/** Rows of real numbers, padded to the longest or to a width. */
export function rowsOf(
  rows: readonly (readonly number[])[],
  width = Math.max(...rows.map((row) => row.length)),
): NamedTensors {
  const dims = [rows.length, width]
  const [x, mask] = [new Float32Array(rows.length * width), new BigInt64Array(rows.length * width)]
  for (const [i, row] of rows.entries()) {
    x.set(row, i * width)
    mask.fill(1n, i * width, i * width + row.length)
  }
  return { x: { type: 'float32', dims, data: x }, attention_mask: { type: 'int64', dims, data: mask } }
}

/** A session that also notes what it was given. */
export function noting(session: Session): { readonly session: Session; readonly feeds: NamedTensors[] } {
  const feeds: NamedTensors[] = []
  return {
    feeds,
    session: {
      ...session,
      run: (inputs, options) => {
        feeds.push(inputs)
        return session.run(inputs, options)
      },
    },
  }
}
