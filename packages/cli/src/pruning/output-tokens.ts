import type { Method } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { outputTokensOf } from '@tp/plans/files'
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

/** The options that prune output tokens alone. @throws as `outputTokensOf` of `@tp/plans/files` */
export function asOutputTokens<T extends Readonly<Record<string, unknown>>>(
  { model }: ModelFile,
  args: T & Arguments<typeof outputTokensOption> & { readonly encoder?: string },
): T {
  if (!args['output-tokens']) return args
  const { layers, restore } = outputTokensOf(model, args.encoder)
  return { ...args, layers: layers.map(String), restore }
}

/** @throws TpError TP_USAGE for a method that prunes before the attention of a layer, which would change the kept rows */
export function checkOutputTokens({ name, site = 'attention', before }: Method): void {
  if (site === 'attention' && before === undefined) return
  throw usageError(
    `--output-tokens: ${name} prunes before the attention of a layer, which reads all tokens; take another method`,
  )
}
