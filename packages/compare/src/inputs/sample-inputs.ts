import { TpError } from '@tp/core'
import { toHalves } from '@tp/core/expression'
import { type NamedTensors, sizeOf, type TensorLike, type TypedArray } from '@tp/core/runtime'
import { Graph, type Model } from '@tp/onnx'
import { type InputRoles, type InputSizes, inputShapes } from './input-shapes.ts'

export interface SampleOptions extends InputSizes {
  /** Ends the second row, the third … ever earlier, as padding does. Default: all tokens are real. */
  readonly padded?: boolean
  readonly seed?: number
}

/**
 * Random inputs that a model can be run on: token ids that its tables have, standard normal images and sounds.
 * @throws TpError TP_INPUT where a size is fixed to another number, the type cannot be generated, or inputs are too large to be
 */
export function sampleInputs(model: Model, roles: InputRoles, options: SampleOptions): NamedTensors {
  const { padded = false, seed = 1 } = options
  const graph = new Graph(model)
  const shapes = inputShapes(model, roles, options)
  requireSmall(shapes)
  const random = randomNumbers(seed)
  return Object.fromEntries(
    graph.inputs.map(({ name, type }) => {
      const dims = shapes.get(name) as readonly number[]
      return [name, tensorOf(name, type, dims, numbersFor(name, type, dims))]
    }),
  )

  function numbersFor(name: string, type: string, dims: readonly number[]): Float64Array {
    if (name === roles.mask && roles.maskMarksPadding) return maskNumbers(dims, padded).map((real) => 1 - real)
    // Another encoder of the file has a mask of its own, known by its name only.
    if (name === roles.mask || (/mask/.test(name) && type !== 'bool' && !type.startsWith('float')))
      return maskNumbers(dims, padded)
    if (type.startsWith('float')) return fill(dims, () => normal(random))
    if (name === roles.segments) return segmentNumbers(dims)
    const rows = tableRows(graph, name)
    return fill(dims, () => Math.floor(random() * rows))
  }
}

/** Elements of all inputs together: a batch of large images has a third. */
const MOST = 2 ** 25

function requireSmall(shapes: ReadonlyMap<string, readonly number[]>): void {
  let all = 0
  for (const [name, dims] of shapes) {
    all += sizeOf(dims)
    if (all <= MOST) continue
    const reason = `with input "${name}" [${dims}] there are more than ${MOST} numbers, which are not generated`
    throw new TpError('TP_INPUT', 'tp', `${reason}; export the model with smaller inputs, or without this one`)
  }
}

/** Rows of the smallest table that an input chooses from; without a table any small number will do. */
function tableRows(graph: Graph, input: string): number {
  let least = Number.POSITIVE_INFINITY
  const seen = new Set<string>()
  const follow = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const { node, index } of graph.consumers(name)) {
      if (node.opType === 'Gather' && index === 1) {
        const rows = graph.initializer(node.input[0] ?? '')?.dims[0]
        if (rows !== undefined) least = Math.min(least, Number(rows))
      } else if (['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze'].includes(node.opType) && index === 0) {
        follow(node.output[0] as string)
      }
    }
  }
  follow(input)
  return Number.isFinite(least) ? least : 2
}

/** Pairs of which the first text is an eighth, as a query is. */
function segmentNumbers(dims: readonly number[]): Float64Array {
  const [, tokens = 1] = dims
  return fill(dims, (i) => Number(i % tokens >= Math.ceil(tokens / 8)))
}

function maskNumbers(dims: readonly number[], padded: boolean): Float64Array {
  const [, tokens = 1] = dims
  return fill(dims, (i) => {
    const [row, token] = [Math.floor(i / tokens), i % tokens]
    return token === 0 || !padded || token < tokens - ((2 * row) % tokens) ? 1 : 0
  })
}

function fill(dims: readonly number[], value: (index: number) => number): Float64Array {
  return Float64Array.from({ length: sizeOf(dims) }, (_, i) => value(i))
}

const arrays: Readonly<Record<string, (numbers: Float64Array) => TypedArray>> = {
  float16: toHalves,
  float32: (numbers) => Float32Array.from(numbers),
  float64: (numbers) => numbers,
  int8: (numbers) => Int8Array.from(numbers),
  int32: (numbers) => Int32Array.from(numbers),
  int64: (numbers) => BigInt64Array.from(numbers, BigInt),
  bool: (numbers) => Uint8Array.from(numbers),
}

/**
 * Numbers as an input takes them.
 * @throws TpError TP_INPUT for a type that cannot be generated
 */
export function tensorOf(name: string, type: string, dims: readonly number[], numbers: Float64Array): TensorLike {
  const data = arrays[type]?.(numbers)
  if (data !== undefined) return { type, dims, data }
  throw new TpError(
    'TP_INPUT',
    'compare',
    `input "${name}" is ${type}; sample inputs can be ${Object.keys(arrays).join(', ')}`,
  )
}

/** Park and Miller's minimal standard generator, 0…1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** Box–Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
}
