import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { FileClaims } from './file-claims.ts'

const { folder } = testFolder()

test('knows which of its outputs were written, also over files that were there', async () => {
  const [fresh, log, kept, missing] = ['fresh', 'log', 'kept', 'missing'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [log, kept]) writeFileSync(path, 'of an earlier run')
  const files = new FileClaims()
  for (const path of [fresh, log, kept, missing]) await files.writes({ path, what: path })
  expect(await files.written()).toEqual([])
  writeFileSync(fresh, 'new')
  appendFileSync(log, 'one line more')
  expect(await files.written()).toEqual([fresh, log])
  files.wrote('s3://bucket/shards')
  expect(await files.written()).toEqual(['s3://bucket/shards', fresh, log])
})

test('two models that are written to one folder have the copy of a data file in common', async () => {
  const [source, other, out] = ['source', 'other', 'out'].map((name) => join(folder, name)) as [string, string, string]
  for (const place of [source, other, out]) mkdirSync(place)
  for (const place of [source, other]) writeFileSync(join(place, 'weights.bin'), place)
  const files = new FileClaims()
  for (const name of ['encoder', 'decoder'])
    await files.writes({ path: join(out, `${name}.onnx`), what: name, holdsModel: true })
  await files.readsModel(join(source, 'encoder.onnx'), ['weights.bin'])
  await files.readsModel(join(source, 'decoder.onnx'), ['weights.bin'])
  await expect(files.readsModel(join(other, 'decoder.onnx'), ['weights.bin'])).rejects.toThrow(
    'is to be two files at once',
  )
})
