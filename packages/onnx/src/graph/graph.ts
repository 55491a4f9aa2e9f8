import type { DType } from '@tp/core'
import { TpError } from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf'
import type { Model } from '../file/model.ts'
import { createMessage } from '../protobuf/create-message.ts'
import { writeTensor } from '../tensor/tensor-proto.ts'
import { attributeGraphs, capturedNames, namesInside, renameCaptured } from './subgraph.ts'
import { sortNodes } from './topology.ts'
import { type DeclaredValue, readValueInfo, writeValueInfo } from './value-info.ts'

/** Where a value is read: input `index` of the node, or -1 for a read inside the node's body (If, Loop, Scan). */
export interface Use {
  readonly node: NodeProto
  readonly index: number
}

/**
 * The main graph of a model, to look things up and to edit. Edits go straight into the model's protobuf message and
 * touch nothing else; weights are never copied. Node messages may be read freely, but inputs and outputs must be
 * changed through this class, which keeps its tables in step.
 */
export class Graph {
  readonly model: Model
  readonly proto: GraphProto
  readonly #producers = new Map<string, NodeProto>()
  readonly #uses = new Map<string, Use[]>()
  readonly #initializers = new Map<string, TensorProto>()
  readonly #valueInfos = new Map<string, ValueInfoProto>()
  readonly #inputs: Set<string>
  readonly #outputs: Set<string>
  readonly #names = new Set<string>()
  /** By prefix, the first number that may be free: names are never given back. */
  readonly #nextNumbers = new Map<string, number>()
  /** Values that nobody read when the graph was opened: they are kept, since the file has them for a reason of its own. */
  readonly #idle = new Set<string>()

  /** @throws TpError TP_TOO_COMPLEX, TP_NAME where a name is used twice, or a node has no output */
  constructor(model: Model) {
    this.model = model
    this.proto = model.proto.graph as GraphProto
    const { proto } = this
    requireFew(proto.node.length, 'nodes')
    requireFew(proto.initializer.length, 'weights')
    requireFew(proto.valueInfo.length + proto.input.length + proto.output.length, 'declared values')
    for (const tensor of proto.initializer) this.#initializers.set(tensor.name, tensor)
    for (const info of [...proto.valueInfo, ...proto.input, ...proto.output]) this.#valueInfos.set(info.name, info)
    for (const { values } of proto.sparseInitializer) if (values !== undefined) this.#names.add(values.name)
    for (const name of this.#initializers.keys()) this.#names.add(name)
    for (const name of this.#valueInfos.keys()) this.#names.add(name)
    this.#inputs = new Set(proto.input.map((input) => input.name))
    this.#outputs = new Set(proto.output.map((output) => output.name))
    for (const node of proto.node) this.#register(node)
    for (const name of [...this.#initializers.keys(), ...this.#producers.keys()]) {
      if (!this.isUsed(name)) this.#idle.add(name)
    }
  }

  /** In file order. */
  get nodes(): readonly NodeProto[] {
    return this.proto.node
  }

  /** The inputs that a caller feeds; weights that old files list among the inputs are left out. */
  get inputs(): DeclaredValue[] {
    return this.proto.input.filter((input) => !this.#initializers.has(input.name)).map(readValueInfo)
  }

  get outputs(): DeclaredValue[] {
    return this.proto.output.map(readValueInfo)
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name)
  }

  /** The node that computes a value; undefined for inputs, initializers and unknown names. */
  producer(name: string): NodeProto | undefined {
    return this.#producers.get(name)
  }

  /** Every read of a value by a node or in its body; being an output of the graph is not among them. */
  consumers(name: string): readonly Use[] {
    return this.#uses.get(name) ?? []
  }

  /** True if a node, a body or the graph's outputs read the value. */
  isUsed(name: string): boolean {
    return this.#outputs.has(name) || this.consumers(name).length > 0
  }

  /** True if the graph has a value of that name: an input, an initializer or the result of a node. */
  has(name: string): boolean {
    if (this.#producers.has(name) || this.#initializers.has(name)) return true
    return this.#inputs.has(name)
  }

  initializer(name: string): TensorProto | undefined {
    return this.#initializers.get(name)
  }

  get initializers(): readonly TensorProto[] {
    return this.proto.initializer
  }

  /** The declared type and shape of an input, an output or a value in between. */
  valueInfo(name: string): DeclaredValue | undefined {
    const info = this.#valueInfos.get(name)
    return info === undefined ? undefined : readValueInfo(info)
  }

  /** `prefix`, or `prefix_1`, `prefix_2` …: a name that no value, node or body uses. It is taken from now on. */
  uniqueName(prefix: string): string {
    let name = prefix
    let i = this.#nextNumbers.get(prefix) ?? 1
    for (; this.#names.has(name); i++) name = `${prefix}_${i}`
    this.#nextNumbers.set(prefix, i)
    this.#names.add(name)
    return name
  }

  /**
   * Inserts nodes before `before`, or at the end.
   * @throws TpError TP_NAME if one of their outputs exists already
   */
  insert(nodes: readonly NodeProto[], before?: NodeProto): void {
    const at = before === undefined ? this.proto.node.length : this.#indexOf(before)
    for (const node of nodes) this.#register(node)
    this.proto.node.splice(at, 0, ...nodes)
  }

  /** Makes input `index` of a node read another value; an empty name omits it. */
  replaceInput(node: NodeProto, index: number, name: string): void {
    while (node.input.length <= index) node.input.push('')
    this.#forget(node.input[index] as string, node, index)
    node.input[index] = name
    this.#use(name, node, index)
  }

  /**
   * Makes every reader of a value, also inside bodies, read another one, except the given nodes. The graph's output of
   * that name does not change: give its producer another output name with `renameOutput` first.
   */
  replaceAllUses(name: string, by: string, options: { readonly except?: Iterable<NodeProto> } = {}): void {
    const except = new Set(options.except)
    for (const use of [...this.consumers(name)]) {
      if (except.has(use.node)) continue
      this.#forget(name, use.node, use.index)
      if (use.index < 0) renameCaptured(use.node, name, by)
      else use.node.input[use.index] = by
      this.#use(by, use.node, use.index)
    }
  }

  /**
   * Gives output `index` of a node a new name; readers and the declared type follow, the list of the graph's outputs
   * does not. So the old name becomes free for another producer of a graph output.
   */
  renameOutput(node: NodeProto, index: number, name: string): void {
    const old = node.output[index] as string
    this.#claim(name, node)
    node.output[index] = name
    this.#producers.delete(old)
    if (this.#idle.has(old)) this.#idle.add(name)
    this.replaceAllUses(old, name)
    const info = this.#valueInfos.get(old)
    if (info === undefined || this.#outputs.has(old)) return
    this.#valueInfos.delete(old)
    info.name = name
    this.#valueInfos.set(name, info)
  }

  /** Takes a node out, with what was declared of its outputs. Their readers are left as they are. */
  remove(node: NodeProto): void {
    this.proto.node.splice(this.#indexOf(node), 1)
    this.#unregister(node)
    this.#dropValueInfos(new Set(node.output))
  }

  /**
   * Lets `edit` change the bodies of a node (If, Loop, Scan), each as a graph of its own; what they read of this one is followed.
   * Names for what is added there are from `uniqueName` of this graph, so that no value hides another.
   */
  editBodies(node: NodeProto, edit: (body: Graph) => void): void {
    for (const name of capturedNames(node)) this.#forget(name, node, -1)
    const { model } = this
    for (const graph of attributeGraphs(node)) edit(new Graph({ ...model, proto: { ...model.proto, graph } }))
    for (const name of capturedNames(node)) this.#use(name, node, -1)
  }

  /** Makes the model import an operator set, at its first version, if it does not yet. */
  importOperators(domain: string): void {
    const { opsetImport } = this.model.proto
    const known = opsetImport.some((entry) => (entry.domain === 'ai.onnx' ? '' : entry.domain) === domain)
    if (!known) opsetImport.push(createMessage('OperatorSetIdProto', { domain, version: 1n }))
  }

  /** Adds a weight or another constant. @throws TpError TP_NAME if the name exists already */
  addInitializer(name: string, contents: TensorLike | ConstantData): TensorProto {
    if (this.has(name)) throw nameTaken(name)
    const tensor = writeTensor(contents, name)
    // Before IR version 4 every initializer had to be listed as an input too.
    if (this.model.proto.irVersion < 4n) {
      this.addInput(name, 'dtype' in contents ? contents.dtype : (contents.type as DType), contents.dims)
    }
    this.#names.add(name)
    this.#initializers.set(name, tensor)
    this.proto.initializer.push(tensor)
    return tensor
  }

  /**
   * Declares one more input of the graph; `undefined` is a size without number or name.
   * @throws TpError TP_NAME if the name exists already
   */
  addInput(name: string, dtype: DType, dims: readonly (number | string | undefined)[]): void {
    if (this.has(name)) throw nameTaken(name)
    const info = writeValueInfo(name, dtype, dims)
    this.proto.input.push(info)
    this.#inputs.add(name)
    this.#names.add(name)
    this.#valueInfos.set(name, info)
  }

  /** Declares one more output of the graph; `undefined` is a size without number or name. */
  addOutput(name: string, dtype: DType, dims: readonly (number | string | undefined)[]): void {
    if (this.#outputs.has(name)) throw nameTaken(name)
    const info = writeValueInfo(name, dtype, dims)
    this.proto.output.push(info)
    this.#outputs.add(name)
    this.#names.add(name)
    const inner = this.proto.valueInfo.findIndex((candidate) => candidate.name === name)
    if (inner >= 0) this.proto.valueInfo.splice(inner, 1)
    this.#valueInfos.set(name, info)
  }

  /** Gives an output up; the value itself is kept until nothing reads it (`removeDeadNodes`). */
  removeOutput(name: string): void {
    this.proto.output = this.proto.output.filter((output) => output.name !== name)
    this.#outputs.delete(name)
    if (this.#producers.has(name)) this.#valueInfos.delete(name)
  }

  /** Says what type and shape a value in between has; `undefined` is a size without number or name. */
  setValueInfo(name: string, dtype: DType, dims: readonly (number | string | undefined)[]): void {
    const info = writeValueInfo(name, dtype, dims)
    const known = this.#valueInfos.get(name)
    if (known?.type !== undefined && info.type !== undefined) known.type = info.type
    else this.proto.valueInfo.push(info)
    this.#valueInfos.set(name, known ?? info)
  }

  /**
   * Puts every node after those it reads from; nodes that already are keep their order.
   * @throws TpError TP_CYCLE
   */
  sortTopologically(): void {
    this.proto.node = sortNodes(this.proto.node, (name) => this.#producers.get(name))
  }

  /**
   * Takes out the nodes and initializers that edits have left without any reader; what nobody read when the graph was
   * opened is kept. Returns the removed nodes.
   */
  removeDeadNodes(): NodeProto[] {
    const dead = new Set<NodeProto>()
    const queue = [...this.proto.node]
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (dead.has(node) || !this.#isDead(node)) continue
      dead.add(node)
      const read = [...node.input, ...capturedNames(node)]
      this.#unregister(node)
      for (const name of read) {
        const producer = this.#producers.get(name)
        if (producer !== undefined) queue.push(producer)
      }
    }
    if (dead.size > 0) {
      this.proto.node = this.proto.node.filter((node) => !dead.has(node))
      this.#dropValueInfos(new Set([...dead].flatMap((node) => node.output)))
    }
    this.#removeDeadInitializers()
    return [...dead]
  }

  #isDead(node: NodeProto): boolean {
    const outputs = node.output.filter((name) => name !== '')
    return !outputs.some((name) => this.isUsed(name)) && !outputs.every((name) => this.#idle.has(name))
  }

  #removeDeadInitializers(): void {
    const isDead = (name: string): boolean =>
      this.#initializers.has(name) && !this.isUsed(name) && !this.#idle.has(name)
    const dead = new Set([...this.#initializers.keys()].filter(isDead))
    if (dead.size === 0) return
    this.proto.initializer = this.proto.initializer.filter(({ name }) => !dead.has(name))
    this.proto.input = this.proto.input.filter(({ name }) => !dead.has(name))
    for (const name of dead) {
      this.#initializers.delete(name)
      this.#inputs.delete(name)
    }
    this.#dropValueInfos(dead)
  }

  #dropValueInfos(names: ReadonlySet<string>): void {
    const declared = (info: ValueInfoProto): boolean => names.has(info.name) && !this.#outputs.has(info.name)
    if (!this.proto.valueInfo.some(declared)) return
    this.proto.valueInfo = this.proto.valueInfo.filter((info) => !declared(info))
    for (const name of names) if (!this.#outputs.has(name)) this.#valueInfos.delete(name)
  }

  #register(node: NodeProto): void {
    if (node.output.every((name) => name === '')) throw nothingComputed(node)
    for (const name of node.output) if (name !== '') this.#claim(name, node)
    if (node.name !== '') this.#names.add(node.name)
    node.input.forEach((name, index) => {
      this.#use(name, node, index)
    })
    for (const name of capturedNames(node)) this.#use(name, node, -1)
    for (const name of namesInside(node)) this.#names.add(name)
  }

  #unregister(node: NodeProto): void {
    for (const name of node.output) if (this.#producers.get(name) === node) this.#producers.delete(name)
    node.input.forEach((name, index) => {
      this.#forget(name, node, index)
    })
    for (const name of capturedNames(node)) this.#forget(name, node, -1)
  }

  #claim(name: string, node: NodeProto): void {
    if (this.has(name)) throw nameTaken(name)
    this.#producers.set(name, node)
    this.#names.add(name)
  }

  #use(name: string, node: NodeProto, index: number): void {
    if (name === '') return
    const uses = this.#uses.get(name)
    if (uses === undefined) this.#uses.set(name, [{ node, index }])
    else uses.push({ node, index })
  }

  #forget(name: string, node: NodeProto, index: number): void {
    const uses = this.#uses.get(name)
    const at = uses?.findIndex((use) => use.node === node && use.index === index) ?? -1
    if (at >= 0) uses?.splice(at, 1)
  }

  #indexOf(node: NodeProto): number {
    const at = this.proto.node.indexOf(node)
    if (at < 0) throw new TpError('TP_NODE', 'onnx', `node "${node.name}" (${node.opType}) is not in this graph`)
    return at
  }
}

/** Of nodes, and of weights: many times what models have. */
const MOST = 2 ** 16

function requireFew(count: number, what: string): void {
  if (count <= MOST) return
  const reason = `the graph has ${count} ${what}; no more than ${MOST} are followed`
  throw new TpError('TP_TOO_COMPLEX', 'onnx', `${reason}; fold constants, or export each encoder to a file of its own`)
}

function nothingComputed({ name, opType, input }: NodeProto): TpError {
  const node =
    name === '' ? `a node (${opType} of ${input.map((of) => `"${of}"`).join(', ')})` : `node "${name}" (${opType})`
  return new TpError('TP_NAME', 'onnx', `${node} has no output, so that nothing can read what it computes; remove it`)
}

function nameTaken(name: string): TpError {
  return new TpError('TP_NAME', 'onnx', `the graph has a value named "${name}" already; uniqueName() finds a free name`)
}
