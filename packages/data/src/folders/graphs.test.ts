import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fileInPrecision, graphOfFile, modelOf, readFolderGraphs } from './graphs.ts'

const folders: string[] = []
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))))

async function folderWith(...files: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-graphs-'))
  folders.push(folder)
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), file.endsWith('.json') ? '{ "sampling_rate": 16000 }' : '')
  }
  return folder
}

test.each([
  ['onnx/model.onnx', ['onnx/model.onnx', 'onnx/model_quantized.onnx', 'onnx/model_q4f16.onnx', 'config.json']],
  ['model.onnx', ['model.onnx', 'model_O2.onnx', 'onnx/text_model.onnx']],
  ['onnx/encoder_model.onnx', ['onnx/encoder_model.onnx', 'onnx/encoder_model_fp16.onnx', 'onnx/decoder_model.onnx']],
  ['onnx/decoder_model_merged_q4.onnx', ['onnx/decoder_model_merged_q4.onnx', 'onnx/decoder_model_q4.onnx']],
  ['mail.onnx', ['mail.onnx', 'mail_int8.onnx']],
])('takes %s of a folder with %j', async (file, files) => {
  const folder = await folderWith(...files)
  expect(await modelOf(folder)).toBe(join(folder, file))
})

test.each([
  [['model.onnx', 'onnx/model.onnx']],
  [['one.onnx', 'two.onnx']],
  [['onnx/model_fp16.onnx', 'onnx/model_q4.onnx']],
])('lists what there is where a folder has %j, none of which is preferred', async (files) => {
  const folder = await folderWith(...files)
  await expect(modelOf(folder)).rejects.toMatchObject({
    code: 'TP_AMBIGUOUS',
    message: expect.stringContaining(files.toSorted().join(', ')),
  })
})

test('refuses a folder without an ONNX file, and takes the path of a file as it is', async () => {
  const folder = await folderWith('config.json')
  await expect(modelOf(folder)).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
  expect(await modelOf(join(folder, 'none.onnx'))).toBe(join(folder, 'none.onnx'))
})

test('sees which decoders read the states of an encoder of speech, those of its own precision first', async () => {
  const speech = ['onnx/encoder_model.onnx', 'onnx/decoder_model.onnx', 'onnx/decoder_with_past_model.onnx']
  const folder = await folderWith(
    ...[...speech, 'onnx/decoder_model_merged.onnx', 'onnx/decoder_model_merged_quantized.onnx'],
    ...['onnx/encoder_model_quantized.onnx', 'preprocessor_config.json'],
  )
  const { main, variants, decoders, others } = await readFolderGraphs(folder)
  expect(main.file).toBe('onnx/encoder_model.onnx')
  expect(variants).toEqual([{ file: 'onnx/encoder_model_quantized.onnx', name: 'encoder_model', dtype: 'q8' }])
  expect(decoders.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual([
    ...['decoder_model_merged fp32', 'decoder_model fp32', 'decoder_with_past_model fp32'],
    'decoder_model_merged q8',
  ])
  expect(others).toEqual([])
  expect(await modelOf(folder, 'decoder')).toBe(join(folder, 'onnx/decoder_model_merged.onnx'))
  // Named by the file, it is the encoder in 8 bits that the folder is about.
  const named = await readFolderGraphs(join(folder, 'onnx/encoder_model_quantized.onnx'))
  expect(named).toMatchObject({ folder, main: { dtype: 'q8' }, decoders: [{ dtype: 'q8' }, {}, {}, {}] })
})

test('reads decoders of texts as graphs of their own', async () => {
  const folder = await folderWith('onnx/encoder_model.onnx', 'onnx/decoder_model.onnx')
  expect(await readFolderGraphs(folder)).toMatchObject({ decoders: [], others: [{ name: 'decoder_model' }] })
})

test('names a graph in another precision as transformers.js does', () => {
  expect(fileInPrecision(graphOfFile('onnx/model.onnx'), 'q8')).toBe(join('onnx', 'model_quantized.onnx'))
  expect(fileInPrecision(graphOfFile('onnx/model_bnb4.onnx'), 'fp32')).toBe(join('onnx', 'model.onnx'))
})
