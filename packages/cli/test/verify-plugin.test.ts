import { writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const core = import.meta.resolve('@tp/core')

/** Methods that a plugin could have by mistake, by name: the expression of their score. */
const scores = {
  unmasked: 'core.mean(core.mean(site.attention, 2), 1)',
  'by-batch': 'core.mul(site.received, core.mean(site.received, 0, { keepDims: true }))',
  'not-a-number': 'core.log(core.sub(core.mul(site.received, 0), 1))',
}
const entries = Object.entries(scores).map(
  ([name, score]) =>
    `core.methodEntry(() => core.scorer({ name: '${name}', family: 'attention', score: (site) => ${score} }), 'x')`,
)

async function verify(method: string): ReturnType<typeof tpHere> {
  const plugin = folder.at('plugin.mjs')
  writeFileSync(
    plugin,
    `import * as core from '${core}'\nexport default { contractVersion: 1, methods: [${entries.join(', ')}] }`,
  )
  const args = ['-o', folder.at(`${method}.onnx`), '--plugin', plugin, '--method', method, '--keep', '0.6']
  return tpHere(['prune', modelPath('mail'), '--layers', '2', ...args])
}

test('refuses a method that looks at padding, and names it', async () => {
  const { code, stderr } = await verify('unmasked')
  expect(code).toBe(1)
  expect(stderr).toMatch(/\[plugin unmasked\] \d+ of \d+ examples get other answers padded right than alone/)
  expect(stderr).toContain('code: TP_VERIFY')
})

test('refuses a method that looks at other examples, and names it', { tags: 'exhaustive' }, async () => {
  const { code, stderr } = await verify('by-batch')
  expect(code).toBe(1)
  expect(stderr).toMatch(/\[plugin by-batch\] \d+ of \d+ examples get other answers .* than alone/)
})

test('reports what was compared, even for NaN scores', async () => {
  const { code, stdout } = await verify('not-a-number')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^verified on .*padded right: with every token kept, .*; the same answers alone and in a batch$/m,
  )
})
