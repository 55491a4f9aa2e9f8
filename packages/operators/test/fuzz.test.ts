// The operators on thousands of nodes and inputs that do not fit together, under the sanitizers; many more: npm run fuzz.
import { describe, expect, test } from 'vitest'
import { buildFuzzer, findCompiler, fuzz, operators } from '../fuzz/build.mjs'

const found = findCompiler()

if ('reason' in found) {
  test.skip(`operators under the sanitizers (left out: ${found.reason})`, () => {})
} else {
  describe('under the sanitizers, with memory that ends where tensors do', async () => {
    const program = await buildFuzzer(found.compiler)

    test.each(operators)('%s computes correctly or refuses, whatever it is given', async (operator) => {
      const { cases, computed, refusedNodes, refusedInputs } = await fuzz(program, operator, 600, 20)
      expect(computed + refusedNodes + refusedInputs).toBe(cases)
      // Neither all refused nor all taken: it would say nothing.
      expect(Math.min(computed, refusedInputs)).toBeGreaterThan(cases / 10)
    })
  })
}
