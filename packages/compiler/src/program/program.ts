import { constantOf, input, type Tensor, TpError } from '@tp/core'
import { type Dim, withUnification } from '@tp/core/expression'
import {
  type AssumedSize,
  capturedNames,
  emit,
  Graph,
  type Lifted,
  lift,
  liftNode,
  type Model,
  type NodeProto,
  opset,
  readConstant,
} from '@tp/onnx'
import { type CutRecord, readProvenance } from './provenance.ts'

/** A value of the graph and what is known of it. */
export interface Named {
  readonly name: string
  readonly tensor: Tensor
}

export interface WriteOptions {
  /** Names of new values begin with it. */
  readonly prefix: string
  readonly before?: NodeProto
  /** Shapes of the values, one for each expression. */
  readonly dims?: readonly (readonly Dim[])[]
}

/** Values that are passed in all searches of a graph together; three for each node and layer are usual. */
const MOST_VISITS = 2 ** 22

/**
 * A model that is being worked on: its graph to edit, and what is known of every value's type and shape. There is one for each
 * model; where edits make known what was not, `refresh` infers everything again.
 */
export class Program {
  readonly model: Model
  readonly opset: number
  /** Values [b·h,…] that an edit has made, examples outside, and their number of heads. */
  readonly heads: Map<string, number> = new Map()
  #graph: Graph
  #lifted: Lifted
  #counts: ReadonlyMap<string, string>
  #earlier: readonly CutRecord[]
  #chosen: ReadonlySet<string>
  /** The values that edits have made or changed since the graph was lifted. */
  readonly #edited = new Map<string, Tensor>()
  readonly #data = new Map<string, boolean>()
  #visited = 0

  /** `counts`: values [b,n,D] whose number of tokens gets a name, because it cannot be known beforehand. */
  constructor(model: Model, counts: ReadonlyMap<string, string> = new Map()) {
    this.model = model
    this.opset = opset(model)
    this.#counts = counts
    this.#graph = new Graph(model)
    this.#lifted = liftCounted(this.#graph, counts)
    this.#earlier = readProvenance(model).flatMap(({ cuts }) => cuts)
    this.#chosen = new Set(this.#earlier.map(({ indices }) => indices))
  }

  /**
   * Reads the graph as it is now, and infers types and shapes again. Values taken from `graph` before have to be taken again.
   * `counts`: see the constructor; by default those of before.
   */
  refresh(counts: ReadonlyMap<string, string> = this.#counts): void {
    this.#counts = counts
    this.#graph = new Graph(this.model)
    this.#lifted = liftCounted(this.#graph, counts)
    this.#earlier = readProvenance(this.model).flatMap(({ cuts }) => cuts)
    this.#chosen = new Set(this.#earlier.map(({ indices }) => indices))
    this.heads.clear()
    this.#edited.clear()
    this.#data.clear()
    this.#visited = 0
  }

  get graph(): Graph {
    return this.#graph
  }

  /** Names for token counts that cannot be known beforehand, by the values with these counts. */
  get counts(): ReadonlyMap<string, string> {
    return this.#counts
  }

  /** Cuts of the prunings that the file has gone through. */
  get earlier(): readonly CutRecord[] {
    return this.#earlier
  }

  /** True for a value int64 [b,k,1] that says which tokens an earlier pruning has kept. */
  isChoice(name: string): boolean {
    return this.#chosen.has(name)
  }

  /** Sizes of inputs that are taken to be equal although the model also runs where they differ. */
  get assumedSizes(): readonly AssumedSize[] {
    return this.#lifted.assumed
  }

  /** Type, shape and expression of a value. */
  tensor(name: string): Tensor {
    return this.#edited.get(name) ?? this.#lifted.tensor(name)
  }

  /** Whether type and shape of a value have been inferred, or recorded. */
  knows(name: string): boolean {
    return this.#edited.has(name) || this.#lifted.has(name)
  }

  /** Why nothing is known of a node's results, if so. */
  reasonUnknown(node: NodeProto): string | undefined {
    return this.#lifted.notes.find((note) => note.node === node)?.reason
  }

  /** Records what is known of a value that an edit made or changed. */
  setTensor(name: string, tensor: Tensor): void {
    this.#edited.set(name, tensor)
  }

  /**
   * Writes an expression into the graph, upstream of `before` or at the end. `names`: the values of the graph that its
   * placeholders stand for; `dims`: its shape, where the expression's own is not what is known here.
   */
  write(expression: Tensor, names: ReadonlyMap<Tensor, string>, options: WriteOptions): Named {
    const [written] = this.writeAll([expression], names, options)
    return written as Named
  }

  /** Like {@link write} for several expressions, which share what they have in common. */
  writeAll(expressions: readonly Tensor[], names: ReadonlyMap<Tensor, string>, options: WriteOptions): Named[] {
    const { prefix, before, dims } = options
    const actual = new Map([...names].map(([tensor, name]) => [tensor, this.tensor(name)]))
    const target = { graph: this.graph, opset: this.opset, names, actual, prefix, ...(before && { before }) }
    const emitted = emit(expressions, target)
    for (const name of emitted) this.#learn(name)
    return emitted.map((name, i) => {
      const expression = expressions[i] as Tensor
      const tensor = input(name, expression.dtype, dims?.[i] ?? expression.dims)
      this.setTensor(name, tensor)
      return { name, tensor }
    })
  }

  /** The steps on the way to a written value: a later edit may have to follow tokens through them. */
  #learn(name: string): void {
    const stack = [name]
    for (let next = stack.at(-1); next !== undefined; next = stack.at(-1)) {
      const node = this.#edited.has(next) || this.#lifted.has(next) ? undefined : this.graph.producer(next)
      const open = [...(node?.input ?? []), ...(node === undefined ? [] : capturedNames(node))].filter(
        (source) => source !== '' && !this.#edited.has(source) && !this.#lifted.has(source),
      )
      if (open.length > 0) {
        for (const source of open) stack.push(source)
        continue
      }
      stack.pop()
      if (node === undefined) {
        const constant = this.#edited.has(next) || this.#lifted.has(next) ? undefined : this.graph.initializer(next)
        if (constant !== undefined) {
          const value = readConstant(constant, this.model.external)
          this.setTensor(
            next,
            constantOf(value, () => value.data),
          )
        }
        continue
      }
      const inputs = node.input.map((source) => (source === '' ? undefined : this.tensor(source)))
      for (const [i, tensor] of this.infer(node, inputs).entries()) {
        if (node.output[i]) this.setTensor(node.output[i], tensor)
      }
    }
  }

  /** The results of a node for other inputs. */
  infer(node: NodeProto, inputs: readonly (Tensor | undefined)[]): Tensor[] {
    const around = (name: string): Tensor | undefined =>
      this.#edited.get(name) ?? (this.#lifted.has(name) ? this.#lifted.tensor(name) : undefined)
    return liftNode(node, inputs, this.opset, { around })
  }

  /** The values whose contents a value is computed from, also inside the bodies of its node; sizes do not count. */
  sources(name: string): readonly string[] {
    const producer = this.graph.producer(name)
    if (producer === undefined || readsShape(producer)) return []
    return [...producer.input, ...capturedNames(producer)].filter((source) => source !== '')
  }

  /** True if the contents of a value depend on those of one of the model's inputs; their shapes do not count. */
  dependsOnInputs(name: string): boolean {
    // No recursion: a file may chain any number of nodes.
    const stack = [name]
    for (let next = stack.at(-1); next !== undefined; next = stack.at(-1)) {
      const sources = this.#data.has(next) ? [] : this.sources(next)
      const open = sources.filter((source) => !this.#data.has(source))
      if (open.length > 0) {
        for (const source of open) stack.push(source)
        continue
      }
      stack.pop()
      if (this.#data.has(next)) continue
      this.#data.set(next, this.isInput(next) || sources.some((source) => this.#data.get(source)))
    }
    return this.#data.get(name) as boolean
  }

  /** The model's inputs whose contents (not shapes) a value depends on, other than by way of `stop`. */
  inputsOf(name: string, stop?: string): Set<string> {
    return new Set([...this.before(name, stop)].filter((source) => source !== stop && this.isInput(source)))
  }

  /** Everything that a value's contents are computed from, itself included; not what lies upstream of `stop`. */
  before(name: string, stop?: string): Set<string> {
    const seen = new Set<string>()
    const queue = [name]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue
      this.#visit(next)
      seen.add(next)
      if (next !== stop) for (const source of this.sources(next)) queue.push(source)
    }
    return seen
  }

  /** The nodes that values are computed from, by their contents or their shapes. */
  upstream(names: readonly string[]): Set<NodeProto> {
    const nodes = new Set<NodeProto>()
    const queue = [...names]
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const node = this.graph.producer(name)
      if (node === undefined || nodes.has(node)) continue
      nodes.add(node)
      queue.push(...node.input, ...capturedNames(node))
    }
    return nodes
  }

  /** Everything whose contents are computed from a value's, itself included. */
  after(name: string): Set<string> {
    const found = new Set([name])
    // Values that are added to a set during its iteration are reached as well.
    for (const next of found) {
      this.#visit(next)
      for (const { node } of this.graph.consumers(next)) {
        if (readsShape(node)) continue
        for (const output of node.output) if (output !== '') found.add(output)
      }
    }
    return found
  }

  /** Searches are repeated for every layer and value: of a graph that has thousands of them, they would take hours. */
  #visit(name: string): void {
    this.#visited += 1
    if (this.#visited <= MOST_VISITS) return
    const reason = `its ${this.graph.nodes.length} nodes have more paths between them than are followed (stopped at "${name}")`
    throw new TpError('TP_TOO_COMPLEX', 'compiler', `${reason}; export each encoder to a file of its own`)
  }

  /** True for an input of the model, whose contents are not in the file. */
  isInput(name: string): boolean {
    return name !== '' && this.graph.producer(name) === undefined && this.graph.initializer(name) === undefined
  }
}

/**
 * Runs work on a program. Sizes with two names meet where exporters took them from different inputs, or where tokens
 * were pruned; the model ran, so they are equal.
 */
export function withEqualSizes<T>(work: () => T): T {
  return withUnification((a, b, meeting) => (meeting === 'smaller' ? undefined : typeof a === 'number' ? a : b), work)
}

/** Types and shapes of a graph, the token axis of some values [b,n,D] by a name of its own. */
function liftCounted(graph: Graph, counts: ReadonlyMap<string, string>): Lifted {
  const lifted = lift(graph)
  if (counts.size === 0) return lifted
  const overrides = [...counts]
    .filter(([name]) => graph.has(name))
    .map(([name, count]): [string, Tensor] => {
      const { dtype, dims } = lifted.tensor(name)
      const counted = dims.map((dim, axis) => (axis === 1 ? count : dim))
      return [name, input(name, dtype, counted)]
    })
  return lift(graph, { overrides: new Map(overrides) })
}

/** True for an operator that reads the shape of a value, and not what it holds. */
export function readsShape({ opType }: { readonly opType: string }): boolean {
  return opType === 'Shape' || opType === 'Size'
}
