import { type Inspection, inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { SoftMethod } from './soft-method.ts'

/** The encoder that is meant. @throws TpError with the code of a refusal */
export function encoderOf(model: Model, { encoder }: Pick<SoftMethod, 'encoder'>): Inspection {
  const found = inspect(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new TpError(found.refusal.code, 'train', found.refusal.message)
  return found
}

/** Sizes that values which a method learns may have: hidden size D, heads H, and the most tokens T of an example. */
export function modelSizes(
  { hidden, heads, tokens }: Inspection,
  { lengths }: Pick<ModelInputs, 'lengths'>,
): Readonly<Record<string, number>> {
  const most = typeof tokens === 'number' ? tokens : lengths?.reduce((a, b) => Math.max(a, b), 1)
  return { D: hidden, H: heads, ...(most !== undefined && { T: most }) }
}

/** Tokens of every example, where the model alone knows them. */
export function staticTokens(model: Model, soft: Pick<SoftMethod, 'encoder'> | undefined): number | undefined {
  const found = inspect(model, soft?.encoder === undefined ? {} : { encoder: soft.encoder })
  return found.ok && typeof found.tokens === 'number' ? found.tokens : undefined
}
