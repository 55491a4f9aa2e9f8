import { add, cast, squeeze, type Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import { variantName } from '@tp/core/packed'
import { codeOf, createNode, type NodeProto } from '@tp/onnx'
import type { Attention } from '../analyze/attention.ts'
import { placeholder } from '../operators/flow.ts'
import type { Program } from '../program/program.ts'
import type { Repeats } from '../prune/repeats.ts'
import { withLeadingAxes } from '../prune/rows.ts'
import { layoutOf } from './layout.ts'
import { packedNode } from './operators.ts'
import { scoreTerms } from './score-terms.ts'
import type { Segment } from './segments.ts'
import type { Surroundings } from './token-wise.ts'

export interface AttentionSource extends Surroundings {
  readonly repeats: Repeats
  /** Whether products are those of 16-bit integers. */
  readonly byIntegers: boolean
  /** The value that was made before for the same key, or is made now. */
  once<T extends string | undefined>(key: string, make: () => T): T
  /** The Transpose that makes a packed value, if one does: attention reads what it is made from just as well. */
  turned(packed: string): Turned | undefined
}

/** A value by what a Transpose, and a multiplication by a number, make it from. */
export interface Turned {
  readonly from: string
  readonly perm: readonly number[]
  readonly scale: number
}

export interface PackedContext {
  readonly nodes: readonly NodeProto[]
  /** Padded values by the packed ones that stand for them: the context, or what its only reader turns it into; sums of probabilities. */
  readonly replaces: ReadonlyMap<string, string>
  /** Something that depends on the examples is added to the scores. */
  readonly hidesPadding: boolean
}

/**
 * An attention over packed tokens instead of one over padded ones; undefined where its operands are not packed or have other heads than its queries, or its scores are
 * more than scaled and summed. It computes in single precision; operands of half precision are converted for it.
 */
export function packedAttention(attention: Attention, source: AttentionSource): PackedContext | undefined {
  const { program, segment } = source
  const [query, key, value] = [attention.query, attention.keyTransposed, attention.value].map((name) =>
    source.packed(name),
  )
  if (query === undefined || key === undefined || value === undefined) return undefined
  const types = [attention.query, attention.keyTransposed, attention.value].map((name) => program.tensor(name).dtype)
  if (!types.every((dtype) => dtype === 'float32' || dtype === 'float16')) return undefined
  const terms = scoreTerms(attention, source)
  const layout = layoutOf(program.tensor(attention.context), segment)
  if (terms === undefined || layout?.rows !== 0) return undefined
  const { rank, dims } = program.tensor(attention.query)
  if (rank !== 3 && rank !== 4) return undefined
  // Keys and values of one head for all queries (multi-query attention) are repeated by the product that stays.
  const others = [attention.keyTransposed, attention.value].map((name) => program.tensor(name))
  if (others.some((own) => own.rank !== rank || (rank === 4 && own.dims[1] !== dims[1]))) return undefined

  const bias = pairBias(terms.pairs, source)
  const keyBias = packedKeys(terms.keys, source)
  if (keyBias === undefined) return undefined
  const [from, fromKey, fromValue] = [query, key, value].map((name) => unturned(name, rank, source)) as [
    Turned,
    Turned,
    Turned,
  ]
  if (fromValue.scale !== 1) return undefined
  const reader = onlyTranspose(program, attention.context)
  const perm =
    reader === undefined ? undefined : (program.tensor(reader.output[0] as string).node.attributes.perm as number[])
  const isTurned = perm !== undefined && perm.at(-1) === rank - 1 && isStandard(program, reader, segment)
  const whole = isTurned ? (reader?.output[0] as string) : attention.context
  const received = rank === 4 ? receivedSum(attention, source) : undefined
  const sums = received === undefined ? [] : [received]
  const replaced = [whole, ...sums.map(({ value }) => value)]
  const outputs = replaced.map((name) => program.graph.uniqueName(`${name}/packed`))
  const [q, k, v] = [from, fromKey, fromValue].map(({ from: name }, i) =>
    types[i] === 'float32' ? name : inSingle(name, source),
  ) as [string, string, string]
  const inputs = {
    query: q,
    key: k,
    value: v,
    offsets: segment.offsets,
    ...(keyBias !== '' && { keyBias }),
    ...(bias !== '' && { bias, positions: segment.positions }),
    ...(received !== undefined && { queryWeights: received.weights }),
  }
  const attributes = {
    scale: terms.scale * from.scale * fromKey.scale,
    queryPerm: from.perm,
    keyPerm: fromKey.perm,
    valuePerm: fromValue.perm,
    contextPerm: isTurned ? perm : inOrder(rank),
    integers: Number(source.byIntegers),
  }
  const features = [keyBias && 'keyBias', bias && 'bias', received && 'received'].filter((name) => name)
  const operator = variantName('PackedAttention', features as string[])
  const replaces = new Map(replaced.map((name, i) => [name, outputs[i] as string]))
  const isHalf = replaced.map((name) => program.tensor(name).dtype === 'float16')
  const single = outputs.map((name, i) => (isHalf[i] ? program.graph.uniqueName(`${name}/single`) : name))
  const back = outputs.flatMap((name, i) => (isHalf[i] ? [castNode(single[i] as string, name, 'float16')] : []))
  const hidesPadding = [...terms.keys, ...terms.pairs].some((name) => program.inputsOf(name).size > 0)
  const results = { context: single[0] as string, ...(received !== undefined && { received: single[1] as string }) }
  return { nodes: [packedNode(operator, inputs, results, attributes), ...back], replaces, hidesPadding }
}

/** A packed value of half precision in single precision. */
function inSingle(name: string, { program, once }: AttentionSource): string {
  return once(`single/${name}`, () => {
    const single = program.graph.uniqueName(`${name}/single`)
    program.graph.insert([castNode(name, single, 'float32')])
    return single
  })
}

function castNode(from: string, to: string, type: 'float32' | 'float16'): NodeProto {
  const attributes = { to: codeOf(type) }
  return createNode({ type: 'Cast', name: `${to}/Cast`, inputs: [from], outputs: [to], attributes })
}

/**
 * The attention that each token receives, summed over the queries: a product w·P [b,h,1,n] of some weights of the queries
 * [b,1,1,n] with the probabilities. Computed with the attention, so that the probabilities are never stored.
 */
function receivedSum(
  { probabilities, context }: Attention,
  { program, segment, take }: AttentionSource,
): { readonly value: string; readonly weights: string } | undefined {
  const product = program.graph
    .consumers(probabilities)
    .find(({ node, index }) => index === 1 && node.opType === 'MatMul' && isOneRow(program, node.input[0] as string))
  if (product === undefined) return undefined
  const [name, value] = [product.node.input[0] as string, product.node.output[0] as string]
  // Tokens may be numbered by the states that this attention is a part of.
  if (program.before(name).has(context)) return undefined
  const rows = program.tensor(name)
  const operand = placeholder(name, rows, rows.dims)
  const flat = program.write(cast(squeeze(operand, [1, 2]), 'float32'), new Map([[operand, name]]), {
    prefix: `${value}/weights`,
    // As many as the product demands, whatever is known of them.
    dims: [[rows.dims[0] === 1 ? 1 : segment.batch, segment.count]],
  })
  const weights = take(flat.name, { rows: 0, axis: 1, folded: 1 }, 2)
  return weights === undefined || layoutOf(program.tensor(value), segment) === undefined
    ? undefined
    : { value, weights }
}

/** [b,1,1,n] */
function isOneRow(program: Program, name: string): boolean {
  const { hasShape, dims } = program.tensor(name)
  return hasShape && dims.length === 4 && dims[1] === 1 && dims[2] === 1
}

/** The operand before a Transpose and a factor. */
function unturned(name: string, rank: number, { turned }: AttentionSource): Turned {
  return turned(name) ?? { from: name, perm: inOrder(rank), scale: 1 }
}

/** The order in which axes stay where they are. */
export function inOrder(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis)
}

/** The number among the two inputs of a node, and which of them it is. */
export function numberAmong(
  program: Program,
  inputs: readonly string[],
): { number: number; index: number } | undefined {
  const numbers = inputs.map((name) => constantData(program.tensor(name)))
  const index = numbers.findIndex((data) => data?.data.length === 1 && data.dims.length === 0)
  return index < 0 ? undefined : { number: Number(numbers[index]?.data[0]), index }
}

/** The Transpose that alone reads a value. */
export function onlyTranspose(program: Program, name: string): NodeProto | undefined {
  const [only, ...others] = program.graph.consumers(name)
  return others.length === 0 && only?.node.opType === 'Transpose' && !program.graph.isOutput(name)
    ? only.node
    : undefined
}

function isStandard(program: Program, node: NodeProto | undefined, segment: Segment): boolean {
  return node !== undefined && layoutOf(program.tensor(node.output[0] as string), segment)?.rows === 0
}

/** The term that is added for each key, packed: [b|1,1,1,n] → [1,t]; '' for nothing. */
function packedKeys(names: readonly string[], source: AttentionSource): string | undefined {
  if (names.length === 0) return ''
  return source.once(`keys/${names.join()}`, () => {
    const flat = sumOf(names, source, (value) => squeeze(withLeadingAxes(value, 4), [1, 2]))
    return source.take(flat, { rows: 0, axis: 1, folded: 1 }, 2)
  })
}

/** The term that is added for each pair of tokens, still padded: [b|1,h|1,n,n]; '' for nothing. */
function pairBias(names: readonly string[], source: AttentionSource): string {
  if (names.length === 0) return ''
  return source.once(`pairs/${names.join()}`, () => sumOf(names, source, (value) => withLeadingAxes(value, 4)))
}

function sumOf(names: readonly string[], { program }: AttentionSource, shaped: (value: Tensor) => Tensor): string {
  const placeholders = new Map<Tensor, string>()
  const terms = names.map((name) => {
    const known = program.tensor(name)
    const value = placeholder(name, known, known.dims)
    placeholders.set(value, name)
    return cast(shaped(value), 'float32')
  })
  return program.write(terms.reduce(add), placeholders, { prefix: `${names[0]}/packed` }).name
}
