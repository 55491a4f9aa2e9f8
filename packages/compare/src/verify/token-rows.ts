import { MASK } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import type { Answer } from './answers.ts'

/**
 * The same answers, where outputs that have a row for each kept token hold those of real tokens alone: a shorter example of a batch has further rows,
 * which the output `tp.mask` hides.
 */
export function withTokenRows(answers: readonly Answer[]): Answer[] {
  const [first] = answers
  const masks = Object.keys(first?.outputs ?? {}).filter((name) => name === MASK || name.startsWith(`${MASK}.`))
  if (first === undefined || masks.length === 0) return [...answers]
  const hasRowsOf = (mask: string, name: string): boolean =>
    answers.every(({ outputs }) => outputs[name]?.dims[1] === outputs[mask]?.dims[1])
  const maskOf = new Map(
    Object.keys(first.outputs).map((name) => [name, masks.find((mask) => mask !== name && hasRowsOf(mask, name))]),
  )
  return answers.map(({ outputs, ...about }) => ({ ...about, outputs: tokenRowsIn(outputs, maskOf) }))
}

function tokenRowsIn(outputs: NamedTensors, maskOf: ReadonlyMap<string, string | undefined>): NamedTensors {
  const entries = Object.entries(outputs).map(([name, tensor]): [string, TensorLike] => {
    const mask = outputs[maskOf.get(name) ?? '']
    return [name, mask === undefined ? tensor : maskedRows(tensor, mask)]
  })
  return Object.fromEntries(entries)
}

/** The rows of a tensor [b,k,…] where the mask [b,k] is not 0, as [1,rows,…]. */
function maskedRows({ type, dims, data }: TensorLike, mask: TensorLike): TensorLike {
  const [, , ...others] = dims
  const rows = Array.from(mask.data as ArrayLike<number | bigint>, Number).flatMap((value, i) =>
    value === 0 ? [] : [i],
  )
  const width = data.length / Math.max(1, mask.data.length)
  const own = data.slice(0, rows.length * width) as BigInt64Array
  for (const [i, row] of rows.entries()) own.set(data.slice(row * width, (row + 1) * width) as BigInt64Array, i * width)
  return { type, dims: [1, rows.length, ...others], data: own }
}
