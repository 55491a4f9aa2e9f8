import { createHash } from 'node:crypto'
import type { NamedTensors, Runtime, Session, SessionOptions, TensorLike, TypedArray } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'

/** Outputs of one example, by name: its row of each. */
type RowOutputs = Readonly<Record<string, Pick<TensorLike, 'type' | 'dims' | 'data'>>>

/**
 * Loads models whose answers to examples are remembered, so that many searches on parts of one pool cost little more than one. Models on
 * other runtimes than the given one, which are timed, are loaded as they are.
 */
export function remembering(runtime: Runtime) {
  const byModel = new Map<string, Map<string, RowOutputs>>()
  return async (own: Runtime, model: Model, options: SessionOptions): Promise<Session> => {
    const bytes = encodeModel(model)
    const session = await own.load(bytes, options)
    if (own !== runtime) return session
    const key = createHash('sha1').update(bytes).digest('hex')
    const known = byModel.get(key) ?? new Map<string, RowOutputs>()
    byModel.set(key, known)
    const run: Session['run'] = async (inputs, runOptions) => {
      const rows = rowKeys(inputs)
      const found = rows.map((row) => known.get(row))
      if (found.every((row) => row !== undefined)) return joined(found)
      const outputs = await session.run(inputs, runOptions)
      for (const [i, row] of rows.entries()) {
        const parts = rowOf(outputs, rows.length, i)
        if (parts !== undefined) known.set(row, parts)
      }
      return outputs
    }
    return { ...session, run }
  }
}

/** Keys that tell examples of a batch apart: their values without padding at the end, which no answer depends on. */
function rowKeys(inputs: NamedTensors): string[] {
  const tensors = Object.entries(inputs)
  const [, first] = tensors[0] as [string, TensorLike]
  const mask = inputs.attention_mask
  return Array.from({ length: first.dims[0] ?? 0 }, (_, row) => {
    const hash = createHash('sha1')
    const width = mask === undefined ? undefined : attended(rowData(mask, row))
    for (const [name, tensor] of tensors) {
      const data = rowData(tensor, row)
      const own = tensor.dims.length === 2 && width !== undefined ? data.subarray(0, width) : data
      hash.update(name).update(new Uint8Array(own.buffer, own.byteOffset, own.byteLength))
    }
    return hash.digest('base64')
  })
}

function attended(mask: TypedArray): number {
  let width = mask.length
  while (width > 0 && Number(mask[width - 1]) === 0) width--
  return width
}

function rowData({ dims, data }: TensorLike, row: number): TypedArray {
  const size = data.length / (dims[0] ?? 1)
  return (data as Float32Array).subarray(row * size, (row + 1) * size)
}

/** @returns undefined where an output has an axis besides examples and values: padding would be part of it */
function rowOf(outputs: NamedTensors, rows: number, row: number): RowOutputs | undefined {
  const parts: Record<string, RowOutputs[string]> = {}
  for (const [name, output] of Object.entries(outputs)) {
    if (output.dims.length > 2 || output.dims[0] !== rows) return undefined
    parts[name] = { type: output.type, dims: output.dims, data: rowData(output, row).slice() }
  }
  return parts
}

function joined(rows: readonly RowOutputs[]): NamedTensors {
  const [first = {}] = rows
  const entries = Object.entries(first).map(([name, { type, dims, data }]) => {
    const all = new (data.constructor as Float32ArrayConstructor)(data.length * rows.length)
    for (const [i, row] of rows.entries()) all.set(row[name]?.data as Float32Array, i * data.length)
    return [name, { type, dims: [rows.length, ...dims.slice(1)], data: all }]
  })
  return Object.fromEntries(entries)
}
