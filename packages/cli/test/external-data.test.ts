import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeEach, describe, expect, test } from 'vitest'
import { withDataFile } from './small-models.ts'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const by = ['--method', 'received-attention', '--keep', '0.6']

describe('a model with a data file', () => {
  beforeEach(() => {
    rmSync(folder.at('in'), { recursive: true, force: true })
    rmSync(folder.at('out'), { recursive: true, force: true })
    mkdirSync(folder.at('out'))
    cpSync(dirname(fixture('bert-cls-external')), folder.at('in'), { recursive: true })
    rmSync(folder.at('in', 'fixture.json'))
  })
  const model = (): string => folder.at('in', 'model.onnx')
  const out = (): string => folder.at('out', 'pruned.onnx')
  const expectLoads = async (path: string): Promise<void> => {
    await using session = await nodeRuntime().load(path, { threads: 1 })
    expect(session.outputs).not.toEqual([])
  }
  const outFiles = (): string[] => folder.files().filter((name) => name.startsWith('out/'))

  test('copies the model with its data to another folder', async () => {
    const { code, stdout } = await tpHere(['prune', model(), '-o', out(), ...by, '--json'])
    expect(code).toBe(0)
    expect(outFiles()).toEqual(['out/model.onnx.data', 'out/pruned.onnx'])
    expect(readFileSync(folder.at('out', 'model.onnx.data'))).toEqual(readFileSync(`${model()}.data`))
    const { dataFiles, verification } = JSON.parse(stdout)
    expect(dataFiles).toEqual([folder.at('out', 'model.onnx.data')])
    expect(verification.difference).toBeLessThan(1e-5)
    // again: the same file is there now, and is kept
    expect((await tpHere(['prune', model(), '-o', out(), ...by])).code).toBe(0)
  })

  test('refuses the model without reading it if one weight has gigabytes', async () => {
    const huge = decodeModel(readFileSync(model()))
    const tensor = huge.proto.graph?.initializer.find(
      ({ dims, dataLocation }) => dataLocation === 1 && dims.length === 2,
    )
    if (tensor === undefined) throw new Error('the fixture has no matrix in its data file')
    tensor.dims = [2n ** 15n, 2n ** 16n]
    const entries = [
      ['location', 'huge.bin'],
      ['offset', '0'],
      ['length', `${2 ** 33}`],
    ]
    tensor.externalData = entries.map(([key, value]) => ({
      ...structuredClone(tensor.externalData[0]),
      key,
      value,
    })) as never
    writeFileSync(folder.at('in', 'huge.onnx'), encodeModel(huge))
    writeFileSync(folder.at('in', 'huge.bin'), '')
    truncateSync(folder.at('in', 'huge.bin'), 2 ** 33) // holes: takes no room
    const { code, stderr } = await tpHere(['quantize', folder.at('in', 'huge.onnx'), '-o', out()])
    expect(stderr).toMatch(
      /a weight in .*huge\.bin has 8\.0 GiB, and at most 2\.0 GiB are read\nsee \S+\ncode: TP_TOO_LARGE/,
    )
    expect(code).toBe(1)
  })

  test('keeps the subfolder of its data', async () => {
    const { model: bytes, data } = withDataFile('weights/part.bin')
    writeFileSync(folder.at('in', 'deep.onnx'), bytes)
    mkdirSync(folder.at('in', 'weights'))
    writeFileSync(folder.at('in', 'weights', 'part.bin'), data)
    const { code } = await tpHere(['prune', folder.at('in', 'deep.onnx'), '-o', out(), ...by])
    expect(code).toBe(0)
    expect(outFiles()).toEqual(['out/pruned.onnx', 'out/weights', 'out/weights/part.bin'])
    await expectLoads(out())
  })

  test('does not overwrite another file of that name', async () => {
    writeFileSync(folder.at('out', 'model.onnx.data'), 'somebody else’s')
    const { code, stderr } = await tpHere(['prune', model(), '-o', out(), ...by])
    expect(stderr).toMatch(/is there already and differs[\s\S]*code: TP_WRITE/)
    expect(code).toBe(1)
    expect(outFiles()).toEqual(['out/model.onnx.data'])
    expect(readFileSync(folder.at('out', 'model.onnx.data'), 'utf8')).toBe('somebody else’s')
  })

  test('removes the data again if the model cannot be written', async () => {
    mkdirSync(folder.at('out', 'pruned.onnx'))
    const { code } = await tpHere(['prune', model(), '-o', out(), ...by])
    expect(code).toBe(2)
    expect(outFiles()).toEqual(['out/pruned.onnx'])
  })

  test.each([
    [
      'missing',
      () => renameSync(`${model()}.data`, folder.at('in', 'elsewhere')),
      /model\.onnx\.data is missing; the weights of model\.onnx are in it/,
    ],
    [
      'too short',
      () => truncateSync(`${model()}.data`, 1000),
      /model\.onnx\.data has 1000 bytes where at least \d+ are needed/,
    ],
  ])('refuses data that are %s', async (_, spoil, message) => {
    spoil()
    for (const args of [
      ['inspect', model()],
      ['prune', model(), '-o', out(), ...by],
    ]) {
      const { code, stderr } = await tpHere(args)
      expect(stderr).toMatch(message)
      expect(stderr).toContain('code: TP_EXTERNAL_DATA')
      expect(code).toBe(1)
    }
    expect(outFiles()).toEqual([])
  })

  test.each(['../model.onnx.data', 'C:\\weights', 'https://example.org/weights'])(
    'refuses a data path outside the folder: %s',
    async (location) => {
      writeFileSync(folder.at('in', 'leaves.onnx'), withDataFile(location).model)
      const { code, stderr } = await tpHere(['prune', folder.at('in', 'leaves.onnx'), '-o', out(), ...by])
      expect(stderr).toMatch(
        /leaves\.onnx: the model keeps weights in .*not a path inside its own folder.*save the model again/,
      )
      expect(stderr).toContain('code: TP_EXTERNAL_PATH')
      expect(code).toBe(1)
      expect(outFiles()).toEqual([])
    },
  )
})
