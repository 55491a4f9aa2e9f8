import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { realModel } from 'real-models'
import { expect, test } from 'vitest'
import { Rivals } from './rivals.ts'

/** Python with the packages of tools/rivals/requirements.txt. */
const python = process.env.TP_PYTHON ?? 'python3'
const isMissing = spawnSync(python, ['-c', 'import numpy, onnx, onnxruntime, openvino, nncf']).status !== 0

const text = (...ids: readonly bigint[]) => ({
  input_ids: { type: 'int64', dims: [1, ids.length], data: BigInt64Array.from(ids) },
  attention_mask: { type: 'int64', dims: [1, ids.length], data: new BigInt64Array(ids.length).fill(1n) },
})

test('refuses a Python that cannot be started, and says when one ends', async () => {
  await expect(Rivals.open(join(tmpdir(), 'no-python'))).rejects.toThrow(
    expect.objectContaining({ code: 'TP_RUN', message: expect.stringContaining('no-python cannot be started') }),
  )
  await using other = await Rivals.open(process.execPath)
  await expect(other.versions()).rejects.toThrow(expect.objectContaining({ code: 'TP_RUN' }))
})

if (isMissing) {
  test.skip(`answers as onnxruntime does (skipped: ${python} lacks the packages of tools/rivals/requirements.txt; TP_PYTHON names another)`, () => {})
} else {
  test('answers as onnxruntime does, quantized or not, and times both', {
    tags: 'exhaustive',
    timeout: 300_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tp-rivals-'))
    await using dense = await nodeRuntime().load(modelPath('mail'), { threads: 1 })
    await using rivals = await Rivals.open(python)
    const inputs = text(2n, 314n, 15n, 926n, 3n)
    const expected = (await dense.run(inputs)).logits?.data as Float32Array
    const models = [
      await rivals.load('onnxruntime', modelPath('mail')),
      await rivals.load('openvino', modelPath('mail')),
    ]
    const file = join(folder, 'dynamic.onnx')
    await rivals.quantizeDynamic(modelPath('mail'), file, {})
    models.push(await rivals.load('onnxruntime', file))
    const back = join(folder, 'float32.onnx')
    await rivals.dequantize(file, back)
    models.push(await rivals.load('onnxruntime', back))
    expect((await stat(back)).size).toBeGreaterThan(2 * (await stat(file)).size)
    await expect(rivals.dequantize(back, join(folder, 'again.onnx'))).rejects.toThrow('no product of 8-bit integers')
    await rivals.quantizeOpenVino(modelPath('mail'), join(folder, 'static.xml'), [inputs, text(2n, 88n, 3n)])
    models.push(await rivals.load('openvino', join(folder, 'static.xml')))
    for (const [i, model] of models.entries()) {
      const { logits } = await rivals.session(model, dense).run(inputs)
      const own = logits?.data as Float32Array
      for (const [k, value] of expected.entries())
        expect(Math.abs((own[k] as number) - value)).toBeLessThan(i < 2 ? 1e-4 : 1.5)
    }
    const speeds = await rivals.speeds({ model: 1, dense: 0 }, new Map([['1', [inputs]]]))
    expect(speeds['1']?.[0]).toBeGreaterThan(0)
    await expect(rivals.load('onnxruntime', join(folder, 'none.onnx'))).rejects.toThrow(
      expect.objectContaining({ code: 'TP_RUN' }),
    )
    await rm(folder, { recursive: true })
  })
}

const embedder = realModel('all-MiniLM-L6-v2')
const embeds = 'import fastembed, sentence_transformers, optimum.onnxruntime'
if (isMissing || embedder === undefined || spawnSync(python, ['-c', embeds]).status !== 0) {
  test.skip(`embeds texts by others’ packages as by the file alone (skipped: ${python} lacks the packages of tools/rivals/requirements.txt, or npm run models -- all-MiniLM-L6-v2 has not been run)`, () => {})
} else {
  test('embeds texts by others’ packages as by the file alone, and times them', {
    tags: 'exhaustive',
    timeout: 300_000,
  }, async () => {
    await using rivals = await Rivals.open(python)
    const texts = ['a man plays a guitar', 'nobody is there', 'somebody is making music on a stage, and others listen']
    const plain = await rivals.load('texts', embedder)
    const expected = await rivals.vectors(plain, texts)
    expect(expected.dims).toEqual([3, 384])
    for (const engine of ['fastembed', 'sentence-transformers'] as const) {
      const model = await rivals.load(engine, embedder)
      const { data } = await rivals.vectors(model, texts)
      for (const [i, value] of (expected.data as Float32Array).entries()) expect(data[i]).toBeCloseTo(value, 4)
      const speeds = await rivals.speeds({ model, dense: plain }, new Map([['3', [texts]]]))
      expect(speeds['3']?.[0]).toBeGreaterThan(0)
    }
  })
}
