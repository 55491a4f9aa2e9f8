import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'

const page = fileURLToPath(new URL('../../../docs/serving.md', import.meta.url))
const config = /config\.pbtxt <<'END'\n([\s\S]*?)\nEND\n/.exec(readFileSync(page, 'utf8'))?.[1] ?? ''

test('the documented configuration of Triton declares the inputs and outputs of the mail model', async () => {
  await using session = await nodeRuntime().load(modelPath('mail'), { threads: 1 })
  const types: Readonly<Record<string, string>> = { int64: 'INT64', float32: 'FP32' }
  const declared = (['input', 'output'] as const).flatMap((kind) =>
    session[`${kind}s`].map(({ name, type, dims: [, ...own] }) => {
      const dims = own.map((dim) => (typeof dim === 'number' ? dim : -1))
      return `${kind} { name: "${name}" data_type: TYPE_${types[type]} dims: [ ${dims} ]`
    }),
  )
  for (const line of declared) expect(config).toContain(line)
  expect(config.match(/^(?:input|output) \{/gm)).toHaveLength(declared.length)
})
