import { type Plan, Refused } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import { inspectEncoders } from './file-plan.ts'

/**
 * The fields of a plan that prunes only rows of per-token outputs (the vectors of late interaction): at the last layer, without restoring.
 * After the last attention no token reads another, so every kept row is as the dense model gives it.
 * @throws Refused TP_OUTPUT for a model without per-token outputs; TpError TP_ENCODER for several encoders, of which none is named
 * @example
 * const plan = { format: 1, method: 'received-attention', keep: 0.5, ...outputTokensOf(file.model) } as const
 */
export function outputTokensOf(
  model: Model,
  encoder?: string,
): { readonly layers: readonly [number]; readonly restore: Extract<Plan['restore'], 'none'> } {
  const [first, ...others] = inspectEncoders(model, encoder)
  if (others.length > 0) {
    const names = [first, ...others].map((each) => each.encoder).join(' or ')
    throw new TpError('TP_ENCODER', 'plans', `output tokens are those of one encoder; name it: --encoder ${names}`)
  }
  if (first.tokenOutputs.length > 0) return { layers: [first.layers.length - 1], restore: 'none' }
  const message = 'no output has a row for each token, so there are no output tokens to prune; prune at layers instead'
  throw new Refused('TP_OUTPUT', message)
}
