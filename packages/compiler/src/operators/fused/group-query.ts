import type { NodeProto } from '@tp/onnx'
import { integerAttribute } from '../node-inputs.ts'

/** Inputs of com.microsoft.GroupQueryAttention, by their places. `last`: the last token of each example, counted by its mask. */
export const groupQueryInputs = { query: 0, key: 1, value: 2, last: 5, total: 6, cosines: 7, sines: 8 } as const

/** How many heads its queries have, its keys, and its first input: packed, that holds queries, keys and values. */
export function groupQueryHeads(node: NodeProto): { query: number; key: number; packed: number } {
  const query = integerAttribute(node, 'num_heads', 1)
  const key = integerAttribute(node, 'kv_num_heads', query)
  return { query, key, packed: node.input[groupQueryInputs.key] ? query : query + 2 * key }
}
