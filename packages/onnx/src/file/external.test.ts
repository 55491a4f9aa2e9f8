import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataLocation, TensorProtoSchema } from 'onnx-buf'
import { afterAll, describe, expect, test } from 'vitest'
import { errorCode, fixture, fixtures, folderReader } from '../../test/shared.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { readTensor } from '../tensor/tensor-proto.ts'
import { checkExternalLocation, externalTensors } from './external.ts'
import { createModel, decodeModel, encodeModel } from './model.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A model that keeps `name` in a data file; entries as ONNX's external_data has them. */
function externalModel(dims: number[], entries: Record<string, string>): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.insert([createNode({ type: 'Identity', inputs: ['w'], outputs: ['y'] })])
  graph.addOutput('y', 'float32', dims)
  graph.proto.initializer.push(
    create(TensorProtoSchema, {
      name: 'w',
      dataType: 1,
      dims: dims.map(BigInt),
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    }),
  )
  return encodeModel(graph.model)
}

describe('locations', () => {
  test.each(['model.onnx.data', 'weights/w.bin', 'a..b', './w', '.hidden', 'ü name'])(
    'accept %s as inside the folder',
    (location) => {
      expect(errorCode(() => checkExternalLocation(location))).toBe('none')
    },
  )
  test.each([
    '',
    '/etc/passwd',
    '../w',
    'a/../../w',
    'a/..',
    '..',
    '..\\w',
    'a\\w',
    'C:w',
    'C:\\w',
    'c:/w',
    '\\\\host\\share',
    'file:///w',
    'https://host/w',
    'w\0.bin',
  ])('refuse %j as outside the folder', (location) => {
    expect(errorCode(() => checkExternalLocation(location))).toBe('TP_EXTERNAL_PATH')
    expect(errorCode(() => externalTensors(decodeModel(externalModel([1], { location }))))).toBe('TP_EXTERNAL_PATH')
  })
})

describe('data files', () => {
  test('lists data files, and reads them from their location', () => {
    const model = decodeModel(fixture('bert-cls-external'))
    const tensors = externalTensors(model)
    expect(tensors.length).toBeGreaterThan(10)
    const data = readFileSync(join(fixtures, 'bert-cls-external/model.onnx.data'))
    const [first] = tensors
    const proto = new Graph(model).initializer(first?.name ?? '')
    if (first === undefined || proto === undefined) throw new Error('the fixture keeps weights outside')
    const tensor = readTensor(proto, folderReader(join(fixtures, 'bert-cls-external')))
    const at = data.subarray(first.offset, first.offset + (first.length ?? 0))
    expect(Buffer.compare(new Uint8Array((tensor.data as Float32Array).buffer), at)).toBe(0)
    expect(errorCode(() => readTensor(proto))).toBe('TP_EXTERNAL')
  })

  test('reach beyond 2 GiB', () => {
    const offset = 2 ** 31 + 4096
    const path = join(folder, 'big.data')
    writeFileSync(path, '')
    truncateSync(path, 2 ** 31 + 8192) // sparse: takes no room on disk
    const file = openSync(path, 'r+')
    writeSync(file, new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, offset)
    closeSync(file)
    const bytes = externalModel([2], { location: 'big.data', offset: String(offset), length: '8' })
    const model = decodeModel(bytes, { external: folderReader(folder) })
    expect(externalTensors(model)).toEqual([{ name: 'w', location: 'big.data', offset, length: 8 }])
    const proto = new Graph(model).initializer('w')
    if (proto === undefined) throw new Error('w is an initializer')
    expect(Array.from(readTensor(proto, model.external).data as Float32Array)).toEqual([1.5, -2])
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0)
  })

  test('refuses data files without a position or with one that is not a number', () => {
    const list = (entries: Record<string, string>) =>
      errorCode(() => externalTensors(decodeModel(externalModel([1], entries))))
    expect(list({ offset: '0' })).toBe('TP_EXTERNAL')
    expect(list({ location: 'w', offset: '-1' })).toBe('TP_EXTERNAL')
    expect(list({ location: 'w', length: '1e999' })).toBe('TP_EXTERNAL')
    expect(list({ location: 'w', offset: '99999999999999999999' })).toBe('TP_EXTERNAL')
  })
})
