import { TpError } from '@tp/core'
import type { ModelSignature, NamedTensors, TensorLike, TypedArray, ValueInfo } from '@tp/core/runtime'

/** Triton's names of element types. */
const TYPES: Readonly<Record<string, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
}

export interface TritonOptions {
  readonly name: string
  /** Class names, if they are known. */
  readonly labels: readonly string[] | undefined
  /** Most examples of a batch. */
  readonly maxBatch: number
  /** Milliseconds that a request may wait for others. */
  readonly maxWait: number
}

/** Where the class names are, next to config.pbtxt. */
export const LABELS = 'labels.txt'

/** Where the model is warmed up from: a file for each of its inputs, by position. */
export const warmupFile = (position: number): string => `input${position}`

/** Whether Triton can make batches: each input and output has a free axis in front. */
export function isBatched({ inputs, outputs }: ModelSignature): boolean {
  return [...inputs, ...outputs].every(({ dims: [first] }) => typeof first === 'string')
}

/**
 * config.pbtxt: what Triton has to know of a model.
 * @param warmup inputs of one example, batch axis included
 * @throws TpError TP_EXPORT for an element type that Triton's onnxruntime does not have
 */
export function tritonConfig(model: ModelSignature, warmup: NamedTensors, options: TritonOptions): string {
  const batched = isBatched(model)
  const { name, labels, maxBatch, maxWait } = options
  const own = <T>(dims: readonly T[]): readonly T[] => (batched ? dims.slice(1) : dims)
  const hasLabels = (output: ValueInfo): boolean => output.name === 'logits' && output.dims.at(-1) === labels?.length
  const declared = (kind: 'input' | 'output', value: ValueInfo): string[] => [
    `${kind} {`,
    `  name: ${quoted(value.name)}`,
    `  data_type: TYPE_${typeOf(value)}`,
    `  dims: [ ${own(value.dims).map((dim) => (typeof dim === 'number' ? dim : -1))} ]`,
    ...(kind === 'output' && hasLabels(value) ? [`  label_filename: "${LABELS}"`] : []),
    '}',
  ]
  const lines = [
    `name: ${quoted(name)}`,
    'backend: "onnxruntime"',
    `max_batch_size: ${batched ? maxBatch : 0}`,
    ...model.inputs.flatMap((input) => declared('input', input)),
    ...model.outputs.flatMap((output) => declared('output', output)),
    ...(batched ? [`dynamic_batching { max_queue_delay_microseconds: ${Math.round(1000 * maxWait)} }`] : []),
    'model_warmup {',
    '  name: "one example"',
    '  batch_size: 1',
    ...model.inputs.flatMap((input, i) => [
      `  inputs { key: ${quoted(input.name)} value {`,
      `    data_type: TYPE_${typeOf(input)}`,
      `    dims: [ ${own((warmup[input.name] as TensorLike).dims)} ]`,
      `    input_data_file: "${warmupFile(i)}"`,
      '  } }',
    ]),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

/** Tokens, where their number is free. */
const WARMUP_LENGTH = 16

/** An example for a model that nothing else is known of: 1 everywhere, which is a token and attends. @throws TpError TP_EXPORT */
export function warmupInputs({ inputs }: Pick<ModelSignature, 'inputs'>): NamedTensors {
  const tensors = inputs.map((input): [string, TensorLike] => {
    const { name, type } = input
    const dims = input.dims.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : WARMUP_LENGTH))
    const size = dims.reduce((product, dim) => product * dim, 1)
    if (size > 2 ** 24) throw exportError(`its input "${name}" always has ${size} elements`)
    return [name, { type, dims, data: ones(typeOf(input), size) }]
  })
  return Object.fromEntries(tensors)
}

function ones(type: string, size: number): TypedArray {
  if (type === 'INT64') return new BigInt64Array(size).fill(1n)
  if (type === 'INT32') return new Int32Array(size).fill(1)
  if (type === 'FP32') return new Float32Array(size).fill(1)
  throw exportError(`it takes inputs of ${type}; of INT64, INT32 and FP32 examples can be made`)
}

function typeOf({ name, type }: ValueInfo): string {
  const found = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (found !== undefined) return found
  throw exportError(`"${name}" is ${type}, which Triton's onnxruntime does not take or give`)
}

/** A string of protobuf's text format: bytes that are not plain are escaped. */
function quoted(text: string): string {
  const escaped = Array.from(Buffer.from(text), (byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  })
  return `"${escaped.join('')}"`
}

export function exportError(problem: string): TpError {
  return new TpError('TP_EXPORT', 'tp', `the model cannot be served by Triton: ${problem}`)
}
