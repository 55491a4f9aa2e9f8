import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isTpError, TpError } from '@tp/core'
import { moduleResolve } from 'import-meta-resolve'

/**
 * A plugin's module: by its path, or by the name of a package as the working folder sees it.
 * @param option that named it
 * @param others what the option takes besides
 * @throws TpError TP_PLUGIN
 */
export async function importPlugin(plugin: string, option: string, others = ''): Promise<unknown> {
  const url = locate(plugin, option, others)
  try {
    return await import(url.href)
  } catch (cause) {
    if (isTpError(cause)) throw cause
    throw new TpError('TP_PLUGIN', plugin, `it fails when it is loaded: ${(cause as Error).message}`, { cause })
  }
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
    const url = isPath(plugin) ? pathToFileURL(resolve(plugin)) : moduleResolve(plugin, here)
    return isPath(plugin) ? entryOfFolder(url) : url
  } catch (cause) {
    const advice = `give ${others}the path of a module, or the name of a package that is installed in this folder`
    throw new TpError('TP_PLUGIN', plugin, `--${option}: there is no such module or package; ${advice}`, { cause })
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
    if (!statSync(url).isFile()) throw new Error('no file') // or throws if there is nothing: said by the caller
    return url
  }
}
