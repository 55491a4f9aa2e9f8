import type { DType } from '@tp/core'
import type { TypeProto, ValueInfoProto } from 'onnx-buf'
import { createMessage } from '../protobuf/create-message.ts'
import { codeName, codeOf, dtypeOf } from '../tensor/dtype.ts'

/** The declaration of a value in a file. */
export interface DeclaredValue {
  readonly name: string
  /** Element type by onnxruntime's name; `sequence`, `map` … for what is not a tensor; empty if the file does not say. */
  readonly type: string
  /** A number, a name, or `?` for a size that the file does not fix; undefined if not even the number of axes is declared. */
  readonly dims: readonly (number | string)[] | undefined
}

export function readValueInfo({ name, type }: ValueInfoProto): DeclaredValue {
  if (type?.value.case !== 'tensorType') {
    return { name, type: type?.value.case?.replace('Type', '') ?? '', dims: undefined }
  }
  const { elemType, shape } = type.value.value
  const dims = shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return value.value < 0n ? '?' : Number(value.value)
    return value.case === 'dimParam' && value.value !== '' ? value.value : '?'
  })
  return { name, type: elemType === 0 ? '' : (dtypeOf(elemType) ?? codeName(elemType).toLowerCase()), dims }
}

/** Declares a value; `undefined` is a size without number or name. */
export function writeValueInfo(
  name: string,
  dtype: DType,
  dims: readonly (number | string | undefined)[],
): ValueInfoProto {
  return createMessage('ValueInfoProto', { name, type: tensorType(dtype, dims) })
}

/** Declares a sequence of tensors whose sizes are open. */
export function writeSequenceInfo(name: string, dtype: DType): ValueInfoProto {
  const elemType = createMessage('TypeProto', { value: { case: 'tensorType', value: { elemType: codeOf(dtype) } } })
  const type = createMessage('TypeProto', { value: { case: 'sequenceType', value: { elemType } } })
  return createMessage('ValueInfoProto', { name, type })
}

function tensorType(dtype: DType, dims: readonly (number | string | undefined)[]): TypeProto {
  const dim = dims.map((size) => {
    if (size === undefined) return {}
    return typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } }
  })
  return createMessage('TypeProto', {
    value: { case: 'tensorType', value: { elemType: codeOf(dtype), shape: { dim } } },
  })
}
