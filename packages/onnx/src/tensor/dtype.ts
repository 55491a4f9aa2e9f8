import type { DType } from '@tp/core'
import { DataType as Code } from '../protobuf/schema.ts'

/** Element types that core knows, by ONNX's number. Complex, bfloat16, 8-bit floats and sub-byte types are not among them. */
const names: Readonly<Record<number, DType>> = {
  [Code.FLOAT]: 'float32',
  [Code.DOUBLE]: 'float64',
  [Code.FLOAT16]: 'float16',
  [Code.INT8]: 'int8',
  [Code.INT16]: 'int16',
  [Code.INT32]: 'int32',
  [Code.INT64]: 'int64',
  [Code.UINT8]: 'uint8',
  [Code.UINT16]: 'uint16',
  [Code.UINT32]: 'uint32',
  [Code.UINT64]: 'uint64',
  [Code.BOOL]: 'bool',
  [Code.STRING]: 'string',
}

const codes: ReadonlyMap<string, number> = new Map(Object.entries(names).map(([code, name]) => [name, Number(code)]))

/** Undefined for an element type that core has no name for. */
export function dtypeOf(code: number): DType | undefined {
  return names[code]
}

export function isDType(name: string | undefined): name is DType {
  return codes.has(name ?? '')
}

export function codeOf(dtype: DType): number {
  return codes.get(dtype) as number
}

/** ONNX's own name of an element type, for messages. */
export function codeName(code: number): string {
  return Object.entries(Code).find(([, number]) => number === code)?.[0] ?? `element type ${code}`
}
