import { einsum, matmul, mul, reshape, swapLast, type Tensor, transpose, unsqueeze } from '@tp/core'
import { intOf, textOf } from '@tp/core/expression'
import { type GradientRule, NoGradient, range, reshapeLike, rule, type Step, sizesOf, sumTo } from '../rule.ts'

/** C = A·B: dA = G·Bᵀ, dB = Aᵀ·G, summed over the axes along which they were broadcast. */
const matMul: GradientRule = rule((gradient, step) => {
  const [a, b] = [step.input(0), step.input(1)]
  if (a.rank === 1 || b.rank === 1) return ofVectors(gradient, step)
  return [
    step.wants(0) ? sumTo(matmul(gradient, swapLast(b)), a) : undefined,
    step.wants(1) ? (b.rank === 2 ? ofWeight(a, gradient) : sumTo(matmul(swapLast(a), gradient), b)) : undefined,
  ]
})

/**
 * One product over all rows of a batch, not one for each and their sum. The first operand is transposed before it becomes a
 * matrix: onnxruntime would fuse a transposition of two axes into the product, which then takes a sixth longer.
 */
function ofWeight(a: Tensor, gradient: Tensor): Tensor {
  const width = (x: Tensor): number | Tensor => sizesOf(x).at(-1) as number | Tensor
  if (a.rank === 2) return matmul(swapLast(a), gradient)
  const turned = transpose(a, [a.rank - 1, ...range(a.rank - 1)])
  return matmul(reshape(turned, [width(a), -1]), reshape(gradient, [-1, width(gradient)]))
}

/** A vector is a row on the left and a column on the right; the product lacks that axis. */
function ofVectors(gradient: Tensor, step: Step): readonly (Tensor | undefined)[] {
  const [a, b] = [step.input(0), step.input(1)]
  const left = a.rank === 1 ? unsqueeze(a, 0) : a
  const right = b.rank === 1 ? unsqueeze(b, 1) : b
  const withRow = a.rank === 1 ? unsqueeze(gradient, b.rank === 1 ? 0 : gradient.rank - 1) : gradient
  const whole = b.rank === 1 ? unsqueeze(withRow, withRow.rank) : withRow
  return [
    step.wants(0) ? reshapeLike(sumTo(matmul(whole, swapLast(right)), left), a) : undefined,
    step.wants(1) ? reshapeLike(sumTo(matmul(swapLast(left), whole), right), b) : undefined,
  ]
}

/** alpha · A′·B′ + beta · C */
const gemm: GradientRule = rule((gradient, step) => {
  const { attributes } = step
  const scaled = times(gradient, intOf(attributes, 'alpha', 1))
  const [turnedA, turnedB] = [intOf(attributes, 'transA', 0) === 1, intOf(attributes, 'transB', 0) === 1]
  const a = turnedA ? swapLast(step.input(0)) : step.input(0)
  const b = turnedB ? swapLast(step.input(1)) : step.input(1)
  const ofA = (): Tensor => (turnedA ? matmul(b, swapLast(scaled)) : matmul(scaled, swapLast(b)))
  const ofB = (): Tensor => (turnedB ? matmul(swapLast(scaled), a) : matmul(swapLast(a), scaled))
  return [
    step.wants(0) ? ofA() : undefined,
    step.wants(1) ? ofB() : undefined,
    step.wants(2) ? sumTo(times(gradient, intOf(attributes, 'beta', 1)), step.input(2)) : undefined,
  ]
})

function times(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, factor)
}

/** The operands are exchanged with the result: ij,jk→ik gives ik,jk→ij for the first. */
const einsumRule: GradientRule = rule((gradient, step) => {
  const [left = '', result = ''] = textOf(step.attributes, 'equation', '').split('->')
  const terms = left.split(',')
  return step.inputs.map((_, index) => {
    if (!step.wants(index)) return undefined
    const term = terms[index] as string
    const others = terms.flatMap((other, i) => (i === index ? [] : [{ term: other, tensor: step.input(i) }]))
    const known = new Set([...result, ...others.flatMap(({ term }) => [...term])])
    if ([...term].some((letter) => !known.has(letter)) || new Set(term).size < term.length) {
      throw new NoGradient(
        `operand ${index} of "${textOf(step.attributes, 'equation', '')}" is summed or repeated alone`,
      )
    }
    const equation = `${[result, ...others.map(({ term }) => term)].join(',')}->${term}`
    return einsum(equation, gradient, ...others.map(({ tensor }) => tensor))
  })
})

export const productRules: Readonly<Record<string, GradientRule>> = { MatMul: matMul, Gemm: gemm, Einsum: einsumRule }
