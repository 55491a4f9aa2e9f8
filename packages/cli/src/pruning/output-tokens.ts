import { Refused } from '@tp/compiler'
import type { Method } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { inspectEncoders } from '@tp/plans/files'
import { type Arguments, type Flag, flag } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'

export const outputTokensOption: Readonly<Record<'output-tokens', Flag>> = {
  'output-tokens': flag(
    'prune only rows of per-token outputs (the vectors of late interaction): at the last layer, after its attention, without restoring',
    {
      excludes: ['layers', 'restore', 'plan', 'leave-out'],
      because: '--output-tokens says where, and that none is restored',
    },
  ),
}

/**
 * The options that prune output tokens alone. After the last attention no token reads another, so every kept row is as the dense model
 * gives it.
 * @throws Refused TP_OUTPUT for a model without per-token outputs; TpError TP_USAGE
 */
export function asOutputTokens<T extends Readonly<Record<string, unknown>>>(
  file: ModelFile,
  args: T & Arguments<typeof outputTokensOption> & { readonly encoder?: string },
): T {
  if (!args['output-tokens']) return args
  const encoders = inspectEncoders(file.model, args.encoder)
  const [encoder] = encoders
  if (encoders.length > 1) {
    const names = encoders.map((each) => each.encoder).join(' or ')
    throw usageError(`--output-tokens is for one encoder; name it: --encoder ${names}`)
  }
  if (encoder.tokenOutputs.length === 0) {
    const message =
      'no output has a row for each token, so there are no output tokens to prune; prune at layers instead'
    throw new Refused('TP_OUTPUT', message)
  }
  return { ...args, layers: [String(encoder.layers.length - 1)], restore: 'none' }
}

/** @throws TpError TP_USAGE for a method that prunes before the attention of a layer, which would change the kept rows */
export function checkOutputTokens({ name, site = 'attention', before }: Method): void {
  if (site === 'attention' && before === undefined) return
  throw usageError(
    `--output-tokens: ${name} prunes before the attention of a layer, which reads all tokens; take another method`,
  )
}
