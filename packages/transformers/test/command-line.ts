import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The command tp in a folder: what it prints. */
export function tpIn(folder: string): (...args: readonly string[]) => string {
  return (...args) =>
    execFileSync(process.execPath, [join(import.meta.dirname, '../../cli/bin/tp.js'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
}
