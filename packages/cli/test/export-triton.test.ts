import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { tritonConfig } from '../src/exporting/triton-config.ts'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const exported = (model: string, ...more: string[]) =>
  tpHere(['export-triton', model, '-o', folder.at('repository'), ...more, '--json'])

/** Python with tritonclient: TP_PYTHON names another one. */
const python = process.env.TP_PYTHON ?? 'python3'
const reads = fileURLToPath(new URL('triton-config.py', import.meta.url))
const hasTriton = spawnSync(python, ['-c', 'import tritonclient, google.protobuf']).status === 0

/** As Triton's own message reads it. */
function configOf(path: string): unknown {
  const { stdout, stderr, status } = spawnSync(python, [reads, path], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

describe('export-triton', () => {
  test('writes a model, its classes, its configuration and what warms it up, and never over another one', async () => {
    const { code, stdout } = await exported(mail, '--name', 'mails', '--max-batch', '8', '--max-wait', '1.5')
    expect(code).toBe(0)
    const out = folder.at('repository', 'mails')
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'export-triton', out, name: 'mails', batched: true })
    expect(folder.files().filter((name) => /[^/]\/[^/]/.test(name))).toEqual([
      ...['repository/mails', 'repository/mails/1', 'repository/mails/1/model.onnx', 'repository/mails/config.pbtxt'],
      ...['repository/mails/labels.txt', 'repository/mails/warmup'],
      ...['repository/mails/warmup/input0', 'repository/mails/warmup/input1'],
    ])
    expect(readFileSync(`${out}/1/model.onnx`).equals(readFileSync(mail))).toBe(true)
    expect(readFileSync(`${out}/labels.txt`, 'utf8')).toBe('ham\nspam\n')
    expect(readFileSync(`${out}/warmup/input0`)).toEqual(Buffer.from(new BigInt64Array(16).fill(1n).buffer))
    const text = readFileSync(`${out}/config.pbtxt`, 'utf8')
    expect(text).toMatch(/max_batch_size: 8\n[\s\S]*max_queue_delay_microseconds: 1500/)
    const again = await exported(mail, '--name', 'mails')
    expect(JSON.parse(again.stdout)).toMatchObject({ code: 'TP_OUTPUT' })
    expect(readFileSync(`${out}/config.pbtxt`, 'utf8')).toBe(text)
  })

  test('copies the weights that are in other files', async () => {
    expect(await exported(fixture('bert-cls-external'), '--name', 'external')).toMatchObject({ code: 0 })
    await using session = await nodeRuntime().load(folder.at('repository', 'external', '1', 'model.onnx'), {
      threads: 1,
    })
    expect(session.inputs.length).toBeGreaterThan(0)
  })

  test('calls a model by the folder above one called onnx', async () => {
    mkdirSync(folder.at('mail-bert/onnx'), { recursive: true })
    copyFileSync(mail, folder.at('mail-bert/onnx/model.onnx'))
    const { stdout } = await exported(folder.at('mail-bert/onnx/model.onnx'))
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'export-triton', name: 'mail-bert' })
  })

  test('refuses names that are paths, packed files, and a place that cannot be written to', async () => {
    const refused = async (args: string[], code: string) =>
      expect(JSON.parse((await tpHere(['export-triton', ...args, '--json'])).stdout)).toMatchObject({ code })
    await refused([mail, '-o', folder.at('x'), '--name', '../mail'], 'TP_USAGE')
    await refused([mail], 'TP_USAGE')
    await tpHere(['pack', mail, '-o', folder.at('packed.onnx')])
    await refused([folder.at('packed.onnx'), '-o', folder.at('x'), '--name', 'packed'], 'TP_EXPORT')
    writeFileSync(folder.at('file'), '')
    await refused([mail, '-o', folder.at('file'), '--name', 'mail'], 'TP_WRITE')
    await refused([mail, '-o', folder.at('no', 'such'), '--name', 'mail'], 'TP_WRITE')
    expect(existsSync(folder.at('x'))).toBe(false)
  })
})

test.skipIf(!hasTriton)(
  'what export-triton writes is a configuration of Triton, whatever names a model has (requires tritonclient of PyPI)',
  { tags: 'exhaustive' },
  async () => {
    const name = 'checked'
    await exported(mail, '--name', name, '--max-wait', '2')
    expect(configOf(folder.at('repository', name, 'config.pbtxt'))).toEqual({
      name,
      backend: 'onnxruntime',
      max_batch_size: 64,
      input: ['input_ids', 'attention_mask'].map((own) => ({ name: own, data_type: 'TYPE_INT64', dims: ['-1'] })),
      output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: ['2'], label_filename: 'labels.txt' }],
      dynamic_batching: { max_queue_delay_microseconds: '2000' },
      model_warmup: [
        {
          name: 'one example',
          batch_size: 1,
          inputs: Object.fromEntries(
            ['input_ids', 'attention_mask'].map((own, i) => [
              own,
              { data_type: 'TYPE_INT64', dims: ['16'], input_data_file: `input${i}` },
            ]),
          ),
        },
      ],
    })
    const odd = { name: 'a "b" \\ \n\u0001 ü', type: 'float32', dims: [1, 3, 8] }
    const warmup = { [odd.name]: { type: 'float32', dims: [1, 3, 8], data: new Float32Array(24) } }
    const options = { name: 'odd', labels: undefined, maxBatch: 4, maxWait: 0 }
    mkdirSync(folder.at('odd'))
    writeFileSync(folder.at('odd', 'config.pbtxt'), tritonConfig({ inputs: [odd], outputs: [odd] }, warmup, options))
    expect(configOf(folder.at('odd', 'config.pbtxt'))).toMatchObject({
      input: [{ name: odd.name, data_type: 'TYPE_FP32', dims: ['1', '3', '8'] }],
      model_warmup: [{ inputs: { [odd.name]: { dims: ['1', '3', '8'] } } }],
    })
  },
)
