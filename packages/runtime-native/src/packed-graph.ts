// Packed tokens are in one row, whatever example they are of. An attention without the offsets of their examples, or a tensor that is packed
// twice, computes all the same: of tokens of several examples, so that an answer depends on the batch. Operators see sizes alone,
// which do not tell; the graph does.

import { TpError } from '@tp/core'
import { PACKED_DOMAIN as DOMAIN, packedOperators } from '@tp/core/packed'
import type { Model } from '@tp/onnx'

type GraphProto = NonNullable<Model['proto']['graph']>
type NodeProto = GraphProto['node'][number]

/** The outputs of one `Rows`, and what it reads. */
interface Examples {
  readonly attended: string
  readonly positions: string
  readonly offsets: string
}

/**
 * Makes sure that every operator on packed tokens reads of which examples they are.
 * @throws TpError TP_MODEL_LOAD for a graph in which examples would depend on each other
 */
export function checkPackedGraph(where: string, { proto }: Model): void {
  const { node: nodes = [], initializer = [] } = proto.graph ?? {}
  const rows = nodes.filter((node) => isOf(node, 'Rows'))
  // Without one, positions are inputs of the model, and whoever runs it answers for them.
  if (rows.length === 0) return
  const examples = rows.map(({ input: [attended = ''], output: [positions = '', offsets = ''] }): Examples => {
    return { attended, positions, offsets }
  })
  const byPositions = new Map(examples.map((own) => [own.positions, own]))
  const packed = packedValues(nodes, byPositions)
  const weights = new Map(initializer.map(({ name, dims }) => [name, dims.map(Number)]))
  for (const node of nodes) {
    if (isOf(node, 'Pack', 'PackFlat')) checkPack(node, { where, byPositions, packed, weights })
    else if (isOf(node, 'Unpack', 'UnpackFlat')) checkUnpack(node, { where, byPositions, packed })
    else if (isOf(node, 'PackedAttention')) checkAttention(node, { where, packed })
  }
}

/** Packed values by name, and the examples whose tokens each holds. */
type Packed = ReadonlyMap<string, Examples>

interface PackedFacts {
  readonly where: string
  readonly packed: Packed
  readonly byPositions: ReadonlyMap<string, Examples>
  /** Sizes of weights. */
  readonly weights: ReadonlyMap<string, readonly number[]>
}

function packedValues(nodes: readonly NodeProto[], byPositions: ReadonlyMap<string, Examples>): Packed {
  const packed = new Map<string, Examples>()
  // Nodes need not be sorted: what one pass finds may be read upstream of it in the file.
  for (let before = -1; before !== packed.size; ) {
    before = packed.size
    for (const node of nodes) {
      const own = examplesOf(node, packed, byPositions)
      // Outputs that are left out have no name.
      if (own !== undefined) for (const output of node.output) if (output !== '') packed.set(output, own)
    }
  }
  return packed
}

/** The examples whose tokens the outputs of a node hold; undefined if they are not packed. */
function examplesOf(node: NodeProto, packed: Packed, byPositions: ReadonlyMap<string, Examples>): Examples | undefined {
  const { opType, input } = node
  if (isOf(node, 'Pack', 'PackFlat')) return byPositions.get(input[1] ?? '')
  if (isOf(node, 'Unpack', 'UnpackFlat') || opType === 'Shape' || opType === 'Size') return undefined
  const [own, ...others] = new Set(input.flatMap((name) => packed.get(name) ?? []))
  return others.length === 0 ? own : undefined
}

function checkPack(node: NodeProto, { where, byPositions, weights, packed }: PackedFacts): void {
  const [x = '', positions = ''] = node.input
  if (!byPositions.has(positions)) throw refusal(where, node, `its positions, "${positions}", are not those of a Rows`)
  if (packed.has(x)) throw refusal(where, node, `"${x}" is packed already`)
  const [first, axis] = placesOf(node)
  requireOneAxisFirst(where, node)
  const sizes = weights.get(x)
  // A weight is the same for every example.
  if (sizes !== undefined && (first === axis || sizes[Number(first)] !== 1))
    throw refusal(where, node, `"${x}" is a weight, and has several rows along the axis of examples`)
}

function checkUnpack(node: NodeProto, { where, byPositions, packed }: Omit<PackedFacts, 'weights'>): void {
  const [x = '', positions = '', attended = ''] = node.input
  const own = packed.get(x)
  if (own === undefined) throw refusal(where, node, `"${x}" is not packed`)
  if (byPositions.get(positions) !== own || own.attended !== attended)
    throw refusal(where, node, `positions and attended tokens are not those that "${x}" was packed by`)
  requireOneAxisFirst(where, node)
}

function checkAttention(node: NodeProto, { where, packed }: Pick<PackedFacts, 'where' | 'packed'>): void {
  const { query = '', key = '', value = '', offsets = '', bias = '', positions = '' } = rolesOf(node)
  const own = packed.get(query) ?? packed.get(key) ?? packed.get(value)
  if (own === undefined) return
  for (const name of [query, key, value])
    if (packed.get(name) !== own) throw refusal(where, node, `"${name}" is not packed, and other inputs are`)
  if (offsets !== own.offsets)
    throw refusal(
      where,
      node,
      `its tokens are packed, and its offsets are not "${own.offsets}", which separate the examples`,
    )
  if (bias !== '' && positions !== own.positions)
    throw refusal(where, node, `its tokens are packed, and its positions are not "${own.positions}"`)
  const [perm, axes] = ['contextPerm', 'contextAxes'].map(
    (name) => node.attribute.find((own) => own.name === name)?.ints.map(Number) ?? [],
  ) as [number[], number[]]
  // Three axes are heads, tokens and features; of four, the first is that of examples.
  const changes = perm.length > 3 ? perm[0] !== 0 : Math.max(...axes) > 2 && axes.some((axis) => axis < 1 || axis > 3)
  if (changes)
    throw refusal(
      where,
      node,
      `the context's axes are [${[...perm, ...axes]}]: heads and tokens would change places with examples`,
    )
}

/** Examples and tokens share an axis only where that is the first one. */
function requireOneAxisFirst(where: string, node: NodeProto): void {
  const [first, axis] = placesOf(node)
  if (first === axis && first !== 0)
    throw refusal(where, node, `examples and tokens would share axis ${axis}; they can share the first one only`)
}

/** Whether a node is of an operator of one of these families, whatever features its name says. */
function isOf({ domain, opType }: NodeProto, ...families: readonly string[]): boolean {
  return domain === DOMAIN && families.includes(opType.split('_')[0] as string)
}

/** Files of before the names of operators said what they have leave out what they do not. */
const ATTENTION = ['query', 'key', 'value', 'offsets', 'keyBias', 'bias', 'positions', 'queryWeights']

/** The inputs of an attention, by what its operator calls them. */
function rolesOf({ opType, input }: NodeProto): Readonly<Record<string, string>> {
  const { inputs } = packedOperators.get(opType) ?? { inputs: {} }
  const roles = opType === 'PackedAttention' ? ATTENTION : Object.keys(inputs)
  return Object.fromEntries(roles.map((role, i) => [role, input[i] ?? '']))
}

/** The axes of rows and tokens. */
function placesOf(node: NodeProto): readonly (number | undefined)[] {
  return isOf(node, 'PackFlat', 'UnpackFlat') ? [0, 0] : ['rows', 'axis'].map((name) => integer(node, name))
}

function integer({ attribute }: NodeProto, name: string): number | undefined {
  const found = attribute.find((own) => own.name === name)
  return found === undefined ? undefined : Number(found.i)
}

function refusal(where: string, { name, opType, output }: NodeProto, problem: string): TpError {
  const seen = `${opType} node "${name || output[0]}": ${problem}, so answers would depend on the batch`
  return new TpError('TP_MODEL_LOAD', where, `${seen}; the file is damaged: pack the model again`)
}
