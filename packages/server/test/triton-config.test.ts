import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'

const page = fileURLToPath(new URL('../../../docs/serving.md', import.meta.url))
const config = /config\.pbtxt <<'END'\n([\s\S]*?)\nEND\n/.exec(readFileSync(page, 'utf8'))?.[1] ?? ''

/** Python with tritonclient: TP_PYTHON names another one. */
const python = process.env.TP_PYTHON ?? 'python3'
const hasTriton = spawnSync(python, ['-c', 'import tritonclient, google.protobuf']).status === 0

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

test.skipIf(!hasTriton)(
  'the documented configuration is one of Triton (requires tritonclient of PyPI)',
  { tags: 'exhaustive' },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'tp-triton-'))
    try {
      const path = join(folder, 'config.pbtxt')
      writeFileSync(path, config)
      const reads = fileURLToPath(new URL('triton-config.py', import.meta.url))
      const { stdout, stderr, status } = spawnSync(python, [reads, path], { encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
      const warmup = { data_type: 'TYPE_INT64', dims: ['16'], input_data_file: 'ones' }
      expect(JSON.parse(stdout)).toMatchObject({
        input: ['input_ids', 'attention_mask'].map((name) => ({ name, data_type: 'TYPE_INT64', dims: ['-1'] })),
        output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: ['2'], label_filename: 'labels.txt' }],
        model_warmup: [{ batch_size: 1, inputs: { input_ids: warmup, attention_mask: warmup } }],
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
