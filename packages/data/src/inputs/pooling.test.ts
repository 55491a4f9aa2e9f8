import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readModelFolder } from './model-folder.ts'
import { type Pooling, pool, requirePooling, sentenceModules } from './pooling.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-eval-'))
  mkdirSync(join(folder, '1_Pooling'))
  mkdirSync(join(folder, 'onnx'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, content: object): void => writeFileSync(join(folder, name), JSON.stringify(content))
async function readPooling(path: string): Promise<Pooling> {
  return requirePooling((await readModelFolder(path)).pooling, path)
}

const types = (...names: string[]): object[] => names.map((name) => ({ type: `sentence_transformers.models.${name}` }))

test('without files it is the mean, of length 1', async () => {
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual({ of: 'mean', isNormalized: true })
})

describe('a model that returns a state for each token', () => {
  const states = { dims: ['batch', 'tokens', 8] }
  const required = async (name = 'model.onnx') =>
    requirePooling((await readModelFolder(join(folder, name))).pooling, folder, states)

  test('gives the mean of its states by an assumption, which a note reports with the way to correct it', async () => {
    const { of, note } = await required()
    expect([of, note]).toEqual([
      'mean',
      expect.stringMatching(/assumed to be their mean; .*\{"pooling_mode":"cls"\}.*1_Pooling\/config\.json/),
    ])
    write('1_Pooling/config.json', { pooling_mode: 'cls' })
    const corrected = await required()
    expect([corrected.of, corrected.note]).toEqual(['class token', undefined])
  })

  test('follows the training recipe of its name, which a note reports, unless files of Sentence Transformers decide', async () => {
    write('config.json', { _name_or_path: 'BAAI/bge-small-en-v1.5', architectures: ['BertModel'] })
    const { of, isNormalized, note } = await required('onnx/model.onnx')
    expect([of, isNormalized]).toEqual(['class token', true])
    expect(note).toContain('by the class token, then divided by the length (the training recipe of bge-small-en-v1.5)')
    write('modules.json', types('Transformer', 'Pooling'))
    write('1_Pooling/config.json', { pooling_mode: 'mean' })
    expect(await required()).toEqual({ of: 'mean', isNormalized: false })
  })

  test('takes the name of its file or folder before the name that its weights were loaded from', async () => {
    const own = join(folder, 'snowflake-arctic-embed-l')
    mkdirSync(own)
    write('snowflake-arctic-embed-l/config.json', { _name_or_path: 'intfloat/e5-large-unsupervised' })
    expect(await readPooling(join(own, 'model.onnx'))).toMatchObject({ of: 'class token' })
    expect(await readPooling(join(folder, 'bge-small-en-v1.5_int8.onnx'))).toMatchObject({ of: 'class token' })
  })
})

test('the files of Sentence Transformers say what it is, also above a folder called onnx', async () => {
  write('1_Pooling/config.json', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false })
  write('modules.json', types('Transformer', 'Pooling'))
  const expected = { of: 'class token', isNormalized: false }
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual(expected)
  expect(await readPooling(join(folder, 'onnx', 'model.onnx'))).toEqual(expected)
  write('modules.json', types('Transformer', 'Pooling', 'Normalize'))
  expect((await readPooling(join(folder, 'model.onnx'))).isNormalized).toBe(true)
})

test.each([
  ['mean', 'mean'],
  ['max', 'maximum'],
  [['cls'], 'class token'],
  ['lasttoken', 'last token'],
] as const)('a mode has a name since version 6 of Sentence Transformers: %j', async (mode, of) => {
  write('1_Pooling/config.json', { pooling_mode: mode })
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual({ of, isNormalized: true })
})

test('a pooling that modules.json names, and that is missing, is refused and never taken for the mean', async () => {
  write('modules.json', types('Transformer', 'Pooling', 'Normalize'))
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({
    code: 'TP_POOLING',
    message: expect.stringContaining('1_Pooling/config.json) is missing; complete its folder'),
  })
})

test('modules.json says in which folder the pooling is, and it is below its own', async () => {
  mkdirSync(join(folder, '4_Last'))
  write('4_Last/config.json', { pooling_mode: 'lasttoken' })
  const named = (path: string): object[] => [...types('Transformer'), { type: 'a.Pooling', path }]
  write('modules.json', named('4_Last'))
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual({ of: 'last token', isNormalized: false })
  for (const path of ['../4_Last', join(folder, '4_Last')]) {
    write('modules.json', named(path))
    await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'TP_DATA' })
  }
})

test('a module that the ONNX file does not hold is refused where vectors are pooled outside, and nowhere else', async () => {
  write('modules.json', types('Transformer', 'Pooling', 'Dense', 'Normalize'))
  const path = join(folder, 'model.onnx')
  const { pooling } = await readModelFolder(path)
  expect(requirePooling(pooling, path, { dims: ['batch', 384] })).toMatchObject({ isNormalized: true })
  for (const output of [undefined, { dims: ['batch', 'tokens', 384] }]) {
    expect(() => requirePooling(pooling, path, output)).toThrow(
      expect.objectContaining({ code: 'TP_POOLING', message: expect.stringContaining('through Dense') }),
    )
  }
})

test('ignores other entries of modules.json', () => {
  expect(sentenceModules([5, null, { type: 7 }, { type: 'a.b.Pooling', path: 3 }])).toEqual([
    { type: 'Pooling', path: '' },
  ])
  expect(sentenceModules('Pooling')).toEqual([])
})

test.each([
  { pooling_mode: ['cls', 'mean'] },
  { pooling_mode: 'constructor' },
  { pooling_mode_weightedmean_tokens: true },
  { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true },
])('refuses modules that are not supported: %j', async (config) => {
  write('1_Pooling/config.json', config)
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'TP_POOLING' })
})

test('scores of words are pooled as SPLADE does where modules.json names it, and no other way', async () => {
  write('modules.json', [{ type: 'a.MLMTransformer' }, { type: 'a.SpladePooling', path: '1_SpladePooling' }])
  mkdirSync(join(folder, '1_SpladePooling'))
  const config = { pooling_strategy: 'max', activation_function: 'relu' }
  write('1_SpladePooling/config.json', config)
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual({ of: 'SPLADE maximum', isNormalized: false })
  write('1_SpladePooling/config.json', { ...config, pooling_strategy: 'sum' })
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'TP_POOLING' })
  const modules = ['MLMTransformer', 'SpladePooling', 'Dense'].map((type) => ({
    type: `a.${type}`,
    path: '1_SpladePooling',
  }))
  write('1_SpladePooling/config.json', config)
  write('modules.json', modules)
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toThrow('through Dense')
  const [vector = []] = [pool([Float32Array.of(-1, 0), Float32Array.of(-2, Math.E - 1)], 'SPLADE maximum')]
  expect([...vector]).toEqual([0, expect.closeTo(1, 6)])
})

test.each([
  ['mean', [3, 2]],
  ['maximum', [6, 6]],
  ['class token', [3, 0]],
  ['last token', [6, 0]],
] as const)('tokens become a vector by their %s', (by, vector) => {
  const tokens = [Float32Array.of(3, 0), Float32Array.of(0, 6), Float32Array.of(6, 0)]
  expect([...pool(tokens, by)]).toEqual(vector)
})
