import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op, Value } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { operand, sameType, textOf } from './operands.ts'
import { sameDim } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

/** Sum of products over the letters that the result does not have: 'bhld,lrd->bhlr'. No ellipsis. */
export const Einsum: Op = {
  name: 'Einsum',
  since: 12,
  infer(inputs, attributes) {
    const parts = inputs.map((_, i) => operand(inputs, i))
    const { terms, result } = parse(textOf(attributes, 'equation', ''))
    if (terms.length !== parts.length) throw new ShapeProblem(`has ${parts.length} inputs for ${terms.length} terms`)
    const dtype = sameType(...parts)
    const sizes = new Map<string, Dim>()
    parts.forEach((part, i) => {
      const letters = terms[i] as string
      if (!part.hasShape) return
      if (part.rank !== letters.length)
        throw new ShapeProblem(`${letters} names ${letters.length} axes, not ${part.rank}`)
      part.dims.forEach((dim, axis) => {
        const letter = letters[axis] as string
        const known = sizes.get(letter)
        sizes.set(letter, known === undefined ? dim : sameDim(known, dim))
      })
    })
    const dims = Array.from(result, (letter) => sizes.get(letter))
    return [{ dtype, dims: dims.every((dim) => dim !== undefined) ? (dims as Dim[]) : undefined }]
  },
  run(inputs, attributes, context) {
    const parts = inputs as readonly Value[]
    const { terms, result } = parse(textOf(attributes, 'equation', ''))
    const sizes = new Map<string, number>()
    parts.forEach((part, i) => {
      part.dims.forEach((dim, axis) => {
        sizes.set((terms[i] as string)[axis] as string, dim)
      })
    })
    const summed = [...sizes.keys()].filter((letter) => !result.includes(letter))
    const dimsOf = (letters: Iterable<string>): number[] => Array.from(letters, (letter) => sizes.get(letter) as number)
    const positions = parts.map((part, i) => {
      const strides = stridesOf(part.dims)
      const along = (letters: Iterable<string>): number[] =>
        Array.from(letters, (letter) =>
          strides.reduce((total, stride, axis) => total + ((terms[i] as string)[axis] === letter ? stride : 0), 0),
        )
      return { starts: walk(dimsOf(result), along(result)), offsets: walk(dimsOf(summed), along(summed)) }
    })
    const output = context.zeros((parts[0] as Value).dtype, dimsOf(result))
    const count = sizeOf(dimsOf(summed))
    for (let i = 0; i < output.data.length; i++) {
      let total = 0
      for (let j = 0; j < count; j++) {
        let term = 1
        for (let p = 0; p < parts.length; p++) {
          const { starts, offsets } = positions[p] as { starts: Int32Array; offsets: Int32Array }
          term *= (parts[p] as Value).data[(starts[i] as number) + (offsets[j] as number)] as number
        }
        total += term
      }
      output.data[i] = total
    }
    return [output]
  },
  read({ inputs, attributes }) {
    const equation = textOf(attributes, 'equation', '').replaceAll(' ', '')
    return equation.includes('.') ? undefined : { inputs, attributes: { equation } }
  },
}

function parse(equation: string): { terms: string[]; result: string } {
  const [left = '', right] = equation.replaceAll(' ', '').split('->')
  const letters = left.replaceAll(',', '')
  // without a result: the letters that appear once, in order
  const once = [...new Set(letters)].filter((letter) => letters.split(letter).length === 2).sort()
  return { terms: left.split(','), result: right ?? once.join('') }
}

/** Sum of products by letters. */
export function einsum(equation: string, ...parts: readonly Tensor[]): Tensor {
  return applyOne(Einsum, parts, { equation })
}
