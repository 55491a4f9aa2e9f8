import { nativeRuntime } from '@tp/runtime-native'
import { test } from 'vitest'

/** Whether the addon of `@tp/runtime-native` was built here. */
export const hasNative: boolean = await nativeRuntime()
  .diagnose()
  .then(
    () => true,
    () => false,
  )

/** Where it was not, says so among the tests. */
export function noteWithoutNative(what: string): void {
  const why = 'left out: the addon is not built here, which takes a C++ compiler, make and Python 3'
  if (!hasNative) test.skip(`${what} (${why})`, () => {})
}
