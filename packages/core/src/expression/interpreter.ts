import { type DType, sizeOf, type TensorLike, type TypedArray } from '../array.ts'
import { TpError } from '../errors.ts'
import { checkHeld, sizeToFill } from '../ops/memory.ts'
import { isFloat } from '../ops/operands.ts'
import { type Dim, isUnknown, substituteDim } from './dim.ts'
import { fromHalves, toHalves } from './half.ts'
import type { KernelContext, Value } from './tensor.ts'
import { type Node, ShapeProblem, type Tensor } from './tensor.ts'

/** Inputs: by tensor (any tensor of the expression; what it depends on is not computed), or by the names of its `input`s. */
export type EvaluateFeeds = ReadonlyMap<Tensor, TensorLike> | Readonly<Record<string, TensorLike>>

export interface InterpreterOptions {
  /**
   * float32 (default) rounds after every op, like a runtime (halves, too, are held in single precision until
   * the end). float64 is the oracle: every float, of whatever type, is held and returned as float64.
   */
  readonly precision?: 'float32' | 'float64'
}

/**
 * Computes expressions in plain TypeScript. Integers come back as their ONNX type (int64 in a BigInt64Array, bool in a
 * Uint8Array), floats as the precision says.
 *
 * @throws TpError TP_INPUT for a missing or wrong feed, TP_NO_KERNEL for an op it cannot compute, TP_EVALUATE when the
 * data do not fit (an index outside its axis)
 */
export function evaluate(outputs: readonly Tensor[], feeds: EvaluateFeeds, options?: InterpreterOptions): TensorLike[]
export function evaluate<K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  feeds: EvaluateFeeds,
  options?: InterpreterOptions,
): Record<K, TensorLike>
export function evaluate(
  outputs: readonly Tensor[] | Readonly<Record<string, Tensor>>,
  feeds: EvaluateFeeds,
  { precision = 'float32' }: InterpreterOptions = {},
): TensorLike[] | Record<string, TensorLike> {
  if (Array.isArray(outputs)) return compute(outputs, feeds, precision)
  const names = Object.keys(outputs)
  const results = compute(Object.values(outputs), feeds, precision)
  return Object.fromEntries(names.map((name, i) => [name, results[i] as TensorLike]))
}

function compute(outputs: readonly Tensor[], feeds: EvaluateFeeds, precision: 'float32' | 'float64'): TensorLike[] {
  const fed: ReadonlyMap<Tensor, TensorLike> = feeds instanceof Map ? feeds : new Map()
  const named: Readonly<Record<string, TensorLike>> = feeds instanceof Map ? {} : (feeds as Record<string, TensorLike>)
  const sizes = new Map<string, number>()
  const values = new Map<Tensor, Value>()
  for (const [tensor, array] of fed) {
    checkFeed(tensor, array, sizes)
    values.set(tensor, toValue(array, precision))
  }
  const inputOf = (node: Node): Value | undefined => {
    const name = node.attributes.name as string
    const array = Object.hasOwn(named, name) ? named[name] : undefined
    const [tensor] = node.op.infer([], node.attributes)
    if (array === undefined || tensor === undefined) return undefined
    checkShape(name, tensor.dtype, tensor.dims, array, sizes)
    return toValue(array, precision)
  }
  const results = computeValues(outputs, values, contextOf(precision), inputOf)
  return results.map((value) => toTensorLike(value, precision))
}

/** `inputOf`: the values of placeholders that were not given. */
function computeValues(
  outputs: readonly Tensor[],
  feeds: ReadonlyMap<Tensor, Value>,
  context: KernelContext,
  inputOf: (node: Node) => Value | undefined,
): Value[] {
  const fed = new Map<Node, Map<number, Value>>()
  for (const [{ node, output }, value] of feeds) fed.set(node, (fed.get(node) ?? new Map()).set(output, value))
  const results = new Map<Node, readonly Value[]>()
  const resultOf = (tensor: Tensor): Value | undefined =>
    fed.get(tensor.node)?.get(tensor.output) ?? results.get(tensor.node)?.[tensor.output]
  const { order, uses } = schedule(outputs, (tensor) => fed.get(tensor.node)?.has(tensor.output) === true)
  let held = 0
  for (const node of order) {
    const value = node.op.name === 'Input' ? inputOf(node) : undefined
    if (value !== undefined) {
      results.set(node, [value])
      held += elementsOf([value])
      continue
    }
    const inputs = node.inputs.map((input) => input && resultOf(input))
    const computed = runNode(node, inputs, context, held)
    results.set(node, computed)
    held += elementsOf(computed)
    for (const input of node.inputs) {
      if (input === undefined) continue
      const left = (uses.get(input.node) ?? 0) - 1
      uses.set(input.node, left)
      if (left > 0) continue
      held -= elementsOf(results.get(input.node) ?? [])
      results.delete(input.node)
    }
  }
  return outputs.map((tensor) => resultOf(tensor) as Value)
}

/** Nodes to run, each after those it needs, and how often each one's results are read (outputs count, too). */
function schedule(
  outputs: readonly Tensor[],
  isFed: (tensor: Tensor) => boolean,
): { order: Node[]; uses: Map<Node, number> } {
  const order: Node[] = []
  const uses = new Map<Node, number>()
  const seen = new Set<Node>()
  const stack: { node: Node; next: number }[] = []
  const visit = (tensor: Tensor): void => {
    uses.set(tensor.node, (uses.get(tensor.node) ?? 0) + 1)
    if (seen.has(tensor.node) || isFed(tensor)) return
    seen.add(tensor.node)
    stack.push({ node: tensor.node, next: 0 })
  }
  for (const output of outputs) {
    visit(output)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (top.next === top.node.inputs.length) {
        order.push(top.node)
        stack.pop()
        continue
      }
      const input = top.node.inputs[top.next]
      top.next += 1
      if (input !== undefined) visit(input)
    }
  }
  return { order, uses }
}

function elementsOf(values: readonly Value[]): number {
  return values.reduce((sum, { data }) => sum + data.length, 0)
}

function runNode(
  node: Node,
  inputs: readonly (Value | undefined)[],
  context: KernelContext,
  held: number,
): readonly Value[] {
  try {
    checkHeld(held)
    return node.op.run(inputs, node.attributes, context)
  } catch (cause) {
    if (!(cause instanceof ShapeProblem)) throw cause
    const shapes = inputs.map((input) => (input ? `${input.dtype}[${input.dims}]` : 'none')).join(', ')
    throw new TpError('TP_EVALUATE', 'core', `${node.op.name}(${shapes}): ${cause.message}`)
  }
}

function contextOf(precision: 'float32' | 'float64'): KernelContext {
  const context: KernelContext = {
    zeros(dtype, dims) {
      const single = precision === 'float32' && (dtype === 'float32' || dtype === 'float16')
      const size = sizeToFill(dims)
      return { dtype, dims, data: single ? new Float32Array(size) : new Float64Array(size) }
    },
    compute: (outputs, feeds) => computeValues(outputs, feeds, context, () => undefined),
  }
  return context
}

function checkFeed(tensor: Tensor, array: TensorLike, sizes: Map<string, number>): void {
  const { name } = tensor.node.attributes
  const label = typeof name === 'string' ? name : `the result of ${tensor.node.op.name}`
  checkShape(label, tensor.dtype, tensor.hasShape ? tensor.dims : undefined, array, sizes)
}

function checkShape(
  name: string,
  dtype: DType,
  dims: readonly Dim[] | undefined,
  array: TensorLike,
  sizes: Map<string, number>,
): void {
  const fits = array.type === dtype || (isFloat(dtype) && (array.type === 'float32' || array.type === 'float64'))
  if (!fits) throw new TpError('TP_INPUT', 'core', `${name} is ${array.type}; it must be ${dtype}`)
  if (array.data.length !== sizeOf(array.dims)) {
    throw new TpError('TP_INPUT', 'core', `${name} has ${array.data.length} elements for shape [${array.dims}]`)
  }
  if (dims === undefined) return
  const wrong =
    dims.length !== array.dims.length || dims.some((dim, axis) => !agrees(dim, array.dims[axis] as number, sizes))
  if (wrong) throw new TpError('TP_INPUT', 'core', `${name} has shape [${array.dims}]; it must be [${dims}]`)
}

function agrees(dim: Dim, size: number, sizes: Map<string, number>): boolean {
  if (isUnknown(dim)) return true
  const known = substituteDim(dim, sizes)
  if (typeof known === 'number') return known === size
  // a bare name that appears for the first time gets its size here
  if (known === dim && /^[A-Za-z_]\w*$/.test(dim)) sizes.set(dim, size)
  return true
}

function toValue({ type, dims, data }: TensorLike, precision: 'float32' | 'float64'): Value {
  const dtype = type as DType
  const double = precision === 'float64' || !(dtype === 'float32' || dtype === 'float16')
  if (dtype === 'float16') {
    const numbers = fromHalves(data as Uint16Array)
    return { dtype, dims, data: double ? Float64Array.from(numbers) : numbers }
  }
  if (data instanceof (double ? Float64Array : Float32Array)) return { dtype, dims, data }
  return { dtype, dims, data: Float64Array.from(data as ArrayLike<number>, Number) }
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const

function toTensorLike({ dtype, dims, data }: Value, precision: 'float32' | 'float64'): TensorLike {
  if (isFloat(dtype) && precision === 'float64') return { type: 'float64', dims, data: Float64Array.from(data) }
  return { type: dtype, dims, data: typed(dtype, data) }
}

function typed(dtype: DType, data: Float32Array | Float64Array): TypedArray {
  if (dtype === 'int64') return BigInt64Array.from(data as Iterable<number> as Iterable<never>, BigInt)
  if (dtype === 'uint64') return BigUint64Array.from(data as Iterable<number> as Iterable<never>, BigInt)
  if (dtype === 'float16') return toHalves(data)
  if (dtype === 'string') throw new TpError('TP_EVALUATE', 'core', 'the interpreter does not hold strings')
  return arrays[dtype].from(data)
}
