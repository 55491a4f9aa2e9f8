import { cast, squeeze } from '@tp/core'
import { variantName } from '@tp/core/packed'
import type { NodeProto } from '@tp/onnx'
import type { Attention } from '../analyze/attention.ts'
import { placeholder } from '../operators/flow.ts'
import type { Program } from '../program/program.ts'
import { Repeats } from '../prune/repeats.ts'
import { withLeadingAxes } from '../prune/rows.ts'
import { inOrder, numberAmong, onlyTranspose, type Turned } from './attention.ts'
import { packedNode } from './operators.ts'
import { scoreTerms } from './score-terms.ts'

/**
 * Computes attentions of examples without padding (images), each with its Softmax and the Transposes around it, by one operator. In place; returns
 * how many. Those whose scores are more than scaled, with one number for each key added (sizes of merged tokens), or whose probabilities
 * something else reads, remain as they are.
 */
export function fuseBatchAttentions(program: Program, attentions: readonly Attention[]): number {
  const repeats = new Repeats(program, 'tp/attention')
  return attentions.filter((attention) => fuse(program, attention, repeats)).length
}

function fuse(program: Program, attention: Attention, repeats: Repeats): boolean {
  const { graph } = program
  const operands = [attention.query, attention.keyTransposed, attention.value].map((name) => program.tensor(name))
  const areKnown = operands.every((each) => each.hasShape && each.rank === 4 && each.dtype === 'float32')
  const keys = operands[1]?.dims[3]
  if (!areKnown || keys === undefined || isReadElsewhere(program, attention)) return false
  const terms = scoreTerms(attention, { program, segment: { count: keys }, repeats })
  if (terms === undefined || terms.pairs.length > 0 || terms.keys.length > 1) return false
  const [query, key, value] = [attention.query, attention.keyTransposed, attention.value].map((name) =>
    operand(program, name, inOrder(4)),
  ) as [Turned, Turned, Turned]
  if (value.scale !== 1) return false
  const after = onlyTranspose(program, attention.context)
  const perm = after && permOf(program, after)
  const isTurned = perm?.[0] === 0 && perm[3] === 3
  const old = isTurned ? (after?.output[0] as string) : attention.context
  const producer = graph.producer(old)
  // A fused operator that was written out for the analysis alone: its parts are not in the graph, and it remains as it is.
  if (producer === undefined) return false
  const [keyBias] = terms.keys.map((name) => flatBias(program, name))
  graph.remove(producer)
  graph.insert([
    packedNode(
      variantName('BatchAttention', keyBias === undefined ? [] : ['keyBias']),
      { query: query.from, key: key.from, value: value.from, ...(keyBias !== undefined && { keyBias }) },
      { context: old },
      {
        scale: terms.scale * query.scale * key.scale,
        queryPerm: query.perm,
        keyPerm: key.perm,
        valuePerm: value.perm,
        contextPerm: isTurned ? perm : inOrder(4),
        integers: 1,
      },
    ),
  ])
  return true
}

/** Whether scores or probabilities have a reader besides the attention itself (a method that prunes by them). */
function isReadElsewhere({ graph }: Program, { chain, probabilities, context }: Attention): boolean {
  const inside = new Set(chain)
  for (let name = context; ; ) {
    const node = graph.producer(name)
    if (node === undefined || inside.has(node)) break
    inside.add(node)
    // Between the probabilities and the product there are only nodes that change no value.
    name = node.input[0] as string
    if (name === probabilities) break
  }
  const values = [...inside].flatMap(({ output }) => output).filter((name) => name !== context)
  return values.some((name) => graph.isOutput(name) || graph.consumers(name).some(({ node }) => !inside.has(node)))
}

/** An operand upstream of what moves its axes, examples remaining first, and of what multiplies it by a number. */
function operand(program: Program, name: string, axes: readonly number[], scale = 1): Turned {
  const node = program.graph.producer(name)
  const perm = node && permOf(program, node)
  if (node !== undefined && perm?.[0] === 0) {
    const turned = axes.map((axis) => perm[axis] as number)
    return operand(program, node.input[0] as string, turned, scale)
  }
  const factor = node?.opType === 'Mul' && node.domain === '' ? numberAmong(program, node.input) : undefined
  if (node === undefined || factor === undefined) return { from: name, perm: axes, scale }
  return operand(program, node.input[1 - factor.index] as string, axes, scale * factor.number)
}

function permOf(program: Program, { opType, output }: NodeProto): readonly number[] | undefined {
  return opType === 'Transpose'
    ? (program.tensor(output[0] as string).node.attributes.perm as readonly number[] | undefined)
    : undefined
}

/** [b|1,1,1,n] → [b|1,n] */
function flatBias(program: Program, name: string): string {
  const known = program.tensor(name)
  const value = placeholder(name, known, known.dims)
  const flat = cast(squeeze(withLeadingAxes(value, 4), [1, 2]), 'float32')
  return program.write(flat, new Map([[value, name]]), { prefix: `${name}/attention` }).name
}
