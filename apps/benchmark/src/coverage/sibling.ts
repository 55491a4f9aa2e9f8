import { inspect, prune, transform } from '@tp/compiler'
import { clsAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import {
  compareWithSibling,
  dataSets,
  type Fixture,
  fullPrecision,
  type SiblingComparison,
  variants,
} from 'exported-encoders'

/** A quantized or half-precision file next to the same weights in float32, pruned the same way. */
export interface SiblingReport extends SiblingComparison {
  readonly problems: readonly string[]
}

/** Rounding alone, where the two dense runs are equal. */
const LEAST = 1e-4

/** Undefined for a file in full precision. */
export async function checkSibling(fixture: Fixture, model: Model): Promise<SiblingReport | undefined> {
  const sibling = fullPrecision(model)
  if (sibling === undefined) return undefined
  const { tokens } = fixture.facts
  const found = await compareWithSibling(
    model,
    sibling,
    dataSets(fixture).flatMap(({ inputs }) => [inputs, ...variants(inputs, fixture.facts.maskInput, 6)]),
    {
      prune: (source, method, amounts) =>
        transform(source, prune({ method, schedule: amounts, protect: [0], trace: true })).model,
      attentions: (source) => {
        const seen = inspect(source)
        return seen.ok ? seen.layers.map(({ attention }) => attention) : []
      },
      method: clsAttention(),
      keep: { 0: Math.ceil(tokens * 0.75), 1: Math.ceil(tokens * 0.5) },
    },
  )
  const { dense, pruned, gap, scoreError } = found
  const problems: string[] = []
  if (!(pruned <= Math.max(LEAST, 2 * dense)))
    problems.push(`differs by ${pruned} from float32 pruned alike, dense by ${dense}`)
  if (!(gap <= 2 * scoreError))
    problems.push(`keeps other tokens than float32, by ${gap} where scores differ by ${scoreError}`)
  return { ...found, problems }
}
