import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'

/** The package's folder, without a slash at its end. */
export const packageFolder: string = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/** Path of the addon that is loaded; undefined where none was built. */
export const addon: string | undefined = findAddon()

/** Tests of the addon; where it was not built, they are skipped with the reason. */
export function describeNative(name: string, tests: () => void): void {
  if (addon !== undefined) describe(name, tests)
  else
    test.skip(`${name} (left out: the addon is not built here, which takes a C++ compiler, make and Python 3)`, () => {})
}

function findAddon(): string | undefined {
  const { resolve } = createRequire(import.meta.url)('node-gyp-build') as { resolve(folder: string): string }
  try {
    return resolve(packageFolder)
  } catch {
    return undefined
  }
}
