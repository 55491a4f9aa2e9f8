// The operators as ARM computes them, which has a form of its own of the attention by integers: compiled for it, and run in an emulator.
import { describe, expect, test } from 'vitest'
import { buildFuzzer, findCompiler, fuzz, operators } from '../fuzz/build.mjs'

const found = findCompiler({ target: 'arm64' })

if ('reason' in found) {
  test.skip(`operators on ARM (left out: ${found.reason})`, () => {})
} else {
  describe('on an emulated processor of ARM', async () => {
    const program = await buildFuzzer(found.compiler, { target: 'arm64' })

    test.each(operators)('%s computes the numbers that it describes', async (operator) => {
      const { computed } = await fuzz(program, operator, 60, 20, 'arm64')
      expect(computed).toBeGreaterThan(6)
    })
  })
}
