import { type Tensor, TpError } from '@tp/core'
import {
  type ConstantData,
  constantData,
  type Dim,
  isJoinSteps,
  isLoop,
  type JoinStepsOp,
  type LoopOp,
  type Node,
  type OnnxForm,
  substitute,
  withUnification,
} from '@tp/core/expression'
import type { AttributeProto, NodeProto } from 'onnx-buf'
import { share } from '../file/share.ts'
import { createNode } from '../graph/node.ts'
import { capturedNames } from '../graph/subgraph.ts'
import { ConstantPool } from './constant-pool.ts'
import type { EmitTarget } from './emit-target.ts'
import { bodyAttribute, stepAttribute } from './loop-body.ts'
import { isOpaque } from './opaque.ts'
import { equalSizes } from './sizes.ts'

/**
 * Writes expressions as nodes into a graph, and returns the names of their values. Equal parts are written once,
 * constants equal to one that was written before are shared, and integers known beforehand become constants.
 * @throws TpError TP_UNBOUND if a placeholder has no name; TP_SHAPE if `actual` shapes do not fit
 */
export function emit(outputs: readonly Tensor[], target: EmitTarget): string[] {
  const sizes = equalSizes([])
  sizes.assume()
  return withUnification(sizes.unify, () => {
    const { actual } = target
    if (actual === undefined) return new Emitter(target, target.names).emit(outputs)
    const names = new Map(target.names)
    for (const [tensor, name] of target.names) names.set(actual.get(tensor) ?? tensor, name)
    return new Emitter(target, names).emit(substitute(outputs, actual))
  })
}

/** The written form of a node: another expression where the opset lacks it, or one ONNX node. */
type Lowered = { readonly other: readonly Tensor[] } | { readonly form: OnnxForm }

/** The node of a graph, or the last of several, by whose names an expression's results are read. */
type Written = Pick<NodeProto, 'name' | 'output'>

class Emitter {
  readonly #target: EmitTarget
  readonly #names: Map<Tensor, string>
  readonly #constants: ConstantPool
  readonly #lowered = new Map<Node, Lowered>()
  readonly #written = new Map<Node, Written>()
  readonly #byContents = new Map<string, NodeProto>()
  readonly #nodes: NodeProto[] = []

  constructor(target: EmitTarget, names: ReadonlyMap<Tensor, string>) {
    this.#target = target
    this.#names = new Map(names)
    this.#constants = ConstantPool.of(target.constants ?? target.graph)
  }

  emit(outputs: readonly Tensor[]): string[] {
    const names = outputs.map((tensor) => this.#nameOf(tensor))
    this.#target.graph.insert(this.#nodes, this.#target.before)
    return names
  }

  /** Name of a tensor's value, once everything it needs has been written. No recursion: expressions may be deep. */
  #nameOf(output: Tensor): string {
    const stack = [output]
    for (let tensor = stack.at(-1); tensor !== undefined; tensor = stack.at(-1)) {
      const missing = this.#names.has(tensor) ? [] : this.#needs(tensor).filter((input) => !this.#names.has(input))
      if (missing.length > 0) {
        for (const input of missing) stack.push(input)
        continue
      }
      stack.pop()
      if (!this.#names.has(tensor)) this.#names.set(tensor, this.#write(tensor))
    }
    return this.#names.get(output) as string
  }

  #needs(tensor: Tensor): Tensor[] {
    if (knownContents(tensor) !== undefined) return []
    const lowered = this.#lower(tensor.node)
    if ('other' in lowered) return [lowered.other[tensor.output] as Tensor]
    return lowered.form.inputs.filter((input) => input !== undefined)
  }

  #lower(node: Node): Lowered {
    let lowered = this.#lowered.get(node)
    if (lowered === undefined) {
      lowered = lower(node, this.#target.opset)
      this.#lowered.set(node, lowered)
    }
    return lowered
  }

  /** Everything the tensor needs has a name already. */
  #write(tensor: Tensor): string {
    const contents = knownContents(tensor)
    if (contents !== undefined) return this.#constants.add(contents, this.#target.prefix)
    const lowered = this.#lower(tensor.node)
    if ('other' in lowered) return this.#names.get(lowered.other[tensor.output] as Tensor) as string
    const proto = this.#written.get(tensor.node) ?? this.#writeNode(tensor.node, lowered.form)
    return proto.output[tensor.output] || this.#nameOutput(proto, tensor.output)
  }

  #writeNode(node: Node, form: OnnxForm): Written {
    if (isLoop(node.op)) return this.#writeLoop(node, node.op)
    if (isJoinSteps(node.op)) return this.#writeJoinSteps(node, node.op)
    const inputs = form.inputs.map((input) => (input === undefined ? '' : (this.#names.get(input) as string)))
    while (inputs.at(-1) === '') inputs.pop()
    const key = isOpaque(node.op) ? undefined : contentsKey(form, inputs)
    const twin = key === undefined ? undefined : this.#byContents.get(key)
    const proto = twin ?? this.#newNode(node, form, inputs)
    this.#written.set(node, proto)
    if (key !== undefined) this.#byContents.set(key, proto)
    return proto
  }

  /** A loop's node; what its body reads from outside keeps the name that it has there. */
  #writeLoop(node: Node, op: LoopOp): NodeProto {
    const { graph, prefix, opset } = this.#target
    const body = op.bodyFor(node.inputs as readonly Tensor[])
    const [steps = '', ...others] = node.inputs.map((input) => this.#names.get(input as Tensor) as string)
    const name = graph.uniqueName(`${prefix}/Loop`)
    const inputs = [steps, '', ...others.slice(0, body.state.length)]
    const proto = createNode({ type: 'Loop', name, inputs, outputs: [] })
    const captured = new Map(body.captured.map((tensor, i) => [tensor, others[body.state.length + i] as string]))
    proto.attribute = [bodyAttribute(body, { name, opset, outer: this.#target.constants ?? graph, captured, emit })]
    for (let i = 0; i < body.state.length; i++) this.#nameOutput(proto, i)
    this.#nodes.push(proto)
    this.#written.set(node, proto)
    return proto
  }

  /** A loop that adds the results of each step to sequences, which are joined after it. */
  #writeJoinSteps(node: Node, op: JoinStepsOp): Written {
    const { graph, prefix, opset } = this.#target
    const body = op.bodyFor(node.inputs as readonly Tensor[])
    const [steps = '', ...others] = node.inputs.map((input) => this.#names.get(input as Tensor) as string)
    const name = graph.uniqueName(`${prefix}/Loop`)
    const write = (type: string, inputs: string[], attributes = {}): NodeProto => {
      const proto = createNode({ type, name: graph.uniqueName(`${prefix}/${type}`), inputs, outputs: [], attributes })
      this.#nameOutput(proto, 0)
      this.#nodes.push(proto)
      return proto
    }
    const began = op.axes.map((_, i) => write('SequenceConstruct', [others[i] as string]).output[0] as string)
    const loop = createNode({ type: 'Loop', name, inputs: [steps, '', ...began], outputs: [] })
    const captured = new Map(body.captured.map((tensor, i) => [tensor, others[op.axes.length + i] as string]))
    loop.attribute = [stepAttribute(body, { name, opset, outer: this.#target.constants ?? graph, captured, emit })]
    const sequences = op.axes.map((_, i) => this.#nameOutput(loop, i))
    this.#nodes.push(loop)
    const joined = op.axes.map((axis, i) => write('ConcatFromSequence', [sequences[i] as string], { axis }))
    // Its outputs are those of several nodes.
    const written = { name, output: joined.flatMap(({ output }) => output) }
    this.#written.set(node, written)
    return written
  }

  #newNode(node: Node, form: OnnxForm, inputs: readonly string[]): NodeProto {
    const { graph, prefix } = this.#target
    const name = graph.uniqueName(`${prefix}/${form.type}`)
    const proto = createNode({ ...form, name, inputs, outputs: [] })
    graph.importOperators(proto.domain)
    const required = allRequired.has(form.type) ? node.op.infer(node.inputs, node.attributes).length : 1
    for (let i = 0; i < required; i++) this.#nameOutput(proto, i)
    if (isOpaque(node.op)) proto.attribute = this.#attributesOf(node.op.source)
    this.#nodes.push(proto)
    return proto
  }

  #attributesOf(source: NodeProto): AttributeProto[] {
    const foreign = [...capturedNames(source)].find((name) => !this.#target.graph.has(name))
    if (foreign === undefined) return share(source.attribute)
    const reason = `the body of node "${source.name}" (${source.opType}) reads "${foreign}", which this graph does not have`
    throw new TpError('TP_OPAQUE', 'onnx', reason)
  }

  #nameOutput(proto: Written, output: number): string {
    while (proto.output.length <= output) proto.output.push('')
    const name = this.#target.graph.uniqueName(`${proto.name}_output_${output}`)
    proto.output[output] = name
    return name
  }
}

/** Operators whose outputs must all be there; elsewhere all but the first can be left out. */
const allRequired: ReadonlySet<string> = new Set(['DynamicQuantizeLinear', 'Split', 'TopK'])

function lower(node: Node, opset: number): Lowered {
  const { op, inputs, attributes } = node
  if (op.name === 'Input') {
    const reason = `input "${attributes.name}" of the expression stands for no value of the graph; give its name`
    throw new TpError('TP_UNBOUND', 'onnx', reason)
  }
  if (isOpaque(op)) return { form: { type: op.source.opType, domain: op.source.domain, inputs, attributes: {} } }
  const other = op.expand?.(node, opset)
  if (other !== undefined) return { other }
  if (opset < (op.since ?? 7)) {
    throw new TpError('TP_OPSET', 'onnx', `${op.name} needs opset ${op.since}; this graph has ${opset}`)
  }
  return { form: op.write?.(node, opset) ?? { type: op.name, inputs, attributes } }
}

/** Contents of a constant, or of integers that are known beforehand. */
function knownContents(tensor: Tensor): ConstantData | undefined {
  const constant = constantData(tensor)
  if (constant !== undefined) return constant
  const { value, dtype } = tensor
  if (value === undefined || !tensor.hasShape || !tensor.dims.every(isNumber) || !value.every(isNumber))
    return undefined
  return { dtype, dims: tensor.dims as readonly number[], data: Float64Array.from(value as readonly number[]) }
}

function isNumber(dim: Dim): dim is number {
  return typeof dim === 'number'
}

function contentsKey(form: OnnxForm, inputs: readonly string[]): string {
  // JSON has no infinities, no NaN and no -0.
  const exact = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : value
  return JSON.stringify([form.domain ?? '', form.type, inputs, form.attributes], exact)
}
