import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { baselines, isTpError, type MethodEntry, readPlugin, TpError } from '@tp/core'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as gradientMethods } from '@tp/method-gradient'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { methods as policyMethods } from '@tp/method-rl'
import { moduleResolve } from 'import-meta-resolve'

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
  const found = catalog.get(name)
  if (found !== undefined) return found.entry
  const names = [...catalog.keys()].join(', ')
  throw new TpError(
    'TP_UNKNOWN_METHOD',
    'tp',
    `there is no method "${name}"; there are ${names}. --plugin loads others`,
  )
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
  const url = locate(plugin)
  let module: unknown
  try {
    module = await import(url.href)
  } catch (cause) {
    if (isTpError(cause)) throw cause
    throw new TpError('TP_PLUGIN', plugin, `it fails when it is loaded: ${(cause as Error).message}`, { cause })
  }
  return readPlugin(module, plugin).methods
}

function locate(plugin: string): URL {
  const here = pathToFileURL(join(process.cwd(), 'from-here.js'))
  try {
    const url = isPath(plugin) ? pathToFileURL(resolve(plugin)) : moduleResolve(plugin, here)
    return isPath(plugin) ? entryOfFolder(url) : url
  } catch (cause) {
    const advice = 'give the path of a module, or the name of a package that is installed in this folder'
    throw new TpError('TP_PLUGIN', plugin, `there is no such module or package; ${advice}`, { cause })
  }
}

function isPath(plugin: string): boolean {
  return /^\.{0,2}[/\\]|^[a-zA-Z]:[/\\]|\.[cm]?[jt]s$/.test(plugin) || plugin === '.' || plugin === '..'
}

/** A module file itself; of a package's folder, what it exports. */
function entryOfFolder(url: URL): URL {
  try {
    const manifest = join(fileURLToPath(url), 'package.json')
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string }
    return moduleResolve(name, pathToFileURL(join(dirname(manifest), 'from-here.js')))
  } catch {
    readFileSync(url) // throws if there is nothing: said by the caller
    return url
  }
}
