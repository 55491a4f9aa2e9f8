import { create, toBinary } from '@bufbuild/protobuf'
import type { ConstantData } from '@tp/core/expression'
import { sizeOf } from '@tp/core/runtime'
import { TensorProto_DataType as Code, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { errorCode } from '../../test/shared.ts'
import { decodeTensor, readConstant, readTensor, writeTensor } from './tensor-proto.ts'

describe('a tensor that is read', () => {
  test.each([
    ['float32', { dataType: Code.FLOAT, floatData: [1.5, -2] }, [1.5, -2]],
    ['float64', { dataType: Code.DOUBLE, doubleData: [1e300, 0] }, [1e300, 0]],
    ['float16', { dataType: Code.FLOAT16, int32Data: [0x3c00, 0xc400] }, [1, -4]],
    ['int8', { dataType: Code.INT8, int32Data: [-128, 127] }, [-128, 127]],
    ['int16', { dataType: Code.INT16, int32Data: [-32768, 5] }, [-32768, 5]],
    ['int32', { dataType: Code.INT32, int32Data: [-(2 ** 31), 7] }, [-(2 ** 31), 7]],
    ['int64', { dataType: Code.INT64, int64Data: [-5n, 2n ** 53n] }, [-5, 2 ** 53]],
    ['uint8', { dataType: Code.UINT8, int32Data: [255, 0] }, [255, 0]],
    ['uint16', { dataType: Code.UINT16, int32Data: [65535, 1] }, [65535, 1]],
    ['uint32', { dataType: Code.UINT32, uint64Data: [4294967295n, 1n] }, [4294967295, 1]],
    ['uint64', { dataType: Code.UINT64, uint64Data: [2n ** 40n, 1n] }, [2 ** 40, 1]],
    ['bool', { dataType: Code.BOOL, int32Data: [1, 0] }, [1, 0]],
  ])('takes %s from its typed field', (dtype, fields, numbers) => {
    const read = readConstant(create(TensorProtoSchema, { dims: [2n], ...fields }))
    expect(read.dtype).toBe(dtype)
    expect(Array.from(read.data)).toEqual(numbers)
  })

  test('may have raw bytes at any offset, even of a Buffer, and gets memory of its own', () => {
    const bytes = Buffer.concat([Buffer.of(7), Buffer.from(Float32Array.of(1.5, -2, 3).buffer)])
    const proto = create(TensorProtoSchema, { dataType: Code.FLOAT, dims: [3n], rawData: bytes.subarray(1) as never })
    const { data } = readTensor(proto)
    expect(Array.from(data as Float32Array)).toEqual([1.5, -2, 3])
    bytes.fill(0)
    expect(Array.from(data as Float32Array)).toEqual([1.5, -2, 3])
  })

  test('may be empty or without axes', () => {
    expect(readTensor(create(TensorProtoSchema, { dataType: Code.INT64, dims: [0n] })).data).toHaveLength(0)
    expect(readTensor(create(TensorProtoSchema, { dataType: Code.INT64, int64Data: [9n] })).dims).toEqual([])
  })

  test('refuses a tensor whose parts do not match', () => {
    const read = (fields: object) => errorCode(() => readTensor(create(TensorProtoSchema, fields)))
    expect(read({ dataType: Code.FLOAT, dims: [3n], floatData: [1] })).toBe('TP_TENSOR')
    expect(read({ dataType: Code.FLOAT, dims: [1n], rawData: Uint8Array.of(1, 2, 3) })).toBe('TP_TENSOR')
    expect(read({ dataType: Code.FLOAT, dims: [-1n] })).toBe('TP_TENSOR')
    expect(read({ dataType: Code.BFLOAT16, dims: [1n], rawData: Uint8Array.of(0, 0) })).toBe('TP_TENSOR')
    expect(errorCode(() => decodeTensor(Uint8Array.of(255, 255, 255)))).toBe('TP_NOT_ONNX')
  })
})

describe('a tensor that is written', () => {
  test.each([
    ['float16', [1, -0, 65504, 2 ** -24, 2 ** -25, 1e6, 0.1]],
    ['int64', [-1, 2 ** 53, 0]],
    ['uint64', [0, 2 ** 53]],
    ['int8', [-128, 127]],
    ['bool', [0, 1, 1]],
    ['float64', [Math.PI]],
  ] as const)('reads a tensor back unchanged: %s', (dtype, numbers) => {
    const constant: ConstantData = { dtype, dims: [numbers.length], data: Float64Array.from(numbers) }
    const read = readConstant(writeTensor(constant, 'c'))
    // Half precision by hand: 0.1 is 0x2e66, 1e6 is beyond the largest, 2^-25 is half of the smallest (tie to even: 0).
    const rounded = new Map<number, number>([
      [0.1, 0.0999755859375],
      [1e6, Infinity],
      [2 ** -25, 0],
    ])
    expect(Array.from(read.data)).toEqual(dtype === 'float16' ? numbers.map((x) => rounded.get(x) ?? x) : [...numbers])
  })

  test('keeps the largest int64, which is not a double, from wrapping around', () => {
    const proto = writeTensor({ dtype: 'int64', dims: [2], data: Float64Array.of(2 ** 63, -(2 ** 63)) }, 'ends')
    expect(Array.from(readTensor(proto).data as BigInt64Array)).toEqual([2n ** 63n - 1n, -(2n ** 63n)])
  })

  test('may come from a runtime, with strings too', () => {
    const tensor = { type: 'string', dims: [2], data: ['ä', ''] }
    const read = decodeTensor(toBinary(TensorProtoSchema, writeTensor(tensor, 'words')))
    expect(read).toEqual({ name: 'words', ...tensor })
    const odd = { type: 'uint16', dims: [2], data: new Uint16Array(Uint16Array.of(1, 2, 3).buffer, 2) }
    expect(sizeOf(readTensor(writeTensor(odd, 'n')).dims)).toBe(2)
    expect(Array.from(readTensor(writeTensor(odd, 'n')).data as Uint16Array)).toEqual([2, 3])
  })
})
