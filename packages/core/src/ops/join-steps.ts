import { apply } from '../expression/apply.ts'
import { unknownDim } from '../expression/dim.ts'
import { substitute } from '../expression/substitute.ts'
import type { Op, Value } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { add } from './binary.ts'
import { Concat } from './concat.ts'
import { constant } from './constant.ts'
import { at } from './kernels.ts'
import { placeholder, readFromOutside } from './loop.ts'
import { frontAxis, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** The computation of one step, over placeholders of its own. */
export interface StepBody {
  /** int64 [] how many steps after the first have been made */
  readonly step: Tensor
  /** Values from outside, the same in every step. */
  readonly captured: readonly Tensor[]
  readonly outputs: readonly Tensor[]
}

/** Results of steps joined along an axis: inputs are how many steps follow the first, its results, and what the others read from outside. */
export interface JoinStepsOp extends Op {
  readonly name: 'JoinSteps'
  /** Along which each result is joined. */
  readonly axes: readonly number[]
  bodyFor(inputs: readonly (Tensor | undefined)[]): StepBody
}

export function isJoinSteps(op: Op): op is JoinStepsOp {
  return op.name === 'JoinSteps' && 'bodyFor' in op
}

/**
 * Computes results for each of `count` steps and joins each of them along its axis; sizes along it may differ from step to step. The first
 * step is made in any case, and outside the loop: one that has a single step costs nothing.
 *
 * @param count int64 []
 * @param axes of each result
 */
export function joinSteps(count: Tensor, axes: readonly number[], body: (step: Tensor) => readonly Tensor[]): Tensor[] {
  const first = body(constant(0, 'int64'))
  const step = placeholder(constant(0, 'int64'), 'step')
  const outputs = body(add(step, constant(1, 'int64')))
  const outside = readFromOutside(outputs, new Set([step]))
  const captured = outside.map((tensor, i) => placeholder(tensor, `captured_${i}`))
  const closed = substitute(outputs, new Map(outside.map((tensor, i) => [tensor, captured[i] as Tensor])))
  const others = add(count, constant(-1, 'int64'))
  return apply(joinStepsOp({ step, captured, outputs: closed }, axes), [others, ...first, ...outside])
}

function joinStepsOp(body: StepBody, axes: readonly number[]): JoinStepsOp {
  const size = axes.length
  return {
    name: 'JoinSteps',
    axes,
    bodyFor(inputs) {
      const captured = body.captured.map((_, i) => placeholder(operand(inputs, 1 + size + i), `captured_${i}`))
      const outputs = substitute(body.outputs, new Map(captured.map((x, i) => [body.captured[i] as Tensor, x])))
      if (outputs.length !== size) throw new ShapeProblem(`its body gives ${outputs.length} results for ${size} axes`)
      return { step: body.step, captured, outputs }
    },
    infer: (inputs) =>
      axes.map((axis, i) => {
        const first = operand(inputs, 1 + i)
        const joined = dimsOf(first)?.slice()
        if (joined !== undefined) joined[frontAxis(axis, joined.length)] = unknownDim()
        return { dtype: first.dtype, dims: joined }
      }),
    run(inputs, _, context) {
      const parts = axes.map((_, i) => [at(inputs, 1 + i)])
      const captured = body.captured.map((tensor, i): [Tensor, Value] => [tensor, at(inputs, 1 + size + i)])
      for (let step = 0; step < (at(inputs, 0).data[0] as number); step++) {
        const number: Value = { dtype: 'int64', dims: [], data: Float64Array.of(step) }
        const results = context.compute(body.outputs, new Map([[body.step, number], ...captured]))
        for (const [i, result] of results.entries()) parts[i]?.push(result)
      }
      return axes.flatMap((axis, i) => Concat.run(parts[i] as Value[], { axis }, context))
    },
  }
}
