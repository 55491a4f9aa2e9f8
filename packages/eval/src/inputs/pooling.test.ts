import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pool, readPooling } from './pooling.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-eval-'))
  mkdirSync(join(folder, '1_Pooling'))
  mkdirSync(join(folder, 'onnx'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, content: object): void => writeFileSync(join(folder, name), JSON.stringify(content))
const types = (...names: string[]): object[] => names.map((name) => ({ type: `sentence_transformers.models.${name}` }))

test('without files it is the mean, of length 1', async () => {
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual({ of: 'mean', isNormalised: true })
})

test('the files of Sentence Transformers say what it is, also above a folder called onnx', async () => {
  write('1_Pooling/config.json', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false })
  write('modules.json', types('Transformer', 'Pooling'))
  const expected = { of: 'class token', isNormalised: false }
  expect(await readPooling(join(folder, 'model.onnx'))).toEqual(expected)
  expect(await readPooling(join(folder, 'onnx', 'model.onnx'))).toEqual(expected)
  write('modules.json', types('Transformer', 'Pooling', 'Normalize'))
  expect((await readPooling(join(folder, 'model.onnx'))).isNormalised).toBe(true)
})

test.each([
  { pooling_mode_weightedmean_tokens: true },
  { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true },
])('what is not supported is refused: %j', async (config) => {
  write('1_Pooling/config.json', config)
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'TP_POOLING' })
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
