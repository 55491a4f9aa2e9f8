// The operators on thousands of nodes and inputs that do not fit together, under the sanitizers; many more: npm run fuzz.
import { beforeAll, describe, expect, test } from 'vitest'
import { buildFuzzer, findCompiler, fuzz, operators } from '../fuzz/build.mjs'

function testWith(target: 'here' | 'clang', tags: string[]): void {
  const found = findCompiler({ target })
  if ('reason' in found) {
    test.skip(`operators under the sanitizers (left out: ${found.reason})`, () => {})
    return
  }
  const { compiler } = found
  describe(`under the sanitizers of ${compiler}, with memory that ends where tensors do`, () => {
    let program: string
    beforeAll(async () => {
      program = await buildFuzzer(compiler, { target })
    }, 300_000)

    test.each(operators)('%s computes correctly or refuses, whatever it is given', { tags }, async (operator) => {
      const { cases, computed, refusedNodes, refusedInputs } = await fuzz(program, operator, 600, 20)
      expect(computed + refusedNodes + refusedInputs).toBe(cases)
      // Neither all refused nor all taken: it would say nothing.
      expect(Math.min(computed, refusedInputs)).toBeGreaterThan(cases / 10)
    })
  })
}

testWith('here', [])
testWith('clang', ['exhaustive'])
