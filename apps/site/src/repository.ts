import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url))

/** A text of the repository. @param path relative to its root */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Where the repository is seen in a browser. */
export const repositoryUrl: string = (
  JSON.parse(readText('package.json')) as { repository: { url: string } }
).repository.url
  .replace(/^git\+/, '')
  .replace(/\.git$/, '')
