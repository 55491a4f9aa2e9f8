import {
  cloneModel,
  createNode,
  encodeModel,
  type GraphProto,
  type Model,
  type NodeProto,
  type TensorProto,
} from '@tp/onnx'
import { type Chance, chance } from './chance.ts'

/** Mutations of a file, with random choices. */
const ofBytes: Readonly<Record<string, (bytes: Uint8Array, by: Chance) => Uint8Array>> = {
  'a byte is another': (bytes, by) => bytes.with(by.below(bytes.length), by.below(256)),
  'a byte of the nodes is another': (bytes, by) => bytes.with(by.below(Math.ceil(bytes.length / 3)), by.below(256)),
  'several bytes are others': (bytes, by) => {
    const copy = bytes.slice()
    for (let i = 0; i < 2 + by.below(30); i++) copy[by.below(copy.length)] = by.below(256)
    return copy
  },
  'bytes are missing': (bytes, by) => {
    const at = by.below(bytes.length)
    const end = at + 1 + by.below(40)
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)])
  },
  'the end is missing': (bytes, by) => bytes.slice(0, by.below(bytes.length)),
}

type SpoilGraph = (graph: GraphProto, by: Chance, model: Model) => void

/** Whole numbers that sizes and indices are not: negative, huge, or off by little. */
const oddIntegers = [-9, -2, -1, 0, 1, 2, 3, 5, 7, 64, 1000, 2 ** 31, 2 ** 40, 2 ** 62]

const ofGraphs: Readonly<Record<string, SpoilGraph>> = {
  'a node is missing': ({ node }, by) => void node.splice(by.below(node.length), 1),
  'several nodes are missing': ({ node }, by) => {
    for (let i = 0; i < 2 + by.below(4); i++) node.splice(by.below(node.length), 1)
  },
  'a node is there twice': ({ node }, by) => void node.splice(by.below(node.length), 0, by.pick(node)),
  'two nodes change places': ({ node }, by) => {
    const [a, b] = [by.below(node.length), by.below(node.length)]
    const moved = node[a] as NodeProto
    node[a] = node[b] as NodeProto
    node[b] = moved
  },
  'an operator is another one': ({ node }, by) => {
    by.pick(node).opType = by.pick([...new Set(node.map(({ opType }) => opType)), 'TopK', 'Loop', 'Unknown'])
  },
  'an operator does nothing': ({ node }, by) => {
    by.pick(node).opType = 'Identity'
  },
  'a domain is foreign': ({ node }, by) => {
    by.pick(node).domain = by.pick(['somebody.else', 'com.microsoft'])
  },
  'an input is another value': ({ node, initializer, input }, by) => {
    const reader = withInputs(node, by)
    const values = [...node.flatMap(({ output }) => output), ...initializer.map(nameOf), ...input.map(nameOf)]
    reader.input[by.below(reader.input.length)] = by.pick(values)
  },
  'an input is an earlier value': ({ node }, by) => {
    const reader = withInputs(node, by)
    const before = node.slice(0, node.indexOf(reader)).flatMap(({ output }) => output)
    if (before.length > 0) reader.input[by.below(reader.input.length)] = by.pick(before)
  },
  'inputs change places': ({ node }, by) => void withInputs(node, by).input.reverse(),
  'an input is missing': ({ node }, by) => {
    const { input } = withInputs(node, by)
    input.splice(by.below(input.length), 1)
  },
  'an input has no name': ({ node }, by) => {
    const { input } = withInputs(node, by)
    input[by.below(input.length)] = ''
  },
  'two values have one name': ({ node }, by) => {
    by.pick(node).output[0] = by.pick(node).output[0] as string
  },
  'attributes are missing': ({ node }, by) => {
    withAttributes(node, by).attribute = []
  },
  'an attribute is another': ({ node }, by) => {
    const entry = by.pick(withAttributes(node, by).attribute)
    const odd = BigInt(by.pick(oddIntegers))
    if (entry.ints.length > 0) entry.ints[by.below(entry.ints.length)] = odd
    else if (entry.floats.length > 0) entry.floats[by.below(entry.floats.length)] = by.pick([Number.NaN, -1, 1e30])
    else if (entry.t !== undefined) spoilNumbers(entry.t, by)
    else if (entry.f !== 0) entry.f = by.pick([Number.NaN, -1, 0, 1e30])
    else entry.i = odd
  },
  'an attribute has another name or kind': ({ node }, by) => {
    const entry = by.pick(withAttributes(node, by).attribute)
    if (by.below(2) === 0) entry.name = by.pick(['axis', 'axes', 'perm', 'to', 'value', 'keepdims'])
    else entry.type = by.below(14)
  },
  'a weight is missing': ({ initializer }, by) => void initializer.splice(by.below(initializer.length), 1),
  'a weight has another shape': ({ initializer }, by) => {
    if (initializer.length === 0) return
    const weight = by.pick(initializer)
    const change = by.below(4)
    if (change === 0) weight.dims.reverse()
    else if (change === 1) weight.dims = [1n, ...weight.dims]
    else if (change === 2) weight.dims.pop()
    else weight.dims[by.below(weight.dims.length)] = BigInt(by.pick(oddIntegers))
  },
  'a weight has another type': ({ initializer }, by) => {
    if (initializer.length > 0) by.pick(initializer).dataType = by.below(24)
  },
  'a whole number among the constants is another': (graph, by) => {
    const inNodes = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []))
    const whole = [...graph.initializer, ...inNodes].filter(({ dataType }) => dataType === 7 || dataType === 6)
    if (whole.length > 0) spoilNumbers(by.pick(whole), by)
  },
  'a declared size is another': ({ input, output, valueInfo }, by) => {
    const shape = shapeOf(by.pick([...input, ...input, ...output, ...valueInfo]))
    if (shape === undefined || shape.dim.length === 0) return
    const dim = by.pick(shape.dim)
    dim.value =
      by.below(2) === 0
        ? { case: 'dimValue', value: BigInt(by.pick(oddIntegers)) }
        : { case: 'dimParam', value: by.pick(['', 'n', 'batch']) }
  },
  'a declared shape has more or fewer axes': ({ input, output }, by) => {
    const dims = shapeOf(by.pick([...input, ...output]))?.dim
    if (by.below(2) === 0) dims?.pop()
    else dims?.push(...dims.slice(0, 1))
  },
  'inputs have no shapes': ({ input }) => {
    for (const { type } of input) if (type?.value.case === 'tensorType') delete type.value.value.shape
  },
  'all sizes have one name': ({ input }) => {
    for (const info of input) for (const dim of shapeOf(info)?.dim ?? []) dim.value = { case: 'dimParam', value: 'n' }
  },
  'a declared type is another': ({ input, output }, by) => {
    const { type } = by.pick([...input, ...output])
    if (type?.value.case === 'tensorType') type.value.value.elemType = by.below(24)
  },
  'an input or output is missing': ({ input, output }, by) => {
    const list = by.below(2) === 0 ? input : output
    list.splice(by.below(list.length), 1)
  },
  'a value in between is an output': ({ node, output }, by) => {
    const first = output[0]
    if (first !== undefined) first.name = by.pick(node).output[0] as string
  },
  'a name is one of JavaScript': (graph, by) => rename(graph, by, by.pick(ownNames)),
  'a size is computed that grows without bound': (graph, by) => grow(graph, by, by.pick(['Mul', 'Add', 'Sub', 'Max'])),
  'a list is doubled again and again': (graph, by) => grow(graph, by, 'Concat'),
  'a chain is long': (graph, by) => grow(graph, by, by.pick(['Identity', 'Neg', 'Cast'])),
  'many ways lead to a value': (graph, by) => {
    const reader = withInputs(graph.node, by)
    const at = by.below(reader.input.length)
    const from = reader.input[at] as string
    if (from === '') return
    const nodes = chainOf(graph, by.pick(['Mul', 'Add', 'Max', 'Where']), from, 60)
    reader.input[at] = nodes.at(-1)?.output[0] as string
    graph.node.splice(graph.node.indexOf(reader), 0, ...nodes)
  },
  'the opset is another': (_, by, { proto }) => {
    const entry = by.pick(proto.opsetImport)
    if (entry !== undefined) entry.version = BigInt(by.pick([-1, 0, 1, 6, 9, 12, 13, 17, 21, 24, 99]))
  },
}

/** How a file can be spoiled. */
export const mutationNames: readonly string[] = [...Object.keys(ofBytes), ...Object.keys(ofGraphs)]

/** A spoilt copy of a file, the same for the same seed. */
export function mutant(model: Model, mutation: string, seed: number): Uint8Array {
  const by = chance(seed)
  const spoilBytes = ofBytes[mutation]
  if (spoilBytes !== undefined) return spoilBytes(encodeModel(model), by)
  const copy = cloneModel(model)
  const graph = copy.proto.graph as GraphProto
  // initializers and attributes are shared with the original until here
  ofGraphs[mutation]?.(graph, by, copy)
  return encodeModel(copy)
}

/** Names of properties that every object of JavaScript has. */
const ownNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'] as const

/** Gives a value, a node, an operator, a domain, an attribute or a size another name, wherever it is read. */
function rename(graph: GraphProto, by: Chance, name: string): void {
  const { node, input, output, initializer } = graph
  const some = by.pick(node)
  const attribute = by.pick(some.attribute)
  const changes = [
    () => renameValue(graph, by.pick([...input, ...output, ...initializer]).name, name),
    () => renameValue(graph, by.pick(some.output), name),
    () => void Object.assign(some, { [by.pick(['name', 'opType', 'domain'])]: name }),
    () => void (attribute && Object.assign(attribute, { name })),
    () => {
      for (const dim of input.flatMap((info) => shapeOf(info)?.dim ?? []).filter(() => by.below(2) === 0))
        dim.value = { case: 'dimParam', value: name }
    },
  ]
  by.pick(changes)()
}

function renameValue({ node, input, output, initializer, valueInfo }: GraphProto, from: string, to: string): void {
  const now = (name: string): string => (name === from ? to : name)
  for (const each of node) {
    each.input = each.input.map(now)
    each.output = each.output.map(now)
  }
  for (const each of [...input, ...output, ...initializer, ...valueInfo]) each.name = now(each.name)
}

/** Lets an output be computed from a size of an input, by an operator on its own result again and again. */
function grow(graph: GraphProto, by: Chance, opType: string): void {
  const [first] = graph.input
  const [result] = graph.output
  if (first === undefined || result === undefined) return
  const shape = createNode({ type: 'Shape', inputs: [first.name], outputs: ['grown/shape'] })
  const nodes = chainOf(graph, opType, 'grown/shape', 20 + by.below(60))
  graph.node.push(shape, ...nodes)
  const last = by.pick(nodes).output[0] as string
  graph.output.push(Object.assign(Object.create(Object.getPrototypeOf(result)), result, { name: last }))
}

function chainOf(graph: GraphProto, opType: string, from: string, count: number): NodeProto[] {
  const prefix = `grown/${graph.node.length}`
  return Array.from({ length: count }, (_, i) => {
    const before = i === 0 ? from : `${prefix}/${i - 1}`
    const inputs = opType === 'Identity' || opType === 'Neg' || opType === 'Cast' ? [before] : [before, before]
    const attributes = opType === 'Concat' ? { axis: 0 } : opType === 'Cast' ? { to: 7 } : {}
    if (opType === 'Where') inputs.push(before)
    return createNode({ type: opType, inputs, outputs: [`${prefix}/${i}`], attributes })
  })
}

const nameOf = ({ name }: { readonly name: string }): string => name

function withInputs(nodes: readonly NodeProto[], by: Chance): NodeProto {
  return by.pick(nodes.filter(({ input }) => input.length > 0))
}

function withAttributes(nodes: readonly NodeProto[], by: Chance): NodeProto {
  return by.pick(nodes.filter(({ attribute }) => attribute.length > 0))
}

function shapeOf({ type }: GraphProto['input'][number]): { dim: { value: unknown }[] } | undefined {
  return type?.value.case === 'tensorType' ? type.value.value.shape : undefined
}

/** Puts an odd number somewhere into a tensor of whole numbers. */
function spoilNumbers(tensor: TensorProto, by: Chance): void {
  const odd = BigInt(by.pick(oddIntegers))
  const size = tensor.dataType === 7 ? 8 : 4
  if (tensor.rawData.length >= size) {
    tensor.rawData = tensor.rawData.slice()
    const view = new DataView(tensor.rawData.buffer)
    const at = by.below(Math.floor(tensor.rawData.length / size)) * size
    if (size === 8) view.setBigInt64(at, odd, true)
    else view.setInt32(at, Number(BigInt.asIntN(32, odd)), true)
  } else if (tensor.int64Data.length > 0) tensor.int64Data[by.below(tensor.int64Data.length)] = odd
  else if (tensor.int32Data.length > 0)
    tensor.int32Data[by.below(tensor.int32Data.length)] = Number(BigInt.asIntN(32, odd))
}
