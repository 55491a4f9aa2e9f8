import { abs, cast, div, max, maximum, round } from '@tp/core'
import { type Dim, isUnknown } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { type Cache, findCaches } from '../analyze/caches.ts'
import { hasTrait } from '../operators/traits.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { foldOpened } from '../prune/fold.ts'
import { opened } from './analysis.ts'
import { hasEightBitCaches, hasFloatCaches, hasOpset, isDecoder, isUnpacked } from './conditions.ts'
import type { Transform } from './transform.ts'

/** The first opset whose DequantizeLinear has a scale for each row. */
const LEAST_OPSET = 13
const PREFIX = 'tp/cache'

export interface QuantizeCachesReport {
  readonly transform: 'quantizeCaches'
  /** How many are stored in 8 bits. */
  readonly caches: number
}

/**
 * Makes a decoder keep its caches in 8 bits: a quarter of the bytes. Every key and every value of a head, [d], is rounded once, when its token is
 * read, to int8 with a scale of its own; nothing is measured beforehand, and nothing is clipped:
 *
 *     scale = max |x| / 127,   stored = round(x / scale),   read = stored · scale
 *
 * Caches become int8 [b,g,n,d], under the names that they have. Next to each there is a cache of scales, float32 [b,g,n,1]: the input
 * `past_key_values.0.key_scale`, and the output `present.0.key_scale`, which are given back like any other cache. Attention reads what is stored,
 * also within a prompt, so that a text says the same whether it was read at once or in parts.
 *
 * Last of all transforms: `lastLogits`, `prunePrompt` and `press` are for the file that it is made from.
 *
 * Refused: TP_DECODER for what is not a decoder with caches; TP_QUANTIZED where they are of 8 bits already; TP_UNSUPPORTED_OP where the
 * attention is one operator (such as GroupQueryAttention), which reads float caches; TP_QUANTIZE for caches of half precision;
 * TP_OPSET before 13; TP_HEADS.
 * @example
 * const { model } = transform(decoder, lastLogits(), quantizeCaches())
 */
export function quantizeCaches(): Transform<QuantizeCachesReport> {
  return {
    name: 'quantizeCaches',
    requires: [isUnpacked, isDecoder, hasFloatCaches, hasOpset(LEAST_OPSET, '8-bit caches')],
    ensures: [hasEightBitCaches],
    apply(subject) {
      const { program, expansions } = opened(subject)
      foldOpened(program, expansions)
      program.refresh()
      for (const cache of findCaches(program)) bypassCopies(program, cache)
      program.graph.removeDeadNodes()
      program.refresh()
      const caches = findCaches(program)
      for (const cache of caches) quantizeCache(program, cache)
      program.graph.sortTopologically()
      return { model: program.model, report: { transform: 'quantizeCaches', caches: caches.length } }
    },
  }
}

/** Takes out the copies between the input of a cache, the joined rows and its output: some exporters convert float32 to float32. */
function bypassCopies(program: Program, { past, present, node }: Cache): void {
  if (node.opType !== 'Concat') return
  const { graph } = program
  if (isCopyOf(program, node.input[0] as string, past)) graph.replaceInput(node, 0, past)
  const [joined] = node.output as [string]
  const copy = graph.producer(present)
  if (joined === present || copy === undefined || !isCopyOf(program, present, joined)) return
  const copied = graph.uniqueName(`${present}/copy`)
  graph.renameOutput(copy, 0, copied)
  graph.renameOutput(node, 0, present)
  graph.replaceAllUses(copied, present)
}

/** True if a value is another one, passed on in its own type. */
function isCopyOf(program: Program, name: string, source: string): boolean {
  if (name === source) return true
  const node = program.graph.producer(name)
  if (node === undefined || !hasTrait(node, 'same values')) return false
  const [from] = node.input as [string]
  return program.tensor(from).dtype === program.tensor(name).dtype && isCopyOf(program, from, source)
}

function quantizeCache(program: Program, cache: Cache): void {
  requireRows(program, cache)
  const { past, present, node } = cache
  const { graph } = program
  const [before, after] = [past, present].map((name) => declared(program.tensor(name).dims)) as [Declared, Declared]
  const [pastScale, presentScale] = [`${past}_scale`, `${present}_scale`]
  const { axis } = program.tensor(present).node.attributes
  const { stored, scale } = rounded(program, node)
  graph.replaceInput(node, 1, stored)
  const joined = createNode({
    ...{ type: 'Concat', name: `${presentScale}/Concat`, inputs: [pastScale, scale], outputs: [presentScale] },
    attributes: { axis: axis as number },
  })
  const { nodes, whole } = reading(program, present, presentScale)
  graph.insert([joined, ...nodes])
  graph.replaceAllUses(present, whole, { except: nodes })
  graph.setValueInfo(past, 'int8', before)
  graph.setValueInfo(present, 'int8', after)
  graph.addInput(pastScale, 'float32', before.with(-1, 1))
  graph.addOutput(presentScale, 'float32', after.with(-1, 1))
}

/** New keys or values [b,g,n,d] as int8, and their scales [b,g,n,1]. */
function rounded(program: Program, node: NodeProto): { readonly stored: string; readonly scale: string } {
  const operands = new Operands(program)
  const added = operands.value(node.input[1] as string)
  const scale = div(maximum(max(abs(added), -1, { keepDims: true }), SMALLEST), 127)
  const stored = cast(round(div(added, scale)), 'int8')
  const written = program.writeAll([stored, scale], operands.names, { prefix: PREFIX, before: node })
  const [storedName, scaleName] = written.map(({ name }) => name) as [string, string]
  return { stored: storedName, scale: scaleName }
}

/** Scaled integers as floats again: one scale for each row of a matrix, which is the form that runtimes compute fast. */
function reading(program: Program, stored: string, scale: string): { nodes: NodeProto[]; whole: string } {
  const size = program.tensor(stored).dims.at(-1) as number
  const nodes: NodeProto[] = []
  const add = (type: string, inputs: string[], attributes: Record<string, number> = {}): string => {
    const output = program.graph.uniqueName(`${stored}/${type}`)
    nodes.push(createNode({ type, name: output, inputs, outputs: [output], attributes }))
    return output
  }
  const rows = add('Reshape', [stored, shapeOf(program, [-1, size])])
  const scales = add('Reshape', [scale, shapeOf(program, [-1])])
  const floats = add('DequantizeLinear', [rows, scales], { axis: 0 })
  return { nodes, whole: add('Reshape', [floats, add('Shape', [stored])]) }
}

/** The scale of a row of zeros: any number but 0. */
const SMALLEST = 1e-30

/** @throws Refused where a cache is not rows [d] of float32 that are joined in the graph */
function requireRows(program: Program, { past, present, node }: Cache): void {
  if (node.opType !== 'Concat') {
    const reason = `${node.opType} reads its caches as floats`
    throw new Refused('TP_UNSUPPORTED_OP', `${reason}; export the decoder with its attention written out`, node)
  }
  const { dtype, dims } = program.tensor(past)
  if (dtype !== 'float32') throw otherType(`the cache ${past} is ${dtype}`, node)
  if (node.input[0] !== past || node.output[0] !== present)
    throw otherType(`the cache ${past} is converted to another type between its input and its output`, node)
  if (typeof dims.at(-1) !== 'number')
    throw new Refused('TP_HEADS', `the cache ${past} has heads of a size that is not known`, node)
}

function otherType(reason: string, node: NodeProto): Refused {
  return new Refused('TP_QUANTIZE', `${reason}; caches that are float32 throughout can be stored in 8 bits`, node)
}

type Declared = readonly (number | string | undefined)[]

function declared(dims: readonly Dim[]): Declared {
  return dims.map((dim) => (isUnknown(dim) ? undefined : (dim as number | string)))
}

function shapeOf({ graph }: Program, sizes: readonly number[]): string {
  const name = `${PREFIX}/${sizes.join(',')}`
  if (graph.initializer(name) === undefined)
    graph.addInitializer(name, { type: 'int64', dims: [sizes.length], data: BigInt64Array.from(sizes, BigInt) })
  return name
}
