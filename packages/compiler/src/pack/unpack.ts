import { axisSize, concat, constant, mul, reshape, type Tensor, transpose, unsqueeze } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { PACKED_DOMAIN, variantName } from '@tp/core/packed'
import { capturedNames, createNode, type NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import { operatorOf } from '../operators/traits.ts'
import { Refused } from '../program/refusal.ts'
import { hasOneAxis, type Layout, mayHaveTokens } from './layout.ts'
import { packedNode } from './operators.ts'
import type { PackedValue, PackedValues } from './packed-values.ts'
import { keepPadding, type Segment } from './segments.ts'

/**
 * Makes shapes of padded values from that of the value that their segment begins with: it would be a waste to unpack for them,
 * and impossible where what says which tokens are real is made from them.
 */
export function rewriteShapes(values: PackedValues): void {
  const { graph } = values.program
  for (const result of values.results) {
    for (const { node } of [...graph.consumers(result)]) {
      const [output] = node.output as [string]
      if (node.opType !== 'Shape' || values.replaced.has(node) || graph.isOutput(output)) continue
      const name = writeShape(values, result, output)
      if (name !== undefined) graph.replaceAllUses(output, name)
    }
  }
}

/** `shape`: the result of a Shape node, perhaps of some axes only. */
function writeShape(values: PackedValues, value: string, shape: string): string | undefined {
  const { program } = values
  const { segment, layout } = values.get(value) as PackedValue
  if (layout === undefined) return undefined
  const { start = 0, end } = program.tensor(shape).node.attributes as { start?: number; end?: number }
  const known = program.tensor(segment.from)
  const from = placeholder(segment.from, known, known.dims)
  const [rows, tokens] = [axisSize(from, 0), axisSize(from, 1)]
  const sizes = program.tensor(value).dims.map((dim, axis) => {
    if (axis === layout.axis) return axis === layout.rows ? mul(rows, tokens) : tokens
    return axis === layout.rows ? mul(rows, layout.folded) : constant([dim as number], 'int64')
  })
  const names = new Map([[from, segment.from]])
  return program.write(concat(sizes.slice(start, end), 0), names, { prefix: `${shape}/padded` }).name
}

/**
 * Makes the padded values that something still reads (methods, heads, outputs) from the packed ones.
 * @returns the segments of which a token of padding is packed for that
 */
export function unpackWhatIsRead(values: PackedValues): ReadonlySet<Segment> {
  const { graph } = values.program
  const read = paddedReads(values)
  const withPadding = new Set([...read].flatMap((name) => needsPadding(values, name) ?? []))
  for (const node of values.replaced) graph.remove(node)
  for (const segment of withPadding) {
    if (values.seesPadding.has(segment)) throw paddingNotHidden()
    keepPadding(values.program, segment)
  }
  for (const output of read) {
    const { name, layout, tokensFirst, segment } = values.get(output) as PackedValue
    if (layout === undefined)
      graph.insert([createNode({ type: 'Identity', name: `${output}/whole`, inputs: [name], outputs: [output] })])
    else if (tokensFirst) unpackTokensFirst(values, output)
    else graph.insert([unpackNode(values, name, { output, layout, segment })])
    if (!graph.isOutput(output)) values.declare(output, output)
  }
  return withPadding
}

/** Unpacks with examples first, [b,…,n,…] as the operator has them, and turns that. */
function unpackTokensFirst(values: PackedValues, output: string): void {
  const { graph } = values.program
  const { name, layout, segment } = values.get(output) as PackedValue & { readonly layout: Layout }
  const known = values.program.tensor(output)
  const isFlat = hasOneAxis(layout)
  const [rows, axis] = isFlat ? [0, 1] : [layout.axis, layout.rows]
  const sizes = known.dims.map((dim, i) => (i === layout.axis ? 't' : i === layout.rows ? layout.folded : dim))
  const apart = isFlat ? [1, ...sizes] : sizes
  const swap = apart.map((_, i) => (i === rows ? axis : i === axis ? rows : i))
  const padded = graph.uniqueName(`${output}/padded`)
  const written = (from: string, dims: readonly Dim[], to: string, turn: (x: Tensor) => Tensor): string => {
    const x = placeholder(from, known, dims)
    values.program.setTensor(from, x)
    return values.program.write(turn(x), new Map([[x, from]]), { prefix: `${output}/${to}` }).name
  }
  const turned = written(name, sizes, 'turned', (x) => (isFlat ? unsqueeze(x, [0]) : transpose(x, swap)))
  const apartLayout = { rows, axis, folded: layout.folded }
  graph.insert([unpackNode(values, turned, { output: padded, layout: apartLayout, segment, like: output })])
  const whole = written(padded, apart, 'whole', (x) => {
    const back = transpose(x, swap)
    return isFlat ? reshape(back, [-1, ...apart.slice(2).map((_, i) => axisSize(x, i + 2))]) : back
  })
  graph.insert([createNode({ type: 'Identity', name: `${output}/Identity`, inputs: [whole], outputs: [output] })])
}

interface Padded {
  readonly output: string
  readonly layout: Layout
  readonly segment: Segment
  /** A value of the same type; default: `output`. */
  readonly like?: string
}

function unpackNode(
  { program }: PackedValues,
  x: string,
  { output, layout, segment, like = output }: Padded,
): NodeProto {
  const { dtype } = program.tensor(like)
  const operator = variantName(hasOneAxis(layout) ? 'UnpackFlat' : 'Unpack', dtype === 'float32' ? [] : [dtype])
  const inputs = { x, positions: segment.positions, attended: segment.real }
  return packedNode(operator, inputs, { y: output }, { ...layout })
}

/** The segment of a value whose rows of padding have to be what the model makes of them, as 0 in their place would change answers. */
function needsPadding(values: PackedValues, name: string): Segment | undefined {
  const { segment, layout, padding } = values.get(name) as PackedValue
  if (layout === undefined || padding === 'zero') return undefined
  return padding === 'masked' || !canBeZero(values, name, segment) ? segment : undefined
}

/**
 * True if rows of padding can be 0 in a value whose own rows there are `any`: of what reads them, nothing becomes infinite or NaN.
 * Rows that are mixed with those of other tokens are not followed: a model that does that answers by its padding in any case.
 */
function canBeZero({ program, replaced }: PackedValues, value: string, segment: Segment): boolean {
  const seen = new Set<string>()
  const queue = [value]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    for (const { node, index } of program.graph.consumers(name)) {
      // A later segment packs its real tokens.
      if (replaced.has(node) || node.domain === PACKED_DOMAIN) continue
      const operator = operatorOf(node)
      if (operator === undefined || operator.singular === index) return false
      queue.push(...node.output.filter((output) => output !== '' && mayHaveTokens(program.tensor(output), segment)))
    }
  }
  return true
}

function paddingNotHidden(): Refused {
  const seen = 'an attention of it does not hide padding, and values computed for padding are needed downstream'
  return new Refused('TP_PACK', `the model cannot be packed: ${seen}`)
}

/** Values with a packed form that the outputs still need padded. */
function paddedReads(values: PackedValues): Set<string> {
  const { graph } = values.program
  const read = new Set<string>()
  const seen = new Set<string>()
  const queue = graph.outputs.map(({ name }) => name)
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === '' || seen.has(name)) continue
    seen.add(name)
    if (values.results.has(name)) {
      const { name: packed, segment } = values.get(name) as PackedValue
      read.add(name)
      queue.push(packed, segment.positions, segment.real)
      continue
    }
    const node = graph.producer(name)
    if (node !== undefined) for (const input of [...node.input, ...capturedNames(node)]) queue.push(input)
  }
  return read
}
