import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ValueInfo } from '@tp/core/runtime'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { openExamples } from './open-examples.ts'
import { readTaskData } from './read-task-data.ts'

test('images of which vectors are made need no labels that the model knows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-vectors-'))
  try {
    await mkdir(join(folder, 'cat'))
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toFile(join(folder, 'cat', '1.png'))
    const inputs = [{ name: 'pixel_values', type: 'float32', dims: ['batch', 3, 4, 4] }]
    const outputs = [{ name: 'image_embeds', type: 'float32', dims: ['batch', 8] }]
    const data = await readTaskData(join(folder, 'model.onnx'), { inputs, outputs }, folder)
    expect(data).toMatchObject({ task: 'embeddings', inputs: { targets: [-1] } })
    const states = [{ name: 'last_hidden_state', type: 'float32', dims: ['batch', 5, 8] }]
    const notesOf = async (outputs: ValueInfo[], byToken = false): Promise<string> =>
      (await readTaskData(join(folder, 'model.onnx'), { inputs, outputs }, folder, { byToken })).inputs.notes.join('\n')
    expect(await notesOf(states)).toMatch(/assumed to be their mean/)
    expect(await notesOf(outputs)).not.toMatch(/mean;/)
    expect(await notesOf(states, true)).not.toMatch(/mean;/)
    const classes = [{ name: 'logits', type: 'float32', dims: ['batch', 2] }]
    const read = readTaskData(join(folder, 'model.onnx'), { inputs, outputs: classes }, folder)
    await expect(read).rejects.toThrow('the label "cat" is a name')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a model that writes down recordings by itself is refused as one whose answers are not compared', async () => {
  const model = {
    inputs: [{ name: 'input_values', type: 'float32', dims: ['batch', 'samples'] }],
    outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 'frames', 32] }],
  }
  await expect(readTaskData('ctc.onnx', model, 'recordings')).rejects.toThrow(
    expect.objectContaining({
      code: 'TP_TASK',
      message: expect.stringContaining('an answer for each token, and takes no texts'),
    }),
  )
})

test('names of classes that do not fit the model are refused by every reader of examples, unless others take their place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-names-'))
  try {
    const [model, data] = [join(folder, 'model.onnx'), join(folder, 'data.tsv')]
    await writeFile(join(folder, 'config.json'), '{"id2label":{"0":"a","1":"a"}}')
    await writeFile(data, 'a\thello\n')
    const ids = [{ name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] }]
    const signature = { inputs: ids, outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 2] }] }
    const refusal = expect.objectContaining({ code: 'TP_DATA', message: expect.stringContaining('names two classes') })
    await expect(readTaskData(model, signature, data)).rejects.toThrow(refusal)
    await expect(openExamples(model, signature, ['hello'])).rejects.toThrow(refusal)
    const { dataset } = await openExamples(model, signature, data, { labels: ['a', 'b'] })
    expect(dataset.examples).toHaveLength(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})
