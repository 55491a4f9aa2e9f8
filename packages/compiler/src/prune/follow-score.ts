import { cast, expand, input, mean, shape, squeeze, type Tensor, unsqueeze } from '@tp/core'
import { apply } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'

export interface FollowScoreOptions {
  /** The value float32 [b,n]: a score of each token of the stream. */
  readonly score: string
  /** The value [b,n,D]. */
  readonly stream: string
  /** The value [b,N,D'] that is computed from it. */
  readonly output: string
}

/**
 * Writes the score of each row of an output [b,N], from that of the tokens that the row is made of: what moves values moves scores in
 * the same way, by the same nodes, and where several tokens become channels of one row, as in a pixel shuffle, or are averaged, its
 * score is their mean. A row that is computed of itself alone keeps its score.
 * @returns the name of the written value
 * @throws Refused TP_IMAGE_TOKENS at a node that mixes rows in another way
 */
export function followScore(program: Program, { score, stream, output }: FollowScoreOptions): string {
  const upstream = program.before(output, stream)
  const names = new Map<Tensor, string>()
  const value = (name: string): Tensor => {
    const placeholder = placeholderOf(program, name)
    names.set(placeholder, name)
    return placeholder
  }
  const { dtype, dims: shapeOfScore } = program.tensor(score)
  const own = input('score', dtype, shapeOfScore)
  names.set(own, score)
  const scores = new Map<string, Tensor>([[stream, unsqueeze(cast(own, 'float32'), [2])]])
  for (const node of program.graph.nodes) {
    const [result = ''] = node.output
    const index = node.input.findIndex((name) => scores.has(name))
    if (index < 0 || !upstream.has(result) || result === stream || hasTrait(node, 'shape')) continue
    const from = node.input[index] as string
    const before = scores.get(from) as Tensor
    if (isByRow(program, node, index)) scores.set(result, mean(before, -1, { keepDims: true }))
    else if (index === 0 && moves(program, node)) scores.set(result, moved(program, node, before, value))
    else {
      const reason = `${node.opType} mixes image tokens, so that no score of patches can be followed through it`
      throw new Refused('TP_IMAGE_TOKENS', `${reason}; take a method that reads no attention`, node)
    }
  }
  const { dims } = program.tensor(output)
  const found = squeeze(mean(scores.get(output) as Tensor, -1, { keepDims: true }), [2])
  const rows = dims.slice(0, 2)
  return program.write(found, names, { prefix: 'tp/image-tokens/followed', dims: [rows] }).name
}

function placeholderOf(program: Program, name: string): Tensor {
  const { dtype, dims, value } = program.tensor(name)
  return value === undefined ? input(name, dtype, dims) : program.tensor(name)
}

/** Each row of the result, along its last axis, is computed from the same row of this input, and of no other of it. */
function isByRow(program: Program, node: NodeProto, index: number): boolean {
  const [own, output] = [program.tensor(node.input[index] as string), program.tensor(node.output[0] as string)]
  if (!own.hasShape || !output.hasShape || own.rank !== output.rank) return false
  if (operatorOf(node)?.elementwise !== undefined) return true
  if (index > 0) return false
  if (hasTrait(node, 'same values', 'rounded values', 'rounded by range')) return true
  const { axis, axes, transA } = output.node.attributes
  const isLast = (one: unknown): boolean => one === -1 || one === own.rank - 1
  if (hasTrait(node, 'norm')) return axis === undefined || isLast(axis)
  if (hasTrait(node, 'reduction')) return Array.isArray(axes) && axes.length === 1 && isLast(axes[0])
  const weights = node.input[1]
  return (
    hasTrait(node, 'product') &&
    node.opType !== 'Einsum' &&
    transA !== 1 &&
    weights !== undefined &&
    program.tensor(weights).rank <= 2 &&
    !program.dependsOnInputs(weights)
  )
}

/** Values of the first input, laid out differently, fewer of them, or means of them. */
function moves(program: Program, node: NodeProto): boolean {
  const isMean = hasTrait(node, 'average') || node.opType === 'AveragePool' || node.opType === 'GlobalAveragePool'
  return (
    isMean ||
    (hasTrait(node, 'moved values', 'parts', 'same values') && program.tensor(node.output[0] as string).hasShape)
  )
}

function moved(program: Program, node: NodeProto, score: Tensor, value: (name: string) => Tensor): Tensor {
  const [data = '', ...others] = node.input
  const whole = expand(score, shape(value(data)))
  const { op, attributes } = program.tensor(node.output[0] as string).node
  const operands = others.map((name) => (name === '' ? undefined : value(name)))
  return apply(op, [whole, ...operands], attributes)[0] as Tensor
}
