import { isTpError, type MethodEntry, readPlugin, TpError } from '@tp/core'

/**
 * The methods of a plugin's module, in the page or in a worker.
 * @param address of the module, as a URL of this page's or of another server
 * @param where what the module is called in errors
 * @throws TpError TP_PLUGIN
 */
export async function importMethods(address: string, where: string): Promise<readonly MethodEntry[]> {
  let module: unknown
  try {
    module = await import(/* @vite-ignore */ address)
  } catch (cause) {
    if (isTpError(cause)) throw cause
    const advice = 'a page needs a module with all that it imports in it, as "npm run bundle" of a plugin makes one'
    throw new TpError('TP_PLUGIN', where, `it cannot be loaded: ${(cause as Error).message}; ${advice}`, { cause })
  }
  return readPlugin(module, where).methods
}
