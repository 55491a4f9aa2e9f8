import { input, slice, squeeze, type Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import type { FittedInput, Restored } from '../operators/fused/fused-operator.ts'
import type { Program } from '../program/program.ts'
import { type Added, addedTo, withBias } from './added.ts'
import type { Expansion } from './expansion.ts'
import { type InnerReads, innerReads, writeRows } from './inner-reads.ts'
import { redeclare } from './unfuse.ts'

/**
 * Puts the fused operators back where they still compute what stands in the graph: nothing else reads what is inside,
 * nothing inside has changed, and what comes from outside can be handed to the operator.
 */
export function foldBack(program: Program, expansions: readonly Expansion[]): void {
  const restored = new RestoredInputs(program)
  for (const expansion of expansions) {
    const current = currentInputs(program, expansion)
    const reads = current && innerReads(program, expansion, current.added)
    if (current !== undefined && reads !== undefined) fold(program, expansion, { ...current, reads, restored })
  }
  program.graph.removeDeadNodes()
  program.graph.sortTopologically()
}

interface Current {
  /** The present form of each value from outside. */
  readonly current: ReadonlyMap<string, string>
  /** The term that is now added to the scores. */
  readonly added: Added | undefined
}

/** Undefined if something else inside has changed, or a value is not one any more. */
function currentInputs(program: Program, expansion: Expansion): Current | undefined {
  const { graph } = program
  const { nodes, inputs, ports } = expansion
  const current = new Map<string, string>()
  let added: Added | undefined
  for (const node of nodes) {
    if (graph.producer(node.output[0] as string) !== node) return undefined
    for (const [index, written] of (inputs.get(node) as readonly string[]).entries()) {
      const now = node.input[index] as string
      if (!ports.has(written)) {
        if (now === written) continue
        added = addedTo(program, expansion, written, now)
        if (added === undefined) return undefined
        continue
      }
      if ((current.get(written) ?? now) !== now) return undefined
      current.set(written, now)
    }
  }
  return { current, added }
}

/** The present name of an output of the operator; where tokens are restored it gets a new name. */
function outputName(outputs: Expansion['outputs'], index: number): string | undefined {
  const from = outputs.get(index)
  return from?.node.output[from.index]
}

interface Folding extends Current {
  readonly reads: InnerReads
  readonly restored: RestoredInputs
}

function fold(program: Program, expansion: Expansion, { current, added, reads, restored }: Folding): void {
  const { graph } = program
  const { node, nodes, ports, outputs } = expansion
  const inputs = [...node.input]
  const first = nodes[0] as NodeProto
  for (const [written, now] of current) {
    const port = ports.get(written)
    if (port === undefined || now === written) continue
    if ('indices' in port) {
      for (const index of port.indices) inputs[index] = now
      continue
    }
    const values = restored.of(now, port.restored, first)
    if (values === undefined) return
    for (const [index, name] of Object.entries(values)) inputs[Number(index)] = name
  }
  if (added !== undefined && expansion.scores !== undefined) {
    const index = expansion.scores.input
    while (inputs.length <= index) inputs.push('')
    inputs[index] = withBias(program, inputs[index] as string, added.bias, added.node)
  }
  if (inputs.some((name, index) => name !== node.input[index])) restored.fit(inputs, expansion.fitted, first)
  node.input = inputs
  node.output = node.output.map((name, index) => outputName(outputs, index) ?? name)
  for (const [reader, rowwise] of reads.rows) writeRows(program, expansion, reader, rowwise)
  const declared = node.output.map((name) => graph.valueInfo(name))
  const last = Math.max(...nodes.map((inner) => graph.nodes.indexOf(inner)))
  const next = graph.nodes[last + 1]
  const exposedReads = expose(program, expansion, reads)
  for (const inner of nodes) if (!reads.kept.has(inner)) graph.remove(inner)
  if (added !== undefined) graph.remove(added.node)
  graph.insert([node], next)
  for (const { old, expression, names } of exposedReads) {
    const { name } = program.write(expression, names, {
      prefix: node.output[0] as string,
      ...(next && { before: next }),
    })
    graph.replaceAllUses(old, name)
  }
  for (const info of declared) redeclare(program, info)
}

interface ExposedRead {
  /** Name of the value inside, and what it is now. */
  readonly old: string
  readonly expression: Tensor
  readonly names: ReadonlyMap<Tensor, string>
}

/** Makes the operator output what is read of its inside. */
function expose(program: Program, { node, exposed }: Expansion, reads: InnerReads): ExposedRead[] {
  return [...reads.exposed].map((position) => {
    const { source, output, outputs, part } = exposed[position] as Expansion['exposed'][number]
    for (let index = 1; index < outputs; index++) {
      node.output[index] ||= program.graph.uniqueName(`${node.output[0]}/output_${index}`)
    }
    const old = source.node.output[source.index] as string
    const { dtype, dims } = program.tensor(old)
    const name = node.output[output] as string
    const whole = input(name, dtype, part === undefined ? dims : [2, ...dims])
    program.setTensor(name, whole)
    const expression = part === undefined ? whole : squeeze(slice(whole, { axis: 0, start: part, end: part + 1 }), [0])
    return { old, expression, names: new Map([[whole, name]]) }
  })
}

/** Inputs of fused operators made from what has become of shared values; each written once. */
class RestoredInputs {
  readonly #program: Program
  readonly #fitting = new Map<string, string>()
  readonly #known = new Map<string, Readonly<Record<number, string>>>()

  constructor(program: Program) {
    this.#program = program
  }

  /** Gives an input the form that the operator wants. */
  fit(inputs: string[], form: FittedInput | undefined, before: NodeProto): void {
    const names = new Map<Tensor, string>()
    const want = form?.(
      inputs.map((name) => {
        if (name === '') return undefined
        const { dtype, hasShape, dims } = this.#program.tensor(name)
        const placeholder = input(name, dtype, hasShape ? dims : undefined)
        names.set(placeholder, name)
        return placeholder
      }),
    )
    if (want === undefined) return
    const { index, value } = want
    const key = `${inputs[index]} ${want.key}`
    const known = this.#fitting.get(key)
    const name = known ?? this.#program.write(value, names, { prefix: inputs[index] as string, before }).name
    this.#fitting.set(key, name)
    inputs[index] = name
  }

  /** Names by index of the input; empty where it is left out. Undefined if the operator cannot be given the value. */
  of(name: string, restored: Restored, before: NodeProto): Readonly<Record<number, string>> | undefined {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const { dtype, hasShape, dims } = this.#program.tensor(name)
    if (!hasShape) return undefined
    const placeholder = input(name, dtype, dims)
    const values = restored(placeholder)
    if (values === undefined) return undefined
    const entries = Object.entries(values)
    const names = new Map([[placeholder, name]])
    const present = entries.flatMap(([, value]) => (value === undefined ? [] : [value]))
    const written = this.#program.writeAll(present, names, { prefix: name, before })
    const byIndex = Object.fromEntries(
      entries.map(([index, value]) => [
        index,
        value === undefined ? '' : (written[present.indexOf(value)]?.name ?? ''),
      ]),
    )
    this.#known.set(name, byIndex)
    return byIndex
  }
}
