import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { test } from 'vitest'

/** Whether the addon of `@tp/runtime-native` was built here. */
export const hasNative: boolean = findAddon()

/** Where it was not, says so among the tests. */
export function noteWithoutNative(what: string): void {
  if (!hasNative)
    test.skip(`${what} (left out: the addon is not built here, which takes a C++ compiler, make and Python 3)`, () => {})
}

function findAddon(): boolean {
  const require = createRequire(import.meta.resolve('@tp/runtime-native'))
  const { resolve } = require('node-gyp-build') as { resolve(folder: string): string }
  try {
    return resolve(dirname(require.resolve('@tp/runtime-native/package.json'))) !== ''
  } catch {
    return false
  }
}
