import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { withValues } from '@tp/core'
import type { Contestant } from '@tp/tune'
import { usageError } from '../command/usage-error.ts'
import { findMethod, type MethodCatalog } from '../plugins/load-methods.ts'
import { trainedValues } from '../pruning/request.ts'

/**
 * What a plan is chosen from: methods by name, those that work with trained values with them inside.
 * @param weights file with the trained values of all that need some
 * @throws TpError TP_UNKNOWN_METHOD, TP_WEIGHTS, TP_USAGE
 */
export async function contestantsOf(
  catalog: MethodCatalog,
  names: readonly string[],
  weights: string | undefined,
): Promise<Contestant[]> {
  const entries = names.map((name) => findMethod(catalog, name))
  const isTrained = names.map((name) => takesTrainedValues(catalog, name))
  if (weights !== undefined && !isTrained.includes(true)) {
    throw usageError(`--weights is given, but of ${names.join(', ')} none has anything trained; name one in --methods`)
  }
  return await Promise.all(
    entries.map(async (entry, i) => {
      if (!isTrained[i]) return { entry }
      const values = await trainedValues(weights, entry.create())
      return { entry: { ...entry, create: (options) => withValues(entry.create(options), values) } }
    }),
  )
}

/** Trained values as a short text, to know them again. */
export async function fingerprintOf(weights: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(weights))
    .digest('hex')
    .slice(0, 16)
}

export function takesTrainedValues(catalog: MethodCatalog, name: string): boolean {
  return findMethod(catalog, name).create().params !== undefined
}
