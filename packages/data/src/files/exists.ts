import { lstat, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Whether a path leads to a file or a folder that can be looked at. */
export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Whether a path is a link to nothing, which is in the way of what only takes a free name. */
export async function isBrokenLink(path: string): Promise<boolean> {
  const entry = await lstat(resolve(path)).catch(() => undefined)
  return entry?.isSymbolicLink() === true && !(await exists(path))
}
