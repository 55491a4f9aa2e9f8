import { constantOf, iterate, type Tensor } from '@tp/core'
import type { NodeProto } from 'onnx-buf'
import { attributeGraphs } from '../graph/subgraph.ts'
import { sortNodes } from '../graph/topology.ts'
import { lazyConstant } from '../tensor/constants.ts'
import type { LiftContext } from './lift-context.ts'

interface LoopContext {
  readonly opset: number
  readonly context: LiftContext
  liftNode(
    node: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    opset: number,
    context?: LiftContext,
  ): readonly Tensor[]
}

/** A Loop that counts its steps and gathers nothing, as `iterate` makes it; or the reason why it is another one. */
export function liftLoop(
  node: NodeProto,
  [steps, condition, ...initial]: readonly (Tensor | undefined)[],
  { opset, context, liftNode }: LoopContext,
): Tensor[] | string {
  const [body] = attributeGraphs(node)
  if (body === undefined) return 'it has no body'
  const [step, attended, ...names] = body.input.map(({ name }) => name)
  const [goesOn, ...next] = body.output.map(({ name }) => name)
  const state = initial.filter((tensor) => tensor !== undefined)
  const copies = new Map(
    body.node.filter(({ opType }) => opType === 'Identity').map(({ input, output }) => [output[0], input[0]]),
  )
  const counts = goesOn !== undefined && (goesOn === attended || copies.get(goesOn) === attended)
  if (steps === undefined || condition !== undefined || !counts)
    return 'only loops that count their steps are known here'
  if (state.length !== next.length || names.length !== next.length || !state.every(({ hasShape }) => hasShape)) {
    return 'only loops that return their state, of known shape, can be read'
  }
  const producers = new Map(body.node.flatMap((inner) => inner.output.map((name) => [name, inner] as const)))
  let unknown: string | undefined
  const results = iterate(steps, state, (now, count) => {
    const values = new Map<string, Tensor>(now.map((tensor, i) => [names[i] as string, tensor]))
    if (step !== undefined) values.set(step, count)
    for (const tensor of body.initializer) {
      const value = lazyConstant(tensor, context.graph?.model.external)
      if (value !== undefined)
        values.set(
          tensor.name,
          constantOf(value, () => value.data),
        )
    }
    const around = (name: string): Tensor | undefined => values.get(name) ?? context.around?.(name)
    const note = (reason: string): void => {
      unknown ??= reason
    }
    const own = sortNodes(body.node, (name) => producers.get(name)).filter(({ output }) => output[0] !== goesOn)
    for (const inner of own) {
      const outputs = liftNode(
        inner,
        inner.input.map((name) => (name === '' ? undefined : around(name))),
        opset,
        { ...context, around, note },
      )
      inner.output.forEach((name, i) => {
        if (name !== '') values.set(name, outputs[i] as Tensor)
      })
    }
    return next.map((name, i) => around(name) ?? (now[i] as Tensor))
  })
  return unknown === undefined ? results : `in its body: ${unknown}`
}
