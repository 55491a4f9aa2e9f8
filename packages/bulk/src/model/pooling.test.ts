import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPooling } from './pooling.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-bulk-'))
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

test('what is not supported is refused', async () => {
  write('1_Pooling/config.json', { pooling_mode_max_tokens: true })
  await expect(readPooling(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'TP_POOLING' })
})
