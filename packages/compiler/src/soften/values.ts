import { type Tensor, TpError } from '@tp/core'
import { apply, type Node, nodesBelow } from '@tp/core/expression'
import { type Lifted, liftNode } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/**
 * A graph's values as expressions of which some are replaced, from the inputs towards the outputs: values downstream of a
 * replaced one are computed from its replacement.
 */
export class SoftValues {
  readonly #program: Program
  readonly #lifted: Lifted
  readonly #replaced = new Map<Tensor, Tensor>()
  readonly #rebuilt = new Map<Node, readonly Tensor[]>()
  /** Values that were written into the graph after it was lifted. */
  readonly #written = new Map<string, Tensor>()
  readonly #names = new Map<Tensor, string>()

  constructor(program: Program, lifted: Lifted) {
    this.#program = program
    this.#lifted = lifted
  }

  /** A value of the graph as it is now. */
  value(name: string): Tensor {
    const now = this.#now(this.#original(name))
    this.#names.set(now, name)
    return now
  }

  /** Takes `by` for a value of the graph from here on; nothing that reads it may have been built. */
  replace(name: string, by: Tensor): void {
    const original = this.#original(name)
    const now = this.#now(original)
    if (now.toString() !== by.toString()) {
      throw new TpError('TP_METHOD', 'compiler', `"${name}" is ${now}, and cannot become ${by}`)
    }
    this.#replaced.set(original, by)
  }

  /** An expression whose placeholders stand for values of the graph (`names`) or for other expressions (`others`). */
  bind(expression: Tensor, names: ReadonlyMap<Tensor, string>, others: ReadonlyMap<Tensor, Tensor>): Tensor {
    const known = new Map(others)
    for (const [placeholder, name] of names) known.set(placeholder, this.value(name))
    return rebuild(expression, known, new Map())
  }

  /** The name in the graph of a tensor that was made here. */
  nameOf(tensor: Tensor): string | undefined {
    return this.#names.get(tensor) ?? this.#lifted.names.get(tensor)
  }

  #original(name: string): Tensor {
    if (this.#lifted.has(name)) return this.#lifted.tensor(name)
    const known = this.#written.get(name)
    if (known !== undefined) return known
    const node = this.#program.graph.producer(name)
    if (node === undefined) return this.#program.tensor(name)
    const inputs = node.input.map((source) => (source === '' ? undefined : this.#original(source)))
    const outputs = liftNode(node, inputs, this.#program.opset)
    for (const [i, output] of node.output.entries()) this.#written.set(output, outputs[i] as Tensor)
    return this.#written.get(name) as Tensor
  }

  #now(tensor: Tensor): Tensor {
    return rebuild(tensor, this.#replaced, this.#rebuilt)
  }
}

/** An expression with some tensors replaced by others. `rebuilt`: nodes that were built again before. */
function rebuild(root: Tensor, known: ReadonlyMap<Tensor, Tensor>, rebuilt: Map<Node, readonly Tensor[]>): Tensor {
  const now = (tensor: Tensor): Tensor => known.get(tensor) ?? rebuilt.get(tensor.node)?.[tensor.output] ?? tensor
  const isDone = (tensor: Tensor): boolean => known.has(tensor) || rebuilt.has(tensor.node)
  for (const node of nodesBelow([root], isDone)) {
    const inputs = node.inputs.map((tensor) => tensor && now(tensor))
    if (inputs.every((tensor, i) => tensor === node.inputs[i])) rebuilt.set(node, [])
    else rebuilt.set(node, apply(node.op, inputs, node.attributes))
  }
  return now(root)
}
