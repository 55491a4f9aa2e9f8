import type { AttributeReference, Attributes, Tensor } from '../expression/tensor.ts'
import { constantData } from '../ops/constant.ts'
import {
  add,
  axisSize,
  constant,
  elementCount,
  gather,
  greater,
  joinSteps,
  matmul,
  max,
  minimum,
  mod,
  mul,
  slice,
  softmax,
  squeeze,
  transpose,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { intsOf, isReference } from '../ops/operands.ts'
import { attributeValue, type Family, type PackedInputs } from './operator.ts'

const operands = { query: 'float32', key: 'float32', value: 'float32' } as const

/** `integers`: a kernel may compute products in 16-bit integers. */
const attributes = {
  scale: 'float',
  queryPerm: 'ints',
  keyPerm: 'ints',
  valuePerm: 'ints',
  contextPerm: 'ints',
  integers: 'int',
} as const

/**
 * softmax(q·kᵀ·scale + keyBias + bias)·v in every head, each row of a packed batch over its own tokens. q and v [H,T,d] or [1,H,T,d] are `query` and
 * `value` with their axes in the order `queryPerm` and `valuePerm`, kᵀ [H,d,T] or [1,H,d,T] is `key` in that of `keyPerm`, and the context, which is
 * as q, has its axes in that of `contextPerm` at last. offsets int64 [B+1] says where rows begin.
 *
 * keyBias [1,T]; bias [B|1,H|1,N,N] over the padded batch, in which the tokens are at `positions` int64 [T]; `received` [1,H,1,T]: what each token
 * is attended with, summed over the queries times their weights, queryWeights [1,T]. A query whose scores are all −∞ sees no key: its context is
 * 0, and `received` leaves it out.
 */
export const packedAttention: Family = {
  name: 'PackedAttention',
  inputs: { ...operands, offsets: 'int64' },
  outputs: ['context'],
  attributes,
  features: {
    keyBias: { inputs: { keyBias: 'float32' } },
    bias: { inputs: { bias: 'float32', positions: 'int64' } },
    received: { inputs: { queryWeights: 'float32' }, outputs: ['received'] },
  },
  body(inputs, attributes, has) {
    const { offsets, keyBias, bias, positions, queryWeights } = inputs
    const { q, kT, v, scale } = operandsOf(inputs, attributes)
    const count = add(elementCount(offsets), constant(-1, 'int64'))
    const oneRow = (step: Tensor): Tensor[] => {
      const row = unsqueeze(step, 0)
      // The first row begins at 0.
      const begin = constantData(step) === undefined ? gather(offsets, row, 0) : row
      // A batch without rows has no second offset.
      const end = gather(offsets, minimum(add(row, constant(1, 'int64')), count), 0)
      const own = (x: Tensor, axis: number): Tensor => slice(x, { axis, start: begin, end })
      const product = mul(matmul(own(q, -2), own(kT, -1)), scale)
      const withKeys = has('keyBias') ? add(product, own(keyBias, -1)) : product
      const scores = has('bias') ? add(withKeys, biasOf(bias, own(positions, 0), step)) : withKeys
      const probabilities = has('keyBias') || has('bias') ? softmaxOfSeen(scores) : softmax(scores)
      const context = matmul(probabilities, own(v, -2))
      return has('received') ? [context, matmul(own(queryWeights, -1), probabilities)] : [context]
    }
    const [context, ...received] = joinSteps(count, has('received') ? [-2, -1] : [-2], oneRow)
    return [transpose(context as Tensor, permOf(attributes, 'contextPerm')), ...received]
  },
}

/**
 * The same over examples of equal numbers of tokens without padding, q [B,H,M,d], kᵀ [B,H,d,N] and v [B,H,N,d], with keyBias [B|1,N].
 */
export const batchAttention: Family = {
  name: 'BatchAttention',
  inputs: operands,
  outputs: ['context'],
  attributes,
  features: { keyBias: { inputs: { keyBias: 'float32' } } },
  body(inputs, attributes, has) {
    const { q, kT, v, scale } = operandsOf(inputs, attributes)
    const product = mul(matmul(q, kT), scale)
    const scores = has('keyBias') ? add(product, unsqueeze(inputs.keyBias, [1, 2])) : product
    const probabilities = has('keyBias') ? softmaxOfSeen(scores) : softmax(scores)
    return [transpose(matmul(probabilities, v), permOf(attributes, 'contextPerm'))]
  },
}

interface Operands {
  readonly q: Tensor
  readonly kT: Tensor
  readonly v: Tensor
  readonly scale: Tensor
}

function operandsOf({ query, key, value }: PackedInputs, attributes: Attributes): Operands {
  return {
    q: transpose(query, permOf(attributes, 'queryPerm')),
    kT: transpose(key, permOf(attributes, 'keyPerm')),
    v: transpose(value, permOf(attributes, 'valuePerm')),
    scale: attributeValue(attributes, 'scale', 'float32'),
  }
}

function permOf(attributes: Attributes, name: string): readonly number[] | AttributeReference {
  const perm = attributes[name]
  return isReference(perm) ? perm : (intsOf(attributes, name) ?? [])
}

/** The sum that the scores of one row get, [H|1,t,t]. */
function biasOf(bias: Tensor, positions: Tensor, row: Tensor): Tensor {
  const own = gather(bias, mod(row, squeeze(axisSize(bias, 0), 0)), 0)
  const tokens = mod(positions, axisSize(bias, 3))
  return gather(gather(own, tokens, -2), tokens, -1)
}

/** 0 for a query that sees no key. */
function softmaxOfSeen(scores: Tensor): Tensor {
  const sees = greater(max(scores, -1, { keepDims: true }), constant(Number.NEGATIVE_INFINITY))
  return where(sees, softmax(scores), constant(0))
}
