// The operators of packed files: what a batch without padding is computed by. Their bodies are what they mean; kernels (`@tp/operators`) are faster.

import { batchAttention, packedAttention } from './attention.ts'
import { rescaleRows, roundRows, scaleRows } from './eight-bits.ts'
import { type PackedOperator, variantsOf } from './operator.ts'
import { pack, packFlat, rows, unpack, unpackFlat } from './rows.ts'

const families = [
  rows,
  pack,
  packFlat,
  unpack,
  unpackFlat,
  packedAttention,
  batchAttention,
  roundRows,
  scaleRows,
  rescaleRows,
]

/** Every operator of packed files, by name. */
export const packedOperators: ReadonlyMap<string, PackedOperator> = new Map(
  families.flatMap((family) => [...variantsOf(family)]),
)

export { PACKED_DOMAIN, type PackedInputs, type PackedOperator, variantName } from './operator.ts'
