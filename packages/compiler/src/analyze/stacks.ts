import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Block } from './layer.ts'

/** Blocks that build on one another. */
export interface Stack {
  /** What its tokens are made from: the first input of the model that its first block reads; made unique if need be. */
  readonly name: string
  readonly blocks: readonly Block[]
}

/**
 * Sorts blocks into stacks: each builds on the one before it.
 * @throws Refused TP_TOWERS where one stack reads what another has written (an encoder and its decoder)
 */
export function findStacks(program: Program, blocks: readonly Block[]): Stack[] {
  const stacks: Block[][] = []
  for (const [i, block] of blocks.entries()) {
    const before = program.before(block.input)
    const under = stacks.filter((stack) => before.has((stack.at(-1) as Block).site))
    const node = program.graph.producer(block.input)
    const reads = stacks.find((stack) => !under.includes(stack) && stack.some(({ site }) => before.has(site)))
    if (under.length > 1 || reads !== undefined) {
      const reason = `block ${i} builds on more than the block before it: one stack of blocks reads what another has computed`
      throw new Refused('TP_TOWERS', `${reason} (an encoder and its decoder); export the encoder alone`, node)
    }
    const [stack] = under
    if (stack === undefined) stacks.push([block])
    else stack.push(block)
  }
  const names: string[] = []
  for (const [first] of stacks as [Block][]) names.push(uniqueAmong(names, mainInput(program, first)))
  return stacks.map((own, i) => ({ name: names[i] as string, blocks: own }))
}

/** The first of the model's inputs that the stream is computed from; masks come last. */
function mainInput(program: Program, { input, attention }: Block): string {
  const read = program.inputsOf(input)
  const masks = new Set(attention.sides.flatMap((side) => [...program.inputsOf(side, input)]))
  const inputs = program.graph.inputs.map(({ name }) => name).filter((name) => read.has(name))
  return inputs.find((name) => !masks.has(name)) ?? inputs[0] ?? 'encoder'
}

function uniqueAmong(names: readonly string[], name: string): string {
  if (!names.includes(name)) return name
  let number = 2
  while (names.includes(`${name}.${number}`)) number++
  return `${name}.${number}`
}
