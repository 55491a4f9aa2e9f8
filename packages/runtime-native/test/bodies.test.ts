// Each operator of packed files by its kernel with each set of instructions, by its body in onnxruntime, and by its body in the interpreter.
import { evaluate, input, type Tensor } from '@tp/core'
import type { Attributes } from '@tp/core/expression'
import { PACKED_DOMAIN, type PackedInputs, type PackedOperator, packedOperators } from '@tp/core/packed'
import type { NamedTensors, Runtime, TensorLike } from '@tp/core/runtime'
import { createModel, createNode, emitFunction, encodeModel, Graph } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { seeded } from 'exported-encoders'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runtimeWith } from './instructions.ts'
import { describeNative } from './native.ts'

/** A call of an operator: what it is given, by name. */
interface Call {
  readonly inputs: NamedTensors
  readonly attributes: Attributes
}

/** A call with a name of its own: one node of the graph that all are in. */
interface Node {
  readonly id: string
  readonly operator: PackedOperator
  readonly call: Call
}

describeNative('a kernel and its body', () => {
  /** Those with instructions that this processor has. */
  const natives = new Map<string, Runtime>()
  beforeAll(async () => {
    for (const instructions of ['baseline', 'avx2', 'avx512']) {
      const runtime = await runtimeWith(instructions)
      if (runtime !== undefined) natives.set(instructions, runtime)
    }
  })
  afterAll(() => vi.resetModules())

  // One graph holds all operators of a kind: a session for each would take most of the time. Next to Rows, positions have to be its outputs.
  const isRows = (name: string): boolean => /^Rows(_|$)/.test(name)
  const kinds = [true, false].map((own) => [...packedOperators.values()].filter(({ name }) => isRows(name) === own))
  // Every operator in an older and a newer opset.
  const graphs = [13, 17, 18, 21].flatMap((opset, i) =>
    kinds.map((kind) => [opset, kind.filter((_, n) => n % 2 === i % 2)] as const),
  )
  test.each(graphs)('compute the same in opset %i', async (opset, operators) => {
    const nodes = operators.flatMap((operator) =>
      fc
        .sample(callOf(operator), Number(process.env.CASES ?? 1))
        .map((call, i): Node => ({ id: `${operator.name}/${i}`, operator, call })),
    )
    const model = modelOf(nodes, opset)
    const feeds = Object.fromEntries(
      nodes.flatMap(({ id, call }) => Object.entries(call.inputs).map(([role, x]) => [`${id}/${role}`, x] as const)),
    )
    const bodies = await run(nodeRuntime().load, model, feeds)
    const own = (all: NamedTensors, { id, operator }: Node): NamedTensors =>
      Object.fromEntries(operator.outputs.map((role) => [role, all[`${id}/${role}`] as TensorLike]))
    for (const node of nodes) expectClose(node, own(bodies, node), interpreted(node.operator, node.call))
    expect([...natives.keys()]).toContain('baseline')
    for (const [instructions, { load }] of natives) {
      const kernels = await run(load, model, feeds)
      for (const node of nodes) expectClose(node, own(bodies, node), own(kernels, node), instructions)
    }
  })
})

type Load = Runtime['load']

async function run(load: Load, model: Uint8Array, inputs: NamedTensors): Promise<NamedTensors> {
  await using session = await load(model, { threads: 1 })
  return await session.run(inputs)
}

function modelOf(nodes: readonly Node[], opset: number): Uint8Array {
  const model = createModel(opset)
  model.proto.irVersion = 8n
  const graph = new Graph(model)
  for (const { id, operator, call } of nodes) {
    const own = (role: string): string => `${id}/${role}`
    const unknown = (dims: readonly unknown[]): undefined[] => dims.map(() => undefined)
    for (const [role, { type, dims }] of Object.entries(call.inputs))
      graph.addInput(own(role), type as 'float32', unknown(dims))
    const [inputs, outputs] = [Object.keys(operator.inputs).map(own), operator.outputs.map(own)]
    const { attributes } = call
    graph.insert([createNode({ type: operator.name, domain: PACKED_DOMAIN, inputs, outputs, attributes })])
    for (const [i, { dtype, dims }] of expression(operator, call).results.entries())
      graph.addOutput(outputs[i] as string, dtype, unknown(dims))
  }
  graph.importOperators(PACKED_DOMAIN)
  for (const operator of new Set(nodes.map(({ operator }) => operator)))
    model.proto.functions.push(emitFunction(operator, opset))
  return encodeModel(model)
}

function expression(
  { body }: PackedOperator,
  { inputs, attributes }: Call,
): { results: Tensor[]; feeds: Map<Tensor, TensorLike> } {
  const own = Object.entries(inputs).map(
    ([role, array]) => [role, input(role, array.type as 'float32', array.dims), array] as const,
  )
  const results = body(Object.fromEntries(own) as unknown as PackedInputs, attributes)
  return { results, feeds: new Map(own.map(([, tensor, array]) => [tensor, array])) }
}

function interpreted(operator: PackedOperator, call: Call): NamedTensors {
  const { results, feeds } = expression(operator, call)
  return Object.fromEntries(evaluate(results, feeds).map((value, i) => [operator.outputs[i] as string, value]))
}

function expectClose(node: Node, actual: NamedTensors, expected: NamedTensors, by = 'interpreter'): void {
  const { operator, call } = node
  const id = `${by}: ${node.id}`
  // Products of 16-bit integers are rounded.
  const least = call.attributes.integers === 1 && by !== 'interpreter' ? 5e-3 : 1e-4
  const { outputs } = operator
  for (const role of outputs) {
    const [a, b] = [actual[role] as TensorLike, expected[role] as TensorLike]
    expect([...a.dims], id).toEqual([...b.dims])
    // A number between two steps may be rounded to either.
    const most = role === 'rounded' ? 1 : b.type === 'float32' ? least : 0
    for (const [i, x] of Array.from(a.data as Float32Array, Number).entries()) {
      const y = Number(b.data[i])
      if (x !== y)
        expect(Math.abs(x - y), `${id}/${role}[${i}]: ${x} and ${y}`).toBeLessThanOrEqual(
          most * Math.max(1, Math.abs(y)),
        )
    }
  }
}

function callOf({ name, inputs }: PackedOperator): fc.Arbitrary<Call> {
  return fc.gen().map((gen) => {
    const int = (min: number, max: number): number => gen(fc.integer, { min, max })
    /** Small fractions. */
    const float = (dims: readonly number[]): TensorLike => {
      const random = seeded(int(1, 1e6))
      const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 3 * random())
      return { type: 'float32', dims, data }
    }
    if (/Rows/.test(name) && name !== 'Rows' && name !== 'Rows_padding') return rowsCall(name, int, float, inputs)
    const batch = batchOf(int, /padding|Unpack/.test(name))
    if (name.startsWith('Rows')) return { inputs: { attended: batch.attended }, attributes: {} }
    if (/Attention/.test(name)) return attentionCall(name, int, float, batch, inputs)
    return layoutCall(name, int, batch, inputs)
  })
}

type Int = (min: number, max: number) => number

/** Mostly few; one in four times as many as fill registers, and some more. */
const sizeOf = (int: Int, few: number, many: number): number => (int(0, 3) === 0 ? int(few, many) : int(1, few))
type Float = (dims: readonly number[]) => TensorLike

interface Batch {
  readonly rows: number
  readonly length: number
  readonly attended: TensorLike
  readonly positions: TensorLike
  readonly offsets: TensorLike
  readonly tokens: number
}

/** `keeps`: the first token of padding of each row is packed, too. */
function batchOf(int: Int, keeps: boolean): Batch {
  const [rows, length] = [int(1, 4), sizeOf(int, 9, 70)]
  const is = Array.from({ length: rows }, () => {
    const always = int(0, length - 1)
    return Array.from({ length }, (_, n) => n === always || int(0, 1) === 1)
  })
  const [positions, offsets] = [[] as number[], [0]]
  for (const [b, row] of is.entries()) {
    const first = keeps ? row.indexOf(false) : -1
    row.forEach((attended, n) => {
      if (attended || n === first) positions.push(b * length + n)
    })
    offsets.push(positions.length)
  }
  return {
    rows,
    length,
    attended: { type: 'bool', dims: [rows, length], data: Uint8Array.from(is.flat(), Number) },
    positions: int64(positions),
    offsets: int64(offsets),
    tokens: positions.length,
  }
}

function int64(list: readonly number[]): TensorLike {
  return { type: 'int64', dims: [list.length], data: BigInt64Array.from(list, BigInt) }
}

function layoutCall(name: string, int: Int, batch: Batch, inputs: PackedOperator['inputs']): Call {
  const packs = name.startsWith('Pack')
  const sizes = Array.from({ length: int(0, 2) }, () => int(1, 3))
  const [before, between] = [
    Array.from({ length: int(0, 1) }, () => int(1, 3)),
    Array.from({ length: int(0, 1) }, () => int(1, 3)),
  ]
  const folded = int(1, 3)
  const shared = packs && int(0, 3) === 0
  const isFlat = name.includes('Flat')
  const rows = packs ? (shared ? folded : batch.rows * folded) : folded
  const dims = isFlat
    ? [packs ? batch.rows * batch.length : batch.tokens, ...sizes]
    : [...before, rows, ...between, packs ? batch.length : batch.tokens, ...sizes]
  const layout = { rows: before.length, axis: before.length + 1 + between.length, folded }
  const own = { positions: batch.positions, ...('attended' in inputs && { attended: batch.attended }) }
  return { inputs: { x: anyOf(inputs.x ?? 'float32', dims), ...own }, attributes: isFlat ? {} : layout }
}

function anyOf(type: string, dims: readonly number[]): TensorLike {
  const size = dims.reduce((a, b) => a * b, 1)
  const list = Array.from({ length: size }, (_, i) => (type === 'bool' ? i % 2 : 1 + (i % 97)))
  const data = {
    float32: () => Float32Array.from(list),
    float64: () => Float64Array.from(list),
    // Halves from 1 on.
    float16: () => Uint16Array.from(list, (x) => 0x3c00 + x),
    bool: () => Uint8Array.from(list),
    int8: () => Int8Array.from(list),
    uint8: () => Uint8Array.from(list),
    int32: () => Int32Array.from(list),
    int64: () => BigInt64Array.from(list, BigInt),
  }[type]
  if (data === undefined) throw new Error(`no contents of type ${type}`)
  return { type, dims, data: data() }
}

/** A shape in which the axes of `last` (the last of them) are those of `to`, before `perm` puts them there. */
function turned(int: Int, to: readonly number[]): { dims: number[]; perm: number[] } {
  const perm =
    to.length === 3
      ? ([
          [0, 1, 2],
          [1, 0, 2],
          [0, 2, 1],
        ][int(0, 2)] as number[])
      : ([
          [0, 1, 2, 3],
          [0, 2, 1, 3],
          [0, 1, 3, 2],
        ][int(0, 2)] as number[])
  const dims: number[] = []
  perm.forEach((axis, i) => {
    dims[axis] = to[i] as number
  })
  return { dims, perm }
}

function attentionCall(name: string, int: Int, float: Float, batch: Batch, inputs: PackedOperator['inputs']): Call {
  const isBatch = name.startsWith('Batch')
  const [heads, dim, valueDim, keys] = [int(1, 3), sizeOf(int, 5, 80), sizeOf(int, 5, 80), sizeOf(int, 6, 70)]
  const isFour = isBatch || name.includes('received') || int(0, 1) === 1
  const lead = isBatch ? [batch.rows, heads] : isFour ? [1, heads] : [heads]
  const tokens = isBatch ? keys : batch.tokens
  const query = turned(int, [...lead, isBatch ? int(1, keys) : tokens, dim])
  const key = turned(int, [...lead, dim, tokens])
  const value = turned(int, [...lead, tokens, valueDim])
  const contextPerm = isFour
    ? ([
        [0, 1, 2, 3],
        [0, 2, 1, 3],
      ][int(0, 1)] as number[])
    : ([
        [0, 1, 2],
        [1, 0, 2],
      ][int(0, 1)] as number[])
  const all: Record<string, TensorLike> = {
    query: float(query.dims),
    key: float(key.dims),
    value: float(value.dims),
    offsets: batch.offsets,
    keyBias: float([isBatch ? ([1, batch.rows][int(0, 1)] as number) : 1, tokens]),
    bias: float([[1, batch.rows][int(0, 1)] as number, [1, heads][int(0, 1)] as number, batch.length, batch.length]),
    positions: batch.positions,
    queryWeights: float([1, tokens]),
  }
  // Some keys are hidden; of a row with one token, all.
  for (const name of ['keyBias', 'bias']) {
    const data = all[name]?.data as Float32Array
    if (int(0, 1) === 1) for (let i = 0; i < data.length; i += int(1, 5)) data[i] = Number.NEGATIVE_INFINITY
  }
  const own = Object.keys(inputs).map((role) => [role, all[role] as TensorLike])
  const perms = { queryPerm: query.perm, keyPerm: key.perm, valuePerm: value.perm, contextPerm }
  return { inputs: Object.fromEntries(own), attributes: { scale: 0.37, ...perms, integers: int(0, 1) } }
}

function rowsCall(name: string, int: Int, float: Float, inputs: PackedOperator['inputs']): Call {
  const columns = sizeOf(int, 40, 400)
  const dims = [...Array.from({ length: int(0, 2) }, () => int(1, 4)), columns]
  const row = [...dims.slice(0, -1), 1]
  const of = (role: string): TensorLike => {
    if (role === 'x' || role === 'residual') return float(dims)
    return float(role === 'scale' ? row : [columns])
  }
  const own = Object.keys(inputs).map((role) => [role, of(role)])
  const rounding = {
    steps: 127,
    zero: 128,
    ...(name.includes('least') && { least: int(0, 1) }),
    ...('normGain' in inputs && { epsilon: 1e-5 }),
  }
  return { inputs: Object.fromEntries(own), attributes: name.startsWith('ScaleRows') ? {} : rounding }
}
