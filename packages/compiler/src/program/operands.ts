import { input, type Tensor } from '@tp/core'
import type { Program } from './program.ts'

/** Values of a graph as operands of an expression, and which value each placeholder stands for: what `Program.write` needs. */
export class Operands {
  readonly names: Map<Tensor, string> = new Map()
  readonly #program: Program
  readonly #known = new Map<string, Tensor>()

  constructor(program: Program) {
    this.#program = program
  }

  /**
   * One placeholder for each value.
   * @param dims other names of the axes than those of the graph
   */
  readonly value: (name: string, dims?: Tensor['dims']) => Tensor = (name, dims) => {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const actual = this.#program.tensor(name)
    const placeholder = input(name, actual.dtype, dims ?? actual.dims)
    this.names.set(placeholder, name)
    this.#known.set(name, placeholder)
    return placeholder
  }
}
