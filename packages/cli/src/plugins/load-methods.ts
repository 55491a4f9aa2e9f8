import { baselines, type MethodEntry, readPlugin, TpError } from '@tp/core'
import { findEntry } from '@tp/core/host'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as gradientMethods } from '@tp/method-gradient'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { methods as policyMethods } from '@tp/method-rl'
import { didYouMean } from '../arguments/did-you-mean.ts'
import { importPlugin } from './import-plugin.ts'

/** A method and where it comes from. */
export interface KnownMethod {
  readonly entry: MethodEntry
  /** Package, or what `--plugin` named. */
  readonly from: string
}

export type MethodCatalog = ReadonlyMap<string, KnownMethod>

/**
 * The methods of the toolkit, and those of plugins: module paths, or packages as the working folder sees them.
 * @throws TpError TP_PLUGIN
 */
export async function loadMethods(plugins: readonly string[] = []): Promise<MethodCatalog> {
  const catalog = new Map<string, KnownMethod>()
  add(catalog, baselines, '@tp/core')
  add(catalog, attentionMethods, '@tp/method-attention')
  add(catalog, hybridMethods, '@tp/method-hybrid')
  add(catalog, gradientMethods, '@tp/method-gradient')
  add(catalog, policyMethods, '@tp/method-rl')
  for (const plugin of plugins) add(catalog, await loadPlugin(plugin), plugin)
  return catalog
}

/** @throws TpError TP_UNKNOWN_METHOD */
export function findMethod(catalog: MethodCatalog, name: string): MethodEntry {
  const entries = [...catalog.values()].map(({ entry }) => entry)
  const found = findEntry(entries, name)
  if (found !== undefined) return found
  const names = [...catalog.keys()]
  const meant = didYouMean(name, names)
  const all = meant === '' ? `; there are ${names.join(', ')}.` : `${meant} tp methods lists all;`
  throw new TpError('TP_UNKNOWN_METHOD', 'tp', `there is no method "${name}"${all} --plugin loads others`)
}

function add(catalog: Map<string, KnownMethod>, entries: readonly MethodEntry[], from: string): void {
  for (const entry of entries) {
    const known = catalog.get(entry.name)
    if (known !== undefined) {
      const problem = `it has a method "${entry.name}", but so has ${known.from}; one of the two has to be renamed`
      throw new TpError('TP_PLUGIN', from, problem)
    }
    catalog.set(entry.name, { entry, from })
  }
}

async function loadPlugin(plugin: string): Promise<readonly MethodEntry[]> {
  const { limitedEntry } = await import('@tp/plans/files')
  return readPlugin(await importPlugin(plugin, 'plugin'), plugin).methods.map((entry) => limitedEntry(entry, plugin))
}
