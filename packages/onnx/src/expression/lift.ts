import { constantOf, input, type Tensor, TpError } from '@tp/core'
import {
  apply,
  applyOne,
  type ConstantData,
  type Dim,
  operators,
  ShapeProblem,
  unknownDim,
  withUnification,
  withWorkLimit,
} from '@tp/core/expression'
import type { NodeProto } from 'onnx-buf'
import { opset as opsetOf } from '../file/model.ts'
import { readAttributes } from '../graph/attributes.ts'
import type { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { sortNodes } from '../graph/topology.ts'
import type { DeclaredValue } from '../graph/value-info.ts'
import { denseConstant, lazyConstant } from '../tensor/constants.ts'
import { dtypeOf, isDType } from '../tensor/dtype.ts'
import type { LiftContext } from './lift-context.ts'
import { liftLoop } from './lift-loop.ts'
import { bodyOutputType, guessDType, opaqueOp } from './opaque.ts'
import { type EqualSizes, equalSizes, plainName } from './sizes.ts'

/** Why a node's results are opaque. */
export interface LiftNote {
  readonly node: NodeProto
  readonly reason: string
}

/** Two axes of inputs that a model is taken to be run with equal sizes of: those of a mask and of its tokens. */
export interface AssumedSize {
  readonly input: string
  readonly axis: number
  readonly same: { readonly input: string; readonly axis: number }
}

/** A graph seen as core's expressions, value by value. */
export interface Lifted {
  /** @throws TpError TP_VALUE if the graph has no value of that name */
  tensor(name: string): Tensor
  has(name: string): boolean
  /** A size in the names that are used here. */
  resolve(dim: Dim): Dim
  /** The name of each value, for `emit` into the same graph. */
  readonly names: ReadonlyMap<Tensor, string>
  /** Names of sizes that the graph showed to be equal to another one, which is used instead. */
  readonly sameAs: ReadonlyMap<string, Dim>
  /** Sizes of inputs that are used under the name of another input's, although the graph also runs where they differ. */
  readonly assumed: readonly AssumedSize[]
  /** Every node that was left opaque, in file order. */
  readonly notes: readonly LiftNote[]
}

/**
 * Reads a graph as expressions. The file is not changed, and weights are not decoded until someone looks at them.
 *
 * Inputs become placeholders; their sizes are named as the file names them, or after the input (`input_ids_dim1`). Anything
 * that core does not know (operators of other domains, control flow, rare forms) is opaque: its results have the type and
 * shape that the file declares, and nothing more is known of them.
 *
 * @param options.overrides values to be used instead of those that the graph computes, by name
 */
export function lift(graph: Graph, options: { readonly overrides?: ReadonlyMap<string, Tensor> } = {}): Lifted {
  const nodes = sortNodes(graph.nodes, (name) => graph.producer(name))
  const sizes = equalSizes(namedAxes(graph).map(({ size }) => size))
  return withWorkLimit(MOST_WORK, () => {
    for (let passes = 0; passes < MOST_PASSES; passes++) {
      const known = sizes.sameAs.size
      const lifted = withUnification(sizes.unify, () => liftOnce(graph, nodes, sizes, options.overrides ?? new Map()))
      // Values computed before two names were found equal still use both: begin again with one. Sizes that must be equal go first, so that
      // only the others are assumed to be.
      if (sizes.sameAs.size === known && !sizes.assume()) return lifted
    }
    throw new TpError(
      'TP_TOO_COMPLEX',
      'onnx',
      `after the graph was read ${MOST_PASSES} times, it still shows more names of sizes to be equal; export it with fewer names for its dynamic axes`,
    )
  })
}

/** Terms and elements of sizes that are followed in one graph; three layers take some thousands, 16,000 in WavLM. */
const MOST_WORK = 2_000_000
/** One pass learns all that it meets, so that models take two or three. */
const MOST_PASSES = 32

function liftOnce(
  graph: Graph,
  nodes: readonly NodeProto[],
  sizes: EqualSizes,
  overrides: ReadonlyMap<string, Tensor>,
): Lifted {
  const values = new Map<string, Tensor>()
  const notes: LiftNote[] = []
  const opset = opsetOf(graph.model)
  for (const declared of graph.inputs) values.set(declared.name, placeholder(declared, sizes))
  liftInitializers(graph, values)
  for (const [name, tensor] of overrides) values.set(name, tensor)
  for (const node of nodes) {
    const inputs = node.input.map((name) => values.get(name))
    const outputs = liftNode(node, inputs, opset, {
      graph,
      resolve: sizes.resolve,
      around: (name) => values.get(name),
      note: (reason) => notes.push({ node, reason }),
    })
    node.output.forEach((name, i) => {
      if (name !== '' && !overrides.has(name)) values.set(name, outputs[i] as Tensor)
    })
  }
  return {
    tensor: (name) => {
      const tensor = values.get(name)
      if (tensor === undefined) throw new TpError('TP_VALUE', 'onnx', `the graph has no value named "${name}"`)
      return tensor
    },
    has: (name) => values.has(name),
    resolve: sizes.resolve,
    names: new Map([...values].map(([name, tensor]) => [tensor, name])),
    sameAs: sizes.sameAs,
    assumed: assumedSizes(graph, sizes),
    notes,
  }
}

/**
 * The results of one node on the given inputs, one per output of the node. Never fails on what a file can hold: a node
 * that core does not understand, or whose shapes contradict each other, is opaque, and `note` receives the reason.
 */
export function liftNode(
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
  opset: number,
  context: LiftContext = {},
): Tensor[] {
  try {
    const outputs = understand(node, inputs, opset, context)
    if (typeof outputs !== 'string') return outputs
    context.note?.(outputs)
  } catch (error) {
    if (!(error instanceof TpError || error instanceof ShapeProblem)) throw error
    context.note?.(error.message)
  }
  const infos = node.output.map((name, i) => {
    const declared = context.graph?.valueInfo(name)
    const dtype = [declared?.type, bodyOutputType(node, i)].find(isDType) ?? guessDType(inputs)
    return { dtype, dims: declaredDims(declared, context.resolve) }
  })
  return apply(opaqueOp(node, infos), inputs)
}

/** The node in core's terms, or the reason why it has none. */
function understand(
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
  opset: number,
  context: LiftContext,
): Tensor[] | string {
  const { opType: type, domain } = node
  if (type === 'Loop' && (domain === '' || domain === 'ai.onnx'))
    return liftLoop(node, inputs, { opset, context, liftNode })
  const op = operators.get(domain === '' || domain === 'ai.onnx' ? type : `${domain}.${type}`)
  if (op === undefined || type === 'Input') return 'this operator is not known here'
  const attributes = readAttributes(node, context.graph?.model.external)
  if (attributes === undefined) return 'it has a body or an attribute that is not known here'
  if (node.input.some((name, i) => name !== '' && inputs[i] === undefined)) return 'one of its inputs does not exist'
  const raw = { type, inputs, attributes, outputs: node.output.length }
  const canonical = op.read === undefined ? raw : op.read(raw, opset)
  if (canonical === undefined) return `this form of the operator at opset ${opset} is not known here`
  const outputs = apply(op, canonical.inputs, canonical.attributes)
  if (outputs.length < node.output.length)
    return `it has ${node.output.length} outputs, ${outputs.length} are known here`
  return outputs
}

function declaredDims(
  declared: DeclaredValue | undefined,
  resolve: (dim: Dim) => Dim = (dim) => dim,
): readonly Dim[] | undefined {
  return declared?.dims?.map((dim) => resolve(declaredDim(dim) ?? unknownDim()))
}

function declaredDim(dim: number | string): Dim | undefined {
  // some exporters write -1 where a size is open
  if (typeof dim === 'number') return dim < 0 ? undefined : dim
  return dim === '?' ? undefined : plainName(dim)
}

function placeholder({ name, type, dims }: DeclaredValue, sizes: EqualSizes): Tensor {
  const named = dims?.map((dim, axis) => sizes.resolve(declaredDim(dim) ?? sizeName(name, axis)))
  return input(name, isDType(type) ? type : 'float32', named)
}

function sizeName(input: string, axis: number): string {
  return plainName(`${input}_dim${axis}`)
}

/** The axes of inputs whose sizes have names, in the order of the file. */
function namedAxes(graph: Graph): { readonly input: string; readonly axis: number; readonly size: string }[] {
  return graph.inputs.flatMap(({ name, dims }) =>
    (dims ?? []).flatMap((dim, axis) => {
      const size = declaredDim(dim) ?? sizeName(name, axis)
      return typeof size === 'string' ? [{ input: name, axis, size }] : []
    }),
  )
}

function assumedSizes(graph: Graph, { assumed, resolve }: EqualSizes): AssumedSize[] {
  if (assumed.size === 0) return []
  const axes = namedAxes(graph)
  return axes.flatMap(({ input, axis, size }) => {
    const same = assumed.has(size) ? axes.find((other) => other.size === resolve(size)) : undefined
    return same === undefined ? [] : [{ input, axis, same: { input: same.input, axis: same.axis } }]
  })
}

function liftInitializers(graph: Graph, values: Map<string, Tensor>): void {
  const { external } = graph.model
  for (const tensor of graph.initializers) {
    values.set(tensor.name, weight(tensor.name, tensor.dataType, tensor.dims, lazyConstant(tensor, external)))
  }
  for (const sparse of graph.proto.sparseInitializer) {
    const { values: stored, dims } = sparse
    if (stored === undefined) continue
    values.set(stored.name, weight(stored.name, stored.dataType, dims, denseConstant(sparse, external)))
  }
}

/** A constant; where its contents cannot be read here, a value of which only the shape is known. */
function weight(name: string, code: number, dims: readonly bigint[], value: ConstantData | undefined): Tensor {
  if (value !== undefined) {
    try {
      return constantOf(value, () => value.data)
    } catch (error) {
      if (!(error instanceof TpError)) throw error
    }
  }
  const unread = createNode({ type: 'Constant', inputs: [], outputs: [name] })
  return applyOne(opaqueOp(unread, [{ dtype: dtypeOf(code) ?? 'float32', dims: dims.map(Number) }]), [])
}
