import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { errorCode, fixture } from '../../test/shared.ts'
import { Graph } from '../graph/graph.ts'
import { cloneModel, createModel, decodeModel, encodeModel, metadata, opset, withoutMetadata } from './model.ts'

/** A model with one Relu, and a field that no ONNX has in each of model, graph, node and tensor. */
function modelWithUnknownFields(): Uint8Array {
  const unknown = (writer: BinaryWriter): BinaryWriter => writer.tag(999, WireType.LengthDelimited).string('news')
  const message = (write: (writer: BinaryWriter) => BinaryWriter): Uint8Array => write(new BinaryWriter()).finish()
  const node = message((w) => unknown(w.tag(1, 2).string('x').tag(2, 2).string('y').tag(4, 2).string('Relu')))
  const tensor = message((w) =>
    unknown(w.tag(1, 0).int64(1500).tag(2, 0).int32(1).tag(8, 2).string('w').tag(9, 2).bytes(new Uint8Array(6000))),
  )
  const graph = message((w) => unknown(w.tag(1, 2).bytes(node).tag(2, 2).string('g').tag(5, 2).bytes(tensor)))
  const set = message((w) => w.tag(2, 0).int64(17))
  return message((w) => unknown(w.tag(1, 0).int64(8).tag(7, 2).bytes(graph).tag(8, 2).bytes(set)))
}

describe('a model that is read and written', () => {
  test('keeps unknown fields at every level, even those written in parts', () => {
    const bytes = modelWithUnknownFields()
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes)
  })

  test('writes long texts and many messages as the general library does', () => {
    const model = createModel(17)
    metadata(model).set('long', 'ä😀'.repeat(5000))
    for (let i = 0; i < 300; i++) metadata(model).set(`key ${i}`, 'value')
    const bytes = encodeModel(model)
    expect(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toEqual(bytes)
    expect(metadata(decodeModel(bytes)).get('long')).toBe('ä😀'.repeat(5000))
  })

  test('leaves metadata out of the copy for a runtime, and keeps them itself', () => {
    const model = decodeModel(fixture('bert-cls-optimum'))
    const size = encodeModel(model).length
    metadata(model).set('notes', 'x'.repeat(10 * size))
    expect(encodeModel(withoutMetadata(model)).length).toBeLessThan(1.01 * size)
    expect(metadata(model).get('notes')).toHaveLength(10 * size)
  })

  test('writes the same bytes in pieces and at once', () => {
    const model = decodeModel(fixture('bert-cls-optimum'))
    const weight = model.proto.graph?.initializer[0]
    if (weight === undefined) throw new Error('the fixture has initializers')
    weight.docString = 'comes after the bytes'
    expect(Buffer.compare(encodeModel(model), toBinary(ModelProtoSchema, model.proto))).toBe(0)
  })
})

describe('a file that is not a model', () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)

  test('refuses the file with a code', () => {
    expect(errorCode(() => decodeModel(new Uint8Array()))).toBe('TP_NOT_ONNX')
    expect(errorCode(() => decodeModel(text('<!doctype html><title>404</title>')))).toBe('TP_NOT_ONNX')
    expect(errorCode(() => decodeModel(text('{"architectures": ["BertModel"]}')))).toBe('TP_NOT_ONNX')
    expect(errorCode(() => decodeModel(Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0)))).toBe('TP_NOT_ONNX')
    expect(errorCode(() => decodeModel(text('version https://git-lfs.github.com/spec/v1\noid sha256:0')))).toBe(
      'TP_NOT_ONNX',
    )
  })

  test('refuses a file with a code wherever it is cut, nearly always TP_TRUNCATED', () => {
    const bytes = fixture('deit-distilled-ts17')
    const codes = new Map<string, number>()
    for (let i = 0; i < 400; i++) {
      const end = Math.floor((bytes.length * i) / 400)
      const code = errorCode(() => decodeModel(bytes.subarray(0, end)))
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    expect(codes.get('none')).toBeUndefined()
    expect(codes.get('TP_NOT_ONNX') ?? 0).toBeLessThan(3)
  })

  test('reads a file with flipped bytes, or refuses it with a code', () => {
    const bytes = fixture('bert-cls-external')
    let seed = 1
    const random = (): number => {
      seed = (seed * 48271) % 2147483647
      return seed / 2147483647
    }
    const codes = new Set<string>()
    for (let i = 0; i < 300; i++) {
      const broken = bytes.slice()
      for (let k = 0; k < 1 + (i % 3); k++) broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256)
      codes.add(errorCode(() => new Graph(decodeModel(broken))))
    }
    for (const code of codes) expect(code).toMatch(/^(none|TP_\w+)$/)
    expect(codes.size).toBeGreaterThan(1)
  })
})

describe('a file that is valid, and larger than any model', () => {
  const message = (write: (writer: BinaryWriter) => unknown): Uint8Array => {
    const writer = new BinaryWriter()
    write(writer)
    return writer.finish()
  }
  const modelOf = (graph: Uint8Array): Uint8Array =>
    message((w) =>
      w
        .tag(1, 0)
        .int64(8)
        .tag(7, 2)
        .bytes(graph)
        .tag(8, 2)
        .bytes(message((set) => set.tag(2, 0).int64(17))),
    )

  /** A body (If) inside a body inside … */
  function nested(depth: number): Uint8Array {
    let graph = message((w) => w.tag(2, 2).string('innermost'))
    for (let i = 0; i < depth; i++) {
      const attribute = message((w) => w.tag(1, 2).string('then_branch').tag(6, 2).bytes(graph).tag(20, 0).int32(5))
      const node = message((w) => w.tag(2, 2).string('y').tag(4, 2).string('If').tag(5, 2).bytes(attribute))
      graph = message((w) => w.tag(1, 2).bytes(node))
    }
    return modelOf(graph)
  }

  test('reads nested bodies as deep as protobuf reads them', () => {
    expect(errorCode(() => decodeModel(nested(32)))).toBe('none')
  })

  test.each([40, 1000])('refuses %i nested bodies for their depth, and not as a damaged file', (depth) => {
    expect(() => decodeModel(nested(depth))).toThrow(/more than 100 deep/)
    expect(errorCode(() => decodeModel(nested(depth)))).toBe('TP_TOO_COMPLEX')
  })

  test('refuses more messages than fit into memory', () => {
    const info = message((w) => w.tag(1, 2).string('x'))
    const graph = message((w) => {
      for (let i = 0; i < 1_200_000; i++) w.tag(13, 2).bytes(info)
    })
    expect(errorCode(() => decodeModel(modelOf(graph)))).toBe('TP_TOO_COMPLEX')
  })

  test('does not call a file cut short where a field contradicts the schema', () => {
    const broken = modelOf(message((w) => w.tag(1, 0).int32(7)))
    expect(errorCode(() => decodeModel(broken))).toBe('TP_NOT_ONNX')
  })
})

describe('model', () => {
  test('shares the weights with a copy, and nothing else', () => {
    const model = decodeModel(fixture('bert-cls-optimum'))
    const before = encodeModel(model)
    const copy = cloneModel(model)
    expect(Buffer.compare(encodeModel(copy), before)).toBe(0)
    const [weight] = model.proto.graph?.initializer ?? []
    const [shared] = copy.proto.graph?.initializer ?? []
    expect(shared?.rawData).toBe(weight?.rawData)
    expect(shared).not.toBe(weight)
    metadata(copy).set('tp', '1')
    const graph = new Graph(copy)
    for (const node of [...graph.nodes].slice(0, 20)) graph.remove(node)
    expect(Buffer.compare(encodeModel(model), before)).toBe(0)
  })

  test('sets, changes and removes metadata by key', () => {
    const model = createModel(17)
    const props = metadata(model)
    props.set('a', '1')
    props.set('b', '2')
    props.set('a', '3')
    const read = metadata(decodeModel(encodeModel({ ...model, proto: { ...model.proto } })))
    expect(read.keys()).toEqual(['a', 'b'])
    expect(read.get('a')).toBe('3')
    props.delete('a')
    expect(fromBinary(ModelProtoSchema, encodeModel(model)).metadataProps.map(({ key }) => key)).toEqual(['b'])
  })

  test('names the imported operator sets when one is missing', () => {
    const model = createModel(17)
    expect(opset(model)).toBe(17)
    expect(errorCode(() => opset(model, 'com.microsoft'))).toBe('TP_OPSET')
  })
})
