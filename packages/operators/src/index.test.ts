import { libraryPath } from '@tp/operators'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => vi.unstubAllGlobals())

test('says how to build the library on a machine for which there is none', () => {
  vi.stubGlobal('process', { ...process, platform: 'sunos', arch: 'x64' })
  expect(() => libraryPath()).toThrow(
    expect.objectContaining({
      code: 'TP_RUNTIME_MISSING',
      message: expect.stringMatching(/no library for sunos-x64\. .*node build\.mjs$/),
    }),
  )
})
