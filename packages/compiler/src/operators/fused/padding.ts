import {
  and,
  axisSize,
  cast,
  constant,
  type DType,
  equal,
  greater,
  greaterOrEqual,
  less,
  range,
  slice,
  squeeze,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { type Dim, isUnknown, mulDims } from '@tp/core/expression'
import type { FusedNode } from './fused-operator.ts'

export interface Padding {
  /** Which input says what is padding. */
  readonly input: number
  /** [b,n,…], an input whose tokens are the keys. */
  readonly keys: Tensor
  /** Type of the scores. */
  readonly dtype: DType
  /** The term that is added to the score of a hidden key. */
  readonly hidden: number
}

/**
 * The mask input that onnxruntime's attention operators share, as a bias that is added to the scores: [b,1,1,n] or
 * [b,1,q,n]. Its forms: the number of tokens of each example [b]; ends and then starts [2b]; 1 for tokens [b,n]; or for
 * pairs of query and key [b,q,n]. Downstream of a cut the operator gets one of the last two.
 *
 * Undefined for any other form.
 */
export function paddingBias(node: FusedNode, { input, keys, dtype, hidden }: Padding): Tensor | undefined {
  const mask = node.inputs[input]
  if (mask === undefined || !mask.hasShape) return undefined
  const attended = attendedKeys(mask, keys)
  if (attended === undefined) return undefined
  const source = `${node.names[input]} of ${keys.dims[1]} keys`
  const visible = node.shared(source, attended, () => undefined)
  const aligned = unsqueeze(visible, visible.rank === 2 ? [1, 2] : [1])
  const bias = where(aligned, constant(0, dtype), constant(hidden, dtype))
  return node.shared(`${source} hidden by ${hidden} in ${dtype}`, bias, (now) => ({
    [input]: cast(equal(squeeze(now, visible.rank === 2 ? [1, 2] : [1]), 0), 'int32'),
  }))
}

/** bool [b,n] or [b,q,n]: which keys are tokens. */
function attendedKeys(mask: Tensor, keys: Tensor): Tensor | undefined {
  const [batch, tokens] = keys.dims as [Dim, Dim]
  if (mask.rank === 1) return attendedByCount(mask, keys)
  const fits = mask.rank <= 3 && sameSize(mask.dims[0], batch) && sameSize(mask.dims.at(-1), tokens)
  return fits ? greater(mask, 0) : undefined
}

function attendedByCount(mask: Tensor, keys: Tensor): Tensor | undefined {
  const [batch] = keys.dims as [Dim]
  const positions = unsqueeze(cast(range(0, squeeze(axisSize(keys, 1), [0])), 'int32'), 0)
  if (sameSize(mask.dims[0], batch)) return less(positions, unsqueeze(mask, 1))
  if (!sameSize(mask.dims[0], mulDims(batch, 2))) return undefined
  const rows = axisSize(keys, 0)
  const ends = unsqueeze(slice(mask, { axis: 0, start: 0, end: rows }), 1)
  const starts = unsqueeze(slice(mask, { axis: 0, start: rows }), 1)
  return and(less(positions, ends), greaterOrEqual(positions, starts))
}

function sameSize(a: Dim | undefined, b: Dim): boolean {
  return a === b || (a !== undefined && a !== 1 && isUnknown(a))
}
