import { matmul, type Tensor, transpose, unsqueeze } from '@tp/core'
import type { Meaning } from './fused-operator.ts'

/**
 * An Einsum that is the product of two batches of matrices, as attention is often written: bhid,bhjd->bhij. Both operands
 * have the axis of the batch, in any place (XLNet's ibnd,jbnd->bnij); one letter is summed over; a letter that only one of
 * them has otherwise (heads that share their keys) is repeated for the other, if the result begins with the batch. Other
 * forms are left alone.
 */
export const einsum: Meaning = ({ inputs, attributes }) => {
  const [left, right] = inputs
  const [, a = '', b = '', result = ''] =
    /^(\w+),(\w+)->(\w+)$/.exec(String(attributes.equation).replaceAll(' ', '')) ?? []
  if (left?.hasShape !== true || right?.hasShape !== true || result === '') return undefined
  if ([a, b, result].some((term) => new Set(term).size !== term.length)) return undefined
  const summed = [...a].filter((letter) => b.includes(letter) && !result.includes(letter))
  const [row, column] = [lastOwn(result, a, b), lastOwn(result, b, a)]
  if (row === undefined || column === undefined || summed.length !== 1) return undefined
  const leading = [...result].filter((letter) => letter !== row && letter !== column)
  const haveBoth = (letter: string): boolean => a.includes(letter) && b.includes(letter)
  if (leading.length === 0 || !(haveBoth(result[0] as string) || leading.every(haveBoth))) return undefined
  const known = [...result, ...summed]
  if (![a, b].every((term) => [...term].every((letter) => known.includes(letter)))) return undefined
  const [inner] = summed as [string]
  const product = matmul(arrange(left, a, [...leading, row, inner]), arrange(right, b, [...leading, inner, column]))
  return { outputs: [permute(product, [...leading, row, column].join(''), [...result])] }
}

/** The last letter of the result that one term has and the other has not. */
function lastOwn(result: string, own: string, other: string): string | undefined {
  return [...result].reverse().find((letter) => own.includes(letter) && !other.includes(letter))
}

/** Axes in the wanted order; of size 1 where the term has none. */
function arrange(x: Tensor, term: string, axes: readonly string[]): Tensor {
  const moved = permute(
    x,
    term,
    axes.filter((letter) => term.includes(letter)),
  )
  const missing = axes.flatMap((letter, axis) => (term.includes(letter) ? [] : [axis]))
  return missing.length === 0 ? moved : unsqueeze(moved, missing)
}

function permute(x: Tensor, term: string, axes: readonly string[]): Tensor {
  return axes.join('') === term
    ? x
    : transpose(
        x,
        axes.map((letter) => term.indexOf(letter)),
      )
}
