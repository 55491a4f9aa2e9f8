import { type Tensor, withUnification } from '@tp/core'
import { Graph, type Lifted, lift, liftNode, type Model, type NodeProto, opset } from '@tp/onnx'

/** A model that is being worked on: its graph to edit, and what is known of every value's type and shape. */
export class Program {
  readonly model: Model
  readonly graph: Graph
  readonly opset: number
  readonly #lifted: Lifted
  /** What edits have made or changed since the graph was lifted. */
  readonly #edited = new Map<string, Tensor>()
  readonly #data = new Map<string, boolean>()

  constructor(model: Model) {
    this.model = model
    this.graph = new Graph(model)
    this.opset = opset(model)
    this.#lifted = lift(this.graph)
  }

  /** Type, shape and expression of a value. */
  tensor(name: string): Tensor {
    return this.#edited.get(name) ?? this.#lifted.tensor(name)
  }

  /** Records what is known of a value that an edit made or changed. */
  setTensor(name: string, tensor: Tensor): void {
    this.#edited.set(name, tensor)
  }

  /** What a node would give on other inputs. */
  infer(node: NodeProto, inputs: readonly (Tensor | undefined)[]): Tensor[] {
    return liftNode(node, inputs, this.opset)
  }

  /** True if the contents of a value depend on those of one of the model's inputs; their shapes do not count. */
  dependsOnInputs(name: string): boolean {
    const known = this.#data.get(name)
    if (known !== undefined) return known
    const producer = this.graph.producer(name)
    const depends =
      producer === undefined
        ? this.graph.initializer(name) === undefined && name !== ''
        : producer.opType !== 'Shape' && producer.opType !== 'Size' && producer.input.some((input) => this.dependsOnInputs(input))
    this.#data.set(name, depends)
    return depends
  }

  /** The model's inputs whose contents (not shapes) a value depends on. */
  inputsOf(name: string): Set<string> {
    const found = new Set<string>()
    const seen = new Set<string>()
    const queue = [name]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === '' || seen.has(next)) continue
      seen.add(next)
      const producer = this.graph.producer(next)
      if (producer === undefined) {
        if (this.graph.initializer(next) === undefined) found.add(next)
      } else if (producer.opType !== 'Shape' && producer.opType !== 'Size') queue.push(...producer.input)
    }
    return found
  }
}

/**
 * Runs work on a program. Sizes with two names meet where exporters took them from different inputs, or where tokens
 * have left; the model ran, so they are equal.
 */
export function withEqualSizes<T>(work: () => T): T {
  return withUnification((a, b) => (typeof a === 'number' ? a : b), work)
}
