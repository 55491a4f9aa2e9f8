import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { decodeModel, encodeModel } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { type BulkOptions, runBulk } from '../src/index.ts'
import { modelFolder } from './small-models.ts'

const { at } = modelFolder()
const common = { model: at('model', 'model.onnx'), threads: 1 }
writeFileSync(at('good.jsonl'), '{"id":1,"text":"hello"}\n')
execFileSync('mkfifo', [at('pipe.jsonl')])

/** A run that is refused within seconds, and leaves no output. */
async function refused(options: Partial<BulkOptions>): Promise<unknown> {
  const out = options.out ?? at('out.jsonl')
  const error = await runBulk({ ...common, data: at('good.jsonl'), out, ...options }).catch((cause: unknown) => cause)
  expect(existsSync(out)).toBe(false)
  return error
}

describe('a model that cannot be read', () => {
  /** The model of mails with a weight in another file. */
  function withDataIn(location: string): string {
    const model = decodeModel(readFileSync(common.model))
    const entry = { $typeName: 'onnx.StringStringEntryProto', key: 'location', value: location }
    const own = { dataLocation: 1, rawData: new Uint8Array(), externalData: [entry] }
    Object.assign(model.proto.graph?.initializer[0] as object, own)
    writeFileSync(at('model', 'external.onnx'), encodeModel(model))
    return at('model', 'external.onnx')
  }

  test('refuses a model whose weights are in a folder, a pipe, a file that is missing or outside', async () => {
    execFileSync('mkfifo', [at('model', 'pipe.bin')])
    for (const location of ['.', 'pipe.bin', 'missing.bin', '__proto__'])
      expect(await refused({ model: withDataIn(location) })).toMatchObject({ code: 'TP_EXTERNAL_DATA' })
    expect(await refused({ model: withDataIn('../good.jsonl') })).toMatchObject({ code: 'TP_EXTERNAL_PATH' })
  })

  test('refuses a folder without a model, a pipe, a device and a text without waiting for them', async () => {
    mkdirSync(at('empty'))
    for (const model of [at('empty'), at('pipe.jsonl'), '/dev/zero'])
      expect(await refused({ model })).toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
    expect(await refused({ model: at('good.jsonl') })).toMatchObject({
      code: 'TP_NOT_ONNX',
      message: expect.stringContaining('good.jsonl'),
    })
  })
})

describe('a place that cannot hold the shards', () => {
  test('refuses the output before anything is computed, and keeps the files there', async () => {
    writeFileSync(at('out.jsonl.shards'), 'mine')
    expect(await refused({})).toMatchObject({ code: 'TP_WRITE' })
    expect(readFileSync(at('out.jsonl.shards'), 'utf8')).toBe('mine')
    expect(await refused({ out: at('other.jsonl'), shards: '/proc/tp-shards' })).toMatchObject({ code: 'TP_WRITE' })
    expect(await refused({ out: at(`${'o'.repeat(245)}.jsonl`) })).toMatchObject({ code: 'TP_WRITE' })
    expect(readdirSync(at('.')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
