import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The environment with which node-gyp finds Node's headers, which it would download: most installations have them next to the program.
 * @returns {NodeJS.ProcessEnv}
 */
export function withHeaders() {
  const folder = dirname(dirname(process.execPath))
  if (process.env.npm_config_nodedir || !existsSync(join(folder, 'include', 'node', 'node_api.h'))) return process.env
  return { ...process.env, npm_config_nodedir: folder }
}
