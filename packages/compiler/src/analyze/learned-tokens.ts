import type { Program } from '../program/program.ts'

/** How many tokens are learned, before and after those that are made from the input. */
export interface LearnedTokens {
  readonly leading: number
  readonly trailing: number
}

/**
 * Learned tokens: parts of the last join along the token axis before the first layer that do not depend on the input. Class,
 * distillation and register tokens come first, detection tokens last.
 */
export function learnedTokens(program: Program, stream: string): LearnedTokens {
  let name = stream
  for (;;) {
    const node = program.graph.producer(name)
    if (node === undefined) return { leading: 0, trailing: 0 }
    if (node.opType === 'Concat') {
      const leading = leadingParts(program, node.input)
      return { leading, trailing: leadingParts(program, node.input.toReversed()) }
    }
    const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
    if (data.length !== 1) return { leading: 0, trailing: 0 }
    name = data[0] as string
  }
}

function leadingParts(program: Program, parts: readonly string[]): number {
  let count = 0
  for (const part of parts) {
    const tensor = program.tensor(part)
    const size = tensor.hasShape && tensor.rank === 3 ? tensor.dims[1] : undefined
    if (program.dependsOnInputs(part) || typeof size !== 'number') return count
    count += size
  }
  return count
}
