import { PACKED_DOMAIN } from '@tp/core/packed'
import type { Model, NodeProto } from '@tp/onnx'
import type { Attention } from '../analyze/attention.ts'
import { requireNoReturn } from '../analyze/earlier-cuts.ts'
import type { Encoder } from '../analyze/encoder.ts'
import { paddingReader } from '../analyze/padding-reader.ts'
import { dropViews } from '../normalize/batch-first.ts'
import { foldBack } from '../normalize/fold-back.ts'
import type { Opened } from '../normalize/open.ts'
import { markPacked } from '../program/packed-mark.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { Repeats } from '../prune/repeats.ts'
import { numberAmong, packedAttention, type Turned } from './attention.ts'
import { fuseBatchAttentions } from './batch-attention.ts'
import { fuseEightBitRows, roundsRows, type SizesOf } from './eight-bit-rows.ts'
import { writeBodies } from './operators.ts'
import { PackedValues } from './packed-values.ts'
import { dropPlainMasks } from './plain-masks.ts'
import { fuseRescaling } from './rescaled-rows.ts'
import { type Segment, writeSegments } from './segments.ts'
import { separateRounding } from './separate-rounding.ts'
import { packedCopy, packedInputs, paddingRows, type Surroundings } from './token-wise.ts'
import { rewriteShapes, unpackWhatIsRead } from './unpack.ts'

/** A packed model. */
export interface PackedModel {
  readonly model: Model
  /** Attentions that are computed over each example's own tokens; the others are still over padded ones. Undefined where none has padding. */
  readonly attentions: number | undefined
  /** Values that one operator rounds to 8 bits. */
  readonly rounded: number
}

/** @throws Refused */
export function packModel({ program, expansions }: Opened, encoders: readonly Encoder[]): PackedModel {
  for (const { earlier } of encoders) requireNoReturn(earlier)
  program.graph.sortTopologically()
  const byIntegers = roundsRows(program.graph)
  const segments = encoders.flatMap((encoder) => writeSegments(program, encoder))
  for (const segment of segments) requireNoMixing(program, segment)
  const found = encoders.flatMap(({ layers }) => layers.map(({ attention }) => attention))
  const values = new PackedValues(program, segments)
  const attentions = packNodes(values, new Map(found.map((attention) => [attention.context, attention])), byIntegers)
  if (segments.length > 0 && values.replaced.size === 0) {
    throw new Refused('TP_PACK', 'no operator of this model was found to work on each token by itself')
  }
  rewriteShapes(values)
  const withPadding = unpackWhatIsRead(values)
  dropPlainMasks(
    program,
    segments.filter((segment) => !withPadding.has(segment)),
  )
  program.graph.removeDeadNodes()
  program.graph.importOperators(PACKED_DOMAIN)
  dropViews(program)
  foldBack(program, expansions)
  if (segments.length === 0 && byIntegers) fuseBatchAttentions(program, found)
  const rounded = fuseEightBitRows(program.graph, sizesIn(values))
  fuseRescaling(program.graph)
  if (segments.length === 0 && rounded === 0) {
    const reason =
      'its examples have equal numbers of tokens: it has no mask of a free length, and the data do not decide how many are kept'
    throw new Refused(
      'TP_PACK',
      `the model gains nothing by being packed: ${reason}; nor are its activations rounded by token`,
    )
  }
  separateRounding(program.graph)
  writeBodies(program.graph)
  markPacked(program.model)
  return { model: program.model, attentions: segments.length > 0 ? attentions : undefined, rounded }
}

/**
 * Refuses a model that counts padding like any token (a mean without the mask): each of those tokens would have to be computed.
 * @throws Refused TP_PACK
 */
function requireNoMixing(program: Program, segment: Segment): void {
  const node = paddingReader(program, segment)
  if (node === undefined) return
  const reason = `its answers depend on the padding of a batch: ${node.opType} counts tokens of padding like others`
  throw new Refused('TP_PACK', `the model cannot be packed: ${reason}, and these are not computed`, node)
}

/** Sizes of values: those of packed ones are as their padded forms' if they are packed in the same way. */
function sizesIn({ program, padded }: PackedValues): SizesOf {
  return (name) => {
    const { name: original, segment } = padded(name) ?? { name, segment: undefined }
    const tensor = program.knows(original) ? program.tensor(original) : undefined
    return tensor?.hasShape ? [segment?.from, ...tensor.dims].join(' ') : undefined
  }
}

/** Writes the packed form of every node that has one; returns how many attentions are among them. */
function packNodes(values: PackedValues, attentions: ReadonlyMap<string, Attention>, byIntegers: boolean): number {
  const { program } = values
  const repeats = new Repeats(program, 'tp/packed')
  const turned = new Map<string, Turned>()
  let found = 0
  for (const node of [...program.graph.nodes]) {
    if (node.domain === PACKED_DOMAIN || node.output.some((name) => values.has(name))) continue
    const segment = segmentOf(values, node)
    if (segment === undefined || !node.output.some((name) => segment.own.has(name))) continue
    const around: Surroundings = {
      program,
      segment,
      packed: (name) => values.get(name)?.name,
      tokensFirst: (name) => values.get(name)?.tokensFirst,
      padding: (name) => values.get(name)?.padding,
      take: (name, layout, rank) => values.take(name, segment, layout, rank),
    }
    const attention = attentions.get(node.output[0] as string)
    if (attention === undefined) packNode(values, node, around, turned)
    else {
      const once = <T extends string | undefined>(key: string, make: () => T): T =>
        values.once(`${segment.from}/${key}`, make)
      const source = { ...around, repeats, once, byIntegers, turned: (name: string) => turned.get(name) }
      const packed = packedAttention(attention, source)
      if (packed === undefined) continue
      program.graph.insert(packed.nodes)
      values.replaced.add(node)
      if (!packed.hidesPadding) values.seesPadding.add(segment)
      for (const [padded, name] of packed.replaces) {
        values.declare(name, padded)
        values.replace(program.graph.producer(padded) as NodeProto, [name], segment, 'any')
      }
      found++
    }
  }
  return found
}

/** The segment of which a node reads packed values; undefined if there is none, or more than one. */
function segmentOf(values: PackedValues, node: NodeProto): Segment | undefined {
  const [segment, ...others] = new Set(node.input.flatMap((name) => values.get(name)?.segment ?? []))
  return others.length === 0 ? segment : undefined
}

function packNode(values: PackedValues, node: NodeProto, around: Surroundings, turned: Map<string, Turned>): void {
  const { graph } = values.program
  const inputs = packedInputs(node, around)
  if (inputs === undefined) return
  const outputs = node.output.map((name) => (name === '' ? '' : graph.uniqueName(`${name}/packed`)))
  const copy = packedCopy(node, inputs, outputs, around)
  if (copy === undefined) return
  graph.insert([copy])
  if (node.opType === 'Transpose') {
    const { perm } = values.program.tensor(node.output[0] as string).node.attributes
    turned.set(outputs[0] as string, { from: inputs[0] as string, perm: perm as readonly number[], scale: 1 })
  }
  const factor = node.opType === 'Mul' ? numberAmong(values.program, node.input) : undefined
  const made = factor === undefined ? undefined : turned.get(inputs[1 - factor.index] as string)
  if (factor !== undefined && made !== undefined)
    turned.set(outputs[0] as string, { ...made, scale: made.scale * factor.number })
  values.replace(node, outputs, around.segment, paddingRows(node, around))
}
