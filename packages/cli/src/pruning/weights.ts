import { readFile } from 'node:fs/promises'
import type { Inspection } from '@tp/compiler'
import { constantOf, type Method, type Spec, TpError, type Values } from '@tp/core'

/**
 * Trained values of a method from a safetensors file: float32 tensors named `<block>.<name>`, as `3.threshold`.
 * @throws TpError TP_WEIGHTS
 */
export async function readWeights(path: string, method: Method, model: Inspection): Promise<(block: number) => Values> {
  const specs = Object.entries(method.params ?? {})
  if (specs.length === 0) throw problem(path, `the method ${method.name} has no trained values; leave --weights out`)
  const tensors = await readSafetensors(path)
  return (block) =>
    Object.fromEntries(
      specs.map(([name, spec]) => {
        const key = `${block}.${name}`
        const tensor = tensors.get(key)
        if (tensor === undefined) {
          throw problem(path, `"${key}" is missing, which ${method.name} needs; there are ${[...tensors.keys()].join(', ')}`)
        }
        checkShape(path, key, tensor.dims, spec, model)
        return [name, constantOf({ dtype: 'float32', dims: tensor.dims }, () => tensor.data)]
      }),
    )
}

function checkShape(path: string, key: string, dims: readonly number[], spec: Spec, { hidden, heads }: Inspection): void {
  const sizes: Readonly<Record<string, number>> = { D: hidden, H: heads, Dh: hidden / heads }
  const wanted = spec.dims.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? dim)))
  if (wanted.length === dims.length && wanted.every((size, i) => size === dims[i] || typeof size === 'string')) return
  throw problem(path, `"${key}" is [${dims}], but this model needs [${wanted}]; the file belongs to another model`)
}

interface Float32Tensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** https://huggingface.co/docs/safetensors: u64 length of a JSON header, the header, the bytes. */
async function readSafetensors(path: string): Promise<Map<string, Float32Tensor>> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw problem(path, 'it cannot be read; give the path of a safetensors file', cause)
  })
  const start = bytes.length < 8 ? Number.POSITIVE_INFINITY : 8 + Number(bytes.readBigUInt64LE(0))
  let header: Record<string, unknown>
  try {
    if (start > bytes.length) throw new RangeError('the header ends beyond the file')
    header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, unknown>
  } catch (cause) {
    throw problem(path, 'it is not a safetensors file, or it is cut short', cause)
  }
  const tensors = new Map<string, Float32Tensor>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets: offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] }
    if (dtype !== 'F32') throw problem(path, `"${name}" is ${dtype}; trained values are F32`)
    const size = shape.reduce((product, dim) => product * dim, 4)
    const data = bytes.subarray(start + offsets[0], start + offsets[1])
    if (data.length !== size) throw problem(path, `"${name}" has ${data.length} bytes for [${shape}]; the file is damaged`)
    tensors.set(name, { dims: shape, data: new Float32Array(Uint8Array.from(data).buffer) })
  }
  return tensors
}

function problem(path: string, message: string, cause?: unknown): TpError {
  return new TpError('TP_WEIGHTS', 'tp', `${path}: ${message}`, { cause })
}
