import { type DType, input, isTpError, type Tensor } from '@tp/core'
import { createNode, type DeclaredValue, type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import type { FusedNode, Meaning, Meant } from '../operators/fused/fused-operator.ts'
import { operatorOf } from '../operators/traits.ts'
import type { Named, Program, WriteOptions } from '../program/program.ts'
import type { Expansion, Port, Source } from './expansion.ts'
import type { NormalizePass } from './normalize-pass.ts'

/** Writes every operator that does the work of many out in plain ones. {@link foldBack} puts them back. */
export const writeOutFused: NormalizePass = {
  name: 'write out fused operators',
  run(opened) {
    const expansions = unfuse(opened.program)
    opened.expansions.push(...(expansions ?? []))
    return expansions !== undefined
  },
}

/**
 * Writes fused operators out, in place. Values keep their names, and weights are not touched; what the file holds is only
 * known better afterwards. Undefined if there are none; else what {@link foldBack} needs.
 */
export function unfuse(program: Program): Expansion[] | undefined {
  const { graph } = program
  const fused = new Set(graph.nodes.filter((node) => meaningOf(node) !== undefined))
  if (fused.size === 0) return undefined
  graph.sortTopologically()
  const shared = new SharedValues(program)
  const expansions = graph.nodes
    .filter((node) => fused.has(node))
    .flatMap((node) => writeOut(program, node, shared) ?? [])
  graph.removeDeadNodes()
  return expansions
}

function meaningOf(node: NodeProto): Meaning | undefined {
  return operatorOf(node)?.meaning
}

function writeOut(program: Program, node: NodeProto, shared: SharedValues): Expansion | undefined {
  const { graph } = program
  const meaning = meaningOf(node)
  const attributes = readAttributes(node)
  if (meaning === undefined || attributes === undefined) return undefined
  const names = new Map<Tensor, string>()
  const placeholders = new Map<string, Tensor>()
  const value = (name: string): Tensor => {
    const known = program.tensor(name)
    const placeholder = placeholders.get(name) ?? input(name, known.dtype, known.hasShape ? known.dims : undefined)
    placeholders.set(name, placeholder)
    names.set(placeholder, name)
    // Small weights whose contents are known would become other constants, and be gone when the node is folded back.
    if (graph.initializer(name) !== undefined) program.setTensor(name, placeholder)
    return placeholder
  }
  const ports = new Map<string, Port>()
  for (const name of new Set(node.input.filter((name) => name !== ''))) {
    ports.set(name, { indices: node.input.flatMap((other, index) => (other === name ? [index] : [])) })
  }
  const prefix = node.name || (node.output[0] as string)
  const [first, second] = node.input
  const meant = meantBy(meaning, {
    inputs: node.input.map((name) => (name === '' ? undefined : value(name))),
    names: node.input,
    attributes,
    isUsed: (index) => graph.isUsed(node.output[index] ?? ''),
    firstBuildsOnSecond: first !== undefined && second !== undefined && program.before(first).has(second),
    shared: (key, expression, restored) => {
      const name = shared.write(key, expression, names, { prefix, before: node })
      ports.set(name, { restored })
      return value(name)
    },
  })
  const used = node.output.flatMap((name, index) =>
    graph.isUsed(name) ? [{ name, tensor: meant?.outputs[index] }] : [],
  )
  if (meant === undefined || used.some(({ tensor }) => tensor === undefined)) return undefined

  const before = new Set(graph.nodes)
  const { exposed = [], rowwise = [] } = meant
  const scores = meant.scores === undefined ? [] : [meant.scores]
  const within = [...exposed, ...rowwise, ...scores].map(({ value }) => value)
  const values = [...used.map(({ tensor }) => tensor as Tensor), ...within]
  const written = program.writeAll(values, names, { prefix, before: node })
  const sources = written.map(({ name }) => graph.producer(name))
  const declared = node.output.map((name) => graph.valueInfo(name))
  const at = graph.nodes[graph.nodes.indexOf(node) + 1]
  graph.remove(node)
  for (const [i, { name }] of used.entries()) {
    const own = (written[i] as Named).name
    const producer = sources[i]
    if (producer === undefined || before.has(producer) || node.output.includes(own)) {
      const copy = createNode({
        type: 'Identity',
        name: graph.uniqueName(`${prefix}/Identity`),
        inputs: [own],
        outputs: [name],
      })
      graph.insert([copy], at)
    } else {
      graph.renameOutput(producer, producer.output.indexOf(own), name)
    }
  }
  for (const info of declared) redeclare(program, info)
  const nodes = graph.nodes.filter((candidate) => !before.has(candidate))
  const outputs = new Map(used.map(({ name }) => [node.output.indexOf(name), sourceOf(graph, name)]))
  const inner = <T>(all: readonly T[], from: number): (T & { readonly source: Source })[] =>
    all.flatMap((each, i) => {
      const { name } = written[from + i] as Named
      const producer = graph.producer(name)
      return producer === undefined || before.has(producer) ? [] : [{ ...each, source: sourceOf(graph, name) }]
    })
  return {
    node,
    nodes,
    inputs: new Map(nodes.map((each) => [each, [...each.input]])),
    outputs,
    ports,
    exposed: inner(exposed, used.length),
    rowwise: inner(rowwise, used.length + exposed.length),
    scores: inner(scores, used.length + exposed.length + rowwise.length)[0],
    fitted: meant.fitted,
  }
}

/** The meaning of a node; nothing where its operands do not fit by what is known of their sizes, as with nodes that are read. */
function meantBy(meaning: Meaning, node: FusedNode): Meant | undefined {
  try {
    return meaning(node)
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_SHAPE') return undefined
    throw error
  }
}

function sourceOf(graph: Graph, name: string): Source {
  const producer = graph.producer(name) as NodeProto
  return { node: producer, index: producer.output.indexOf(name) }
}

/** Says again of a value what the file said of it before its node was replaced. */
export function redeclare({ graph }: Program, declared: DeclaredValue | undefined): void {
  const { name, type, dims } = declared ?? { name: '', type: '', dims: undefined }
  if (dims === undefined || type === '' || graph.isOutput(name) || graph.producer(name) === undefined) return
  const sizes = dims.map((dim) => (dim === '?' ? undefined : dim))
  graph.setValueInfo(name, type as DType, sizes)
}

/** Values that several nodes make of the same inputs: a mask, the rows of a table. */
class SharedValues {
  readonly #program: Program
  readonly #byKey = new Map<string, string>()

  constructor(program: Program) {
    this.#program = program
  }

  write(key: string, expression: Tensor, names: ReadonlyMap<Tensor, string>, options: WriteOptions): string {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const { name } = this.#program.write(expression, names, options)
    this.#byKey.set(key, name)
    return name
  }
}
