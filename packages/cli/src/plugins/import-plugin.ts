import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isTpError, TpError } from '@tp/core'
import { asError } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { moduleResolve } from 'import-meta-resolve'
import { endable, interruption } from '../context/endable.ts'

/**
 * A plugin's module: by its path, or by the name of a package as the working folder sees it.
 * @param option that named it
 * @param others what else the option accepts
 * @throws TpError TP_PLUGIN
 */
export async function importPlugin(plugin: string, option: string, others = ''): Promise<unknown> {
  const url = locate(plugin, option, others)
  requireBuilt(plugin, url)
  plugins.set(plugin, url)
  try {
    return await endable(() => {
      throwIfAborted(interruption.signal, plugin)
      return Promise.race([import(url.href), tooLate(plugin)])
    })
  } catch (thrown) {
    const cause = asError(thrown)
    if (isTpError(cause)) throw cause
    throw new TpError('TP_PLUGIN', plugin, `it fails when it is loaded: ${cause.message}`, { cause })
  }
}

/** Milliseconds in which a module has to be loaded. */
const LOADING = 30_000

/** Fails when a module takes too long, if something keeps the process alive until then. */
async function tooLate(plugin: string): Promise<never> {
  await setTimeout(LOADING, undefined, { ref: false })
  throw new TpError('TP_PLUGIN', plugin, `it is not loaded after ${LOADING / 1000} s: it awaits what does not come`)
}

/** The file that a plugin's module is in; undefined if there is none. */
export function pluginFile(plugin: string): string | undefined {
  try {
    if (isPath(plugin) && !statSync(resolve(plugin)).isDirectory()) return resolve(plugin)
    return fileURLToPath(locate(plugin, '', ''))
  } catch {
    return undefined
  }
}

function locate(plugin: string, option: string, others: string): URL {
  const here = pathToFileURL(join(process.cwd(), 'from-here.js'))
  try {
    return isPath(plugin) ? entryOfFolder(pathToFileURL(resolve(plugin))) : entryOfPackage(plugin, here)
  } catch (cause) {
    const advice = `give ${others}the path of a module, or the name of a package that is installed in this folder`
    throw new TpError('TP_PLUGIN', plugin, `--${option}: there is no such module or package; ${advice}`, { cause })
  }
}

/** @throws TpError TP_PLUGIN for a package whose entry was not made yet, and for its sources */
function requireBuilt(plugin: string, url: URL): void {
  if (url.protocol !== 'file:') return
  const path = fileURLToPath(url)
  if (/\.[cm]?tsx?$/.test(path)) {
    throw new TpError(
      'TP_PLUGIN',
      plugin,
      'it is TypeScript; build it (npm run build), and give its folder or what was built',
    )
  }
  if (existsSync(path)) return
  const reason = `it is not built: there is no ${relative(process.cwd(), path)}`
  throw new TpError('TP_PLUGIN', plugin, `${reason}; run npm run build in its folder`)
}

function isPath(plugin: string): boolean {
  return /^\.{0,2}[/\\]|^[a-zA-Z]:[/\\]|\.[cm]?[jt]s$/.test(plugin) || plugin === '.' || plugin === '..'
}

/** The exports of a package, which may not be built yet. */
function entryOfPackage(name: string, from: URL): URL {
  try {
    return moduleResolve(name, from)
  } catch (error) {
    const { url } = error as { url?: unknown }
    if (typeof url === 'string') return new URL(url)
    throw error
  }
}

/** A module file itself, which may not be built yet; of a package's folder, what it exports. */
function entryOfFolder(url: URL): URL {
  const path = fileURLToPath(url)
  try {
    const manifest = join(path, 'package.json')
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string }
    return entryOfPackage(name, pathToFileURL(join(dirname(manifest), 'from-here.js')))
  } catch {
    if (!isInPackage(path) && !statSync(path).isFile()) throw new Error('no file') // or throws if there is nothing: said by the caller
    return url
  }
}

/** Whether a file that is not there is one of a package's that is: `tp-mine/dist/index.js`. */
function isInPackage(path: string): boolean {
  return !existsSync(path) && existsSync(join(dirname(dirname(path)), 'package.json'))
}

/** Modules that this process has begun to load, by what named them. None can be unloaded, so there is one list. */
const plugins = new Map<string, URL>()

/** The options that have named plugins on the command line. */
export function loadedPlugins(): string[] {
  return [...plugins.keys()]
}

/** The plugin whose code an error has passed through, by the files in its stack: those next to the entry of a plugin. */
export function pluginIn({ stack = '' }: Error): string | undefined {
  const isIn = (folder: string): boolean =>
    stack
      .split(folder)
      .slice(1)
      .some((rest) => /^[^/]+:\d+:\d+/.test(rest))
  for (const [name, entry] of plugins) if (isIn(new URL('.', entry).href)) return name
  return undefined
}
