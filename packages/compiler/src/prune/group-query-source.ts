import {
  add,
  axisSize,
  cast,
  concat,
  constant,
  expand,
  gather,
  gatherND,
  lessOrEqual,
  matmul,
  mul,
  range,
  reshape,
  slice,
  softmax,
  squeeze,
  sub,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import type { SiteSource } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import type { DecoderLayer } from '../analyze/decoder.ts'
import { groupQueryHeads, groupQueryInputs } from '../operators/fused/group-query.ts'
import { integerAttribute } from '../operators/node-inputs.ts'
import type { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'

/** Hides a key. */
const HIDDEN = -1e30

type AttentionSource = Pick<SiteSource, 'query' | 'key' | 'value' | 'attention' | 'attentionFrom'>

/**
 * The site of a layer whose attention is one GroupQueryAttention: keys and values as its caches hold them, and the
 * probabilities of single queries, computed from these. `hidden`: [B,N,D].
 */
export function groupQuerySource(
  program: Program,
  { attention, keys, values }: DecoderLayer,
  operands: Operands,
  hidden: Tensor,
): AttentionSource {
  const node = attention.fused as NodeProto
  const [, keyHeads, , size] = program.tensor(keys.past).dims
  if (typeof keyHeads !== 'number') throw new Refused('TP_HEADS', 'the number of heads of keys is not known', node)
  const form: Form = {
    node,
    heads: groupQueryHeads(node).query,
    keyHeads,
    size: headSize(program, node, size),
  }
  const cached = (name: string): Tensor => operands.value(name, ['B', keyHeads, 'M', form.size])
  const [key, value] = [cached(keys.present), cached(values.present)]
  const past = sub(axisSize(key, 2), axisSize(hidden, 1))
  const refuse = (what: string) => (): never => {
    const reason = `the attention of the layer is one operator, which does not show ${what}`
    const advice = 'choose a method that scores by the last query, by keys or by values'
    throw new Refused('TP_UNSUPPORTED_OP', `${reason}; ${advice}`, node)
  }
  return {
    query: refuse('its queries'),
    attention: refuse('the attention of every query'),
    key: () => slice(key, { axis: 2, start: past }),
    value: () => slice(value, { axis: 2, start: past }),
    attentionFrom(rows) {
      const positions =
        typeof rows === 'number' ? expand(constant([rows], 'int64', [1, 1]), [axisSize(hidden, 0), 1]) : rows
      const query = queryRows(program, operands, form, { rows: positions, past })
      return slice(probabilities(form, query, key, add(positions, past)), { axis: 3, start: past })
    },
  }
}

interface Form {
  readonly node: NodeProto
  readonly heads: number
  readonly keyHeads: number
  /** Of one head. */
  readonly size: number
}

/** Of packed queries, keys and values, or of queries alone. */
function headSize(program: Program, node: NodeProto, declared: unknown): number {
  if (typeof declared === 'number') return declared
  const width = program.tensor(node.input[groupQueryInputs.query] as string).dims[2]
  if (typeof width === 'number') return width / groupQueryHeads(node).packed
  throw new Refused('TP_HEADS', 'the size of a head is not known', node)
}

/** Queries of some rows [B,Q], turned by their positions: [B,H,Q,d] */
function queryRows(
  program: Program,
  operands: Operands,
  { node, heads, size }: Form,
  { rows, past }: { readonly rows: Tensor; readonly past: Tensor },
): Tensor {
  const packed = operands.value(node.input[groupQueryInputs.query] as string, ['B', 'N', 'W'])
  const chosen = slice(gatherND(packed, unsqueeze(rows, [2]), 1), { axis: 2, start: 0, end: heads * size })
  const apart = reshape(chosen, [axisSize(rows, 0), axisSize(rows, 1), heads, size])
  const query = cast(transpose(apart, [0, 2, 1, 3]), 'float32')
  if (integerAttribute(node, 'do_rotary', 0) === 0) return query
  const table = (index: number): Tensor => {
    const name = node.input[index] as string
    if (program.tensor(name).dims[1] !== size / 2 || integerAttribute(node, 'rotary_interleaved', 0) === 1)
      throw new Refused('TP_UNSUPPORTED_OP', 'queries are turned in a form that is not known here', node)
    return unsqueeze(cast(gather(operands.value(name), add(rows, past), 0), 'float32'), [1])
  }
  const [cosines, sines] = [table(groupQueryInputs.cosines), table(groupQueryInputs.sines)]
  const left = slice(query, { axis: 3, start: 0, end: size / 2 })
  const right = slice(query, { axis: 3, start: size / 2 })
  return concat([sub(mul(left, cosines), mul(right, sines)), add(mul(right, cosines), mul(left, sines))], 3)
}

/** Attention of queries [B,H,Q,d] at positions [B,Q] to keys [B,G,M,d]: [B,H,Q,M] */
function probabilities({ node, heads, keyHeads, size }: Form, query: Tensor, key: Tensor, positions: Tensor): Tensor {
  const scale = node.attribute.find(({ name }) => name === 'scale')?.f || 1 / Math.sqrt(size)
  const [batch, queries, keys] = [axisSize(query, 0), axisSize(query, 2), axisSize(key, 2)]
  const grouped = reshape(mul(query, scale), [batch, keyHeads, -1, size])
  const scores = reshape(matmul(grouped, swapLast(cast(key, 'float32'))), [batch, heads, queries, keys])
  const places = cast(range(0, squeeze(keys, [0])), 'float32')
  const seen = lessOrEqual(places, unsqueeze(cast(positions, 'float32'), [1, 3]))
  return softmax(where(seen, scores, HIDDEN), 3)
}
