import type { MethodEntry } from '@tp/core'
import { usageError } from '../arguments/usage-error.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'

export interface ComparedMethods {
  /** All that are known. */
  readonly methods: readonly MethodEntry[]
  /** Those that are compared, without `none`. */
  readonly entries: readonly MethodEntry[]
}

/**
 * The methods of a comparison. A parameter goes to the methods that have it.
 * @throws TpError TP_UNKNOWN_METHOD, TP_USAGE for a parameter that none of them has
 */
export async function comparedMethods(
  names: readonly string[],
  params: Readonly<Record<string, string>>,
  plugins: readonly string[],
): Promise<ComparedMethods> {
  const catalog = await loadMethods(plugins)
  const entries = names.filter((name) => name !== 'none').map((name) => findMethod(catalog, name))
  const unused = Object.keys(params).find((name) => !entries.some((entry) => Object.hasOwn(entry.options, name)))
  if (unused !== undefined)
    throw usageError(`--param ${unused}: none of the methods has this option; tp methods lists them`)
  return { methods: [...catalog.values()].map(({ entry }) => entry), entries }
}
