import { type DType, sizeOf, type TensorLike } from '../array.ts'
import { TpError } from '../errors.ts'
import type { NamedTensors, ValueInfo } from './runtime.ts'

/** Names of the array classes that hold each element type; compared by name because other realms have their own. */
const arrayNames: Readonly<Record<Exclude<DType, 'string'>, readonly string[]>> = {
  float32: ['Float32Array'],
  float64: ['Float64Array'],
  float16: ['Uint16Array', 'Float16Array'],
  int8: ['Int8Array'],
  int16: ['Int16Array'],
  int32: ['Int32Array'],
  int64: ['BigInt64Array'],
  uint8: ['Uint8Array'],
  uint16: ['Uint16Array'],
  uint32: ['Uint32Array'],
  uint64: ['BigUint64Array'],
  bool: ['Uint8Array'],
}

/**
 * Checks arrays against what a model declares: names, types, ranks, fixed sizes, one size per named axis across all
 * inputs, and as many elements as the shape says.
 * @throws TpError TP_INPUT
 */
export function checkInputs(where: string, declared: readonly ValueInfo[], inputs: NamedTensors): void {
  const fail = (message: string): never => {
    throw new TpError(
      'TP_INPUT',
      where,
      `${message}. The model takes ${declared.map(describe).join(', ') || 'nothing'}`,
    )
  }
  if (!isObject(inputs)) fail(`the inputs are ${inputs}, not tensors by name`)
  for (const name of Object.keys(inputs)) {
    if (!declared.some((info) => info.name === name)) fail(`unknown input "${name}"`)
  }
  const sizes = new Map<string, { readonly size: number; readonly input: string }>()
  for (const info of declared) {
    // A name such as "constructor", which every object has, does not count as an input.
    const tensor = Object.hasOwn(inputs, info.name) ? inputs[info.name] : undefined
    if (tensor === undefined) fail(`input "${info.name}" is missing`)
    if (!isObject(tensor))
      fail(`input "${info.name}" is ${tensor === null ? 'null' : `a ${typeof tensor}`}, not a tensor`)
    const problem = checkTensor(info, tensor as TensorLike) ?? checkNamedSizes(info, tensor as TensorLike, sizes)
    if (problem !== undefined) fail(`input "${info.name}" ${problem}`)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function checkTensor(info: ValueInfo, { type, dims, data }: TensorLike): string | undefined {
  if (type !== info.type) return `is ${type}, not ${info.type}`
  if (!Array.isArray(dims) || !dims.every((dim) => Number.isInteger(dim) && dim >= 0)) {
    return `has dims [${dims}], which are not sizes`
  }
  const shape = `[${dims.join(',')}]`
  if (dims.length !== info.dims.length) return `has ${dims.length} axes ${shape}, not ${info.dims.length}`
  for (const [axis, size] of info.dims.entries()) {
    if (typeof size === 'number' && size !== dims[axis]) {
      return `has ${dims[axis]} along axis ${axis} of ${shape}, where the model is fixed to ${size}`
    }
  }
  const arrays = type === 'string' ? ['Array'] : arrayNames[type as keyof typeof arrayNames]
  const seen = Object.prototype.toString.call(data).slice(8, -1)
  if (!arrays?.includes(seen)) return `is ${type} but its data are of class ${seen}, not ${arrays?.[0]}`
  if (data.length !== sizeOf(dims)) return `has ${data.length} elements, but its shape ${shape} holds ${sizeOf(dims)}`
  return undefined
}

function checkNamedSizes(
  info: ValueInfo,
  tensor: TensorLike,
  sizes: Map<string, { readonly size: number; readonly input: string }>,
): string | undefined {
  for (const [axis, name] of info.dims.entries()) {
    if (typeof name === 'number' || name === '') continue
    const size = tensor.dims[axis] as number
    const known = sizes.get(name)
    if (known === undefined) sizes.set(name, { size, input: info.name })
    else if (known.size !== size) {
      return `has ${size} along "${name}" of [${tensor.dims.join(',')}], but "${known.input}" has ${known.size}`
    }
  }
  return undefined
}

function describe({ name, type, dims }: ValueInfo): string {
  return `${name} ${type}[${dims.map((dim) => (dim === '' ? '?' : dim)).join(',')}]`
}
