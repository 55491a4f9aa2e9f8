import type { Dim } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/**
 * Finds values that do not repeat themselves as others do that an Expand has made: a mask [b,1,1,n] that was expanded to
 * [b,1,n,n] is needed for the keys only, since its readers broadcast.
 */
export class Repeats {
  readonly #program: Program
  readonly #prefix: string
  readonly #narrow = new Map<string, string>()

  /** `prefix`: of the names of what is computed again, on smaller operands. */
  constructor(program: Program, prefix: string) {
    this.#program = program
    this.#prefix = prefix
  }

  /** An equal value up to broadcasting: the value itself, or one that is smaller. */
  without(name: string): string {
    const known = this.#narrow.get(name)
    if (known !== undefined) return known
    const narrow = this.#narrower(name) ?? name
    this.#narrow.set(name, narrow)
    return narrow
  }

  #narrower(name: string): string | undefined {
    const program = this.#program
    const { graph } = program
    const node = graph.producer(name)
    const own = program.tensor(name)
    if (node === undefined || !own.hasShape || own.rank < 2) return undefined
    if (hasTrait(node, 'broadcast values')) {
      const data = node.input[0] as string
      const from = program.tensor(data)
      return from.rank === own.rank && from.dims.some((dim, axis) => dim === 1 && own.dims[axis] !== 1)
        ? data
        : undefined
    }
    const same = hasTrait(node, 'joined axes') ? this.#inThatShape(node, own.dims) : undefined
    if (same !== undefined) return this.without(same)
    if (!hasTrait(node, ...ofMasks)) return undefined
    const inputs = node.input.map((input) => this.without(input))
    if (inputs.every((input, i) => input === node.input[i])) return undefined
    // The same node again, on smaller operands; readers elsewhere keep the full one.
    const output = graph.uniqueName(`${this.#prefix}/${node.output[0]}`)
    const copy = createNode({ type: node.opType, domain: node.domain, name: output, inputs, outputs: [output] })
    copy.attribute = node.attribute
    const [tensor] = program.infer(
      copy,
      copy.input.map((input) => (input === '' ? undefined : program.tensor(input))),
    )
    if (tensor === undefined || !tensor.hasShape) return undefined
    graph.insert([copy], node)
    program.setTensor(output, tensor)
    return output
  }

  /** A value that was reshaped, and is reshaped back: [b,h,1,n] → [b·h,1,n] → [b,h,1,n]. */
  #inThatShape(node: NodeProto, dims: readonly Dim[]): string | undefined {
    const { graph } = this.#program
    for (
      let at: NodeProto | undefined = node;
      at && hasTrait(at, 'joined axes');
      at = graph.producer(at.input[0] as string)
    ) {
      const before = this.#program.tensor(at.input[0] as string)
      if (before.hasShape && before.rank === dims.length && before.dims.every((dim, i) => dim === dims[i]))
        return at.input[0]
    }
    return undefined
  }
}

/** Of elementwise operators that masks are made of. */
const ofMasks = ['arithmetic', 'logic', 'choice', 'same values'] as const
