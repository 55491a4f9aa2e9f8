import { input, type Tensor } from '@tp/core'
import type { Program } from './program.ts'

/** Values of a graph as operands of an expression, and which value each placeholder stands for: what `Program.write` needs. */
export class Operands {
  readonly names: Map<Tensor, string> = new Map()
  readonly #program: Program

  constructor(program: Program) {
    this.#program = program
  }

  /** @param dims other names of the axes than those of the graph */
  readonly value: (name: string, dims?: Tensor['dims']) => Tensor = (name, dims) => {
    const actual = this.#program.tensor(name)
    const placeholder = input(name, actual.dtype, dims ?? actual.dims)
    this.names.set(placeholder, name)
    return placeholder
  }
}
