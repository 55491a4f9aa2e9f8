import type { Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { isWholeSlice } from '../operators/token-reads.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import {
  areInSamePlaces,
  hasBatch,
  hasOneAxis,
  isSameForAll,
  isTokensFirst,
  type Layout,
  layoutOf,
  packedSizes,
} from './layout.ts'
import { numberAtMarks } from './number-at-marks.ts'
import { type PaddingRows, paddingOf } from './padding.ts'
import type { Segment } from './segments.ts'

/** The facts that packing a node needs about the values around it. */
export interface Surroundings {
  readonly program: Program
  readonly segment: Segment
  /** The packed form of a value, if it has one already. */
  packed(name: string): string | undefined
  /** Whether a packed value stands for one with the examples of a token next to each other; undefined for other values. */
  tokensFirst(name: string): boolean | undefined
  /** The contents of a packed value in rows of padding when it is padded; undefined for other values. */
  padding(name: string): PaddingRows | undefined
  /** Packs a value from elsewhere (a mask, a table of positions) along an axis, for a reader of that many axes. */
  take(name: string, layout: Layout, rank: number): string | undefined
}

/**
 * Inputs with which a node computes the packed form of its result, or undefined if it does not treat every token by itself.
 * Only the kind of operator, the axes and the sizes matter.
 */
export function packedInputs(node: NodeProto, around: Surroundings): readonly string[] | undefined {
  const { program, segment } = around
  const [output, ...others] = node.output.map((name) => program.tensor(name))
  if (output === undefined || [output, ...others].some((each) => !each.hasShape)) return undefined
  const isElementwise = operatorOf(node)?.elementwise !== undefined
  if (hasTrait(node, 'rounded by range')) return node.input.map((input) => around.packed(input) as string)
  if (node.input.every((input) => isScalar(input, around))) {
    return isElementwise ? node.input.map((input) => around.packed(input) ?? input) : undefined
  }
  const layouts = [output, ...others].map((each) => layoutOf(each, segment))
  const [layout] = layouts
  if (layout === undefined || layouts.includes(undefined)) return undefined
  const orders = new Set(node.input.flatMap((input) => around.tokensFirst(input) ?? []))
  if (orders.size > 1) return undefined
  if (isElementwise) return broadcast(node, output, layout, around)
  const [data, ...rest] = node.input as [string, ...string[]]
  const from = layoutOf(program.tensor(data), segment)
  const packed = around.packed(data)
  if (from === undefined || packed === undefined) return undefined
  if (hasTrait(node, 'joined axes')) {
    const isOrdered = hasOneAxis(layout) || orders.has(isTokensFirst(layout))
    if (!isOrdered || !areInSamePlaces(program.tensor(data), from, output, layout)) return undefined
  }
  if (hasTrait(node, 'joined values')) return concatenated(node, output, layout, around)
  const operands = rest.map((input) => sameForAll(input, around))
  if (operands.includes(undefined)) return undefined
  return treatsAlike(node, output, from, around) ? [packed, ...(operands as string[])] : undefined
}

/** The contents of the results of a packed node in rows of padding. */
export function paddingRows(node: NodeProto, around: Surroundings): PaddingRows {
  const { program, segment } = around
  const inputs = node.input.map((name) => {
    if (name === '' || around.packed(name) !== undefined) return around.padding(name)
    if (!program.tensor(name).dims.some((dim) => hasBatch(dim, segment))) return undefined
    return numberAtMarks(program, name, segment.marks) === 0 ? 'zero' : 'masked'
  })
  const choosesZero = hasTrait(node, 'choice') && inputs[0] === 'zero' && isZero(node.input[2] as string, around)
  return choosesZero ? 'zero' : paddingOf(node, inputs)
}

/** The node of a packed value: a copy on packed inputs; shapes that count tokens become ones that do not. */
export function packedCopy(
  node: NodeProto,
  inputs: readonly string[],
  outputs: readonly string[],
  { program, segment }: Surroundings,
): NodeProto | undefined {
  const [first] = node.output as [string]
  const tensor = program.tensor(first)
  if (isWholeSlice(tensor)) {
    return createNode({ type: 'Identity', name: `${outputs[0]}/Identity`, inputs: inputs.slice(0, 1), outputs })
  }
  if (!hasTrait(node, 'joined axes')) {
    const copy = createNode({
      type: node.opType,
      domain: node.domain,
      name: `${outputs[0]}/${node.opType}`,
      inputs,
      outputs,
    })
    copy.attribute = node.attribute
    return copy
  }
  const sizes = packedSizes(tensor, layoutOf(tensor, segment) as Layout)
  if (sizes === undefined) return undefined
  const shape = program.graph.uniqueName(`${outputs[0]}/shape`)
  program.graph.addInitializer(shape, { type: 'int64', dims: [sizes.length], data: BigInt64Array.from(sizes, BigInt) })
  const data = inputs[0] as string
  return createNode({ type: 'Reshape', name: `${outputs[0]}/Reshape`, inputs: [data, shape], outputs })
}

/** True if the operator takes tokens along `from.axis` of its first input and treats each as it treats all others. */
function treatsAlike(node: NodeProto, output: Tensor, from: Layout, { program }: Surroundings): boolean {
  const [input, ...others] = node.input.filter((each) => each !== '').map((each) => program.tensor(each))
  const view = { node, input: input as Tensor, others, output, tokens: from.axis, batch: from.rows }
  return operatorOf(node)?.packs?.(view) === true
}

function concatenated(
  node: NodeProto,
  output: Tensor,
  { rows, axis }: Layout,
  around: Surroundings,
): string[] | undefined {
  const along = output.node.attributes.axis
  const parts = node.input.map((input) => around.packed(input))
  return along === axis || along === rows || parts.includes(undefined) ? undefined : (parts as string[])
}

/** Operands that meet element by element, each broadcast to the result. */
function broadcast(node: NodeProto, output: Tensor, layout: Layout, around: Surroundings): string[] | undefined {
  const operands = node.input.map((input) => {
    if (input === '') return ''
    const packed = around.packed(input)
    if (packed !== undefined) return packed
    const tensor = around.program.tensor(input)
    if (!tensor.hasShape) return undefined
    const missing = output.rank - tensor.rank
    const at = (axis: number): unknown => (axis < missing ? 1 : tensor.dims[axis - missing])
    if (isSameForAll(tensor, around.segment)) return at(layout.axis) === 1 && at(layout.rows) === 1 ? input : undefined
    // A value that differs between examples may say what stands at padding, and something downstream may need to read it there
    // (scores of tokens, hidden by −10³⁰). Unpacked it would be 0.
    const isShared = tensor.dims.every((dim) => !hasBatch(dim, around.segment))
    // In one axis, the rows of a value from elsewhere may be in either order.
    if (hasOneAxis(layout) && !isShared && node.input.some(around.tokensFirst)) return undefined
    return isShared || givesZeroAtPadding(node, input, around) ? around.take(input, layout, output.rank) : undefined
  })
  return operands.includes(undefined) ? undefined : (operands as string[])
}

/** True for x · mask, and for what a mask chooses instead of 0. */
function givesZeroAtPadding(node: NodeProto, mask: string, around: Surroundings): boolean {
  if (node.opType === 'Mul') return true
  return hasTrait(node, 'choice') && node.input[0] === mask && isZero(node.input[2] as string, around)
}

function isZero(name: string, { program }: Surroundings): boolean {
  return constantData(program.tensor(name))?.data.every((x) => x === 0) === true
}

/** An operand that does not have tokens: a weight, or a number that was computed from all of them. */
function sameForAll(input: string, around: Surroundings): string | undefined {
  if (input === '') return ''
  const packed = around.packed(input)
  if (packed !== undefined) return isScalar(input, around) ? packed : undefined
  return isSameForAll(around.program.tensor(input), around.segment) || isShape(input, around) ? input : undefined
}

/** Scales of quantized products are one number each. */
function isScalar(input: string, { program }: Surroundings): boolean {
  const tensor = input === '' ? undefined : program.tensor(input)
  return tensor?.hasShape === true && tensor.dims.every((dim) => dim === 1)
}

/** Shapes count tokens by what they hold; those of reshapes are rewritten. */
function isShape(input: string, { program }: Surroundings): boolean {
  return program.tensor(input).dtype === 'int64'
}
