import { identity, input } from '@tp/core'
import { decodeModel, emitModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { normalizations } from '../normalize/open.ts'
import { pruningPasses } from '../prune.ts'
import { type Pass, type PassState, runPasses } from './pass.ts'
import { Program } from './program.ts'

type Fact = 'sorted' | 'checked'

const program = new Program(decodeModel(emitModel({ y: identity(input('x', 'float32', ['N'])) }, { opset: 17 })))

function pass(
  name: string,
  requires: readonly Fact[],
  ensures: readonly Fact[],
  run: () => boolean = () => false,
): Pass<PassState, Fact> {
  return { name, requires, ensures, run }
}

test('runs passes in order', () => {
  const order: string[] = []
  const noted =
    (name: string): (() => boolean) =>
    () =>
      order.push(name) < 0
  const sort = pass('sort', [], ['sorted'], noted('sort'))
  const check = pass('check', ['sorted'], ['checked'], noted('check'))
  runPasses([sort, check], { program })
  expect(order).toEqual(['sort', 'check'])
})

test('does not run a pass that requires what none before it ensures', () => {
  const check = pass('check', ['sorted'], [], () => {
    throw new Error('it ran')
  })
  const sort = pass('sort', [], ['sorted'])
  expect(() => runPasses([check, sort], { program })).toThrow(/"check" requires "sorted"; run a pass that ensures it/)
})

test('shows the edits of a pass to the next one', () => {
  const seen: string[] = []
  const edit = pass('edit', [], ['sorted'], () => {
    program.graph.addOutput('x', 'float32', ['N'])
    return true
  })
  const look = pass('look', ['sorted'], [], () => {
    seen.push(...program.graph.outputs.map(({ name }) => name))
    return false
  })
  runPasses([edit, look], { program })
  expect(seen).toEqual(['y', 'x'])
})

test.each([
  ['normalization', normalizations],
  ['pruning', pruningPasses],
] as const)('ensures every requirement of %s by a pass before it, and uses every name once', (_, passes) => {
  const ensured = new Set<string>()
  for (const { name, requires, ensures } of passes) {
    for (const fact of requires) expect(ensured, name).toContain(fact)
    for (const fact of ensures) ensured.add(fact)
  }
  expect(new Set(passes.map(({ name }) => name)).size).toBe(passes.length)
})
