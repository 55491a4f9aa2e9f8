import type { Program } from './program.ts'

/** What a pass works on: a program, and what other passes of the same kind have found or made. */
export interface PassState {
  readonly program: Program
}

/**
 * One step of the compiler. What it requires has to be ensured by passes before it; what it ensures holds afterwards, and
 * a test of the pass alone checks it.
 */
export interface Pass<State extends PassState, Fact extends string> {
  readonly name: string
  readonly requires: readonly Fact[]
  readonly ensures: readonly Fact[]
  /** @returns true if types and shapes have to be inferred again before the next pass */
  run(state: State): boolean
}

/**
 * Runs passes in their order.
 * @throws Error if one requires what none before it ensures
 */
export function runPasses<State extends PassState, Fact extends string>(
  passes: readonly Pass<State, Fact>[],
  state: State,
): void {
  const facts = new Set<Fact>()
  for (const { name, requires, ensures, run } of passes) {
    const missing = requires.find((fact) => !facts.has(fact))
    // A mistake in the compiler, not in what it was given.
    if (missing !== undefined)
      throw new Error(`the pass "${name}" requires "${missing}"; run a pass that ensures it first`)
    if (run(state)) state.program.refresh()
    for (const fact of ensures) facts.add(fact)
  }
}
