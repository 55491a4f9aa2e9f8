import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Layer } from './layer.ts'

/** Layers that build on one another. */
export interface Stack {
  /** The source of its tokens: the first input of the model that its first layer reads; made unique if need be. */
  readonly name: string
  /** That input. */
  readonly input: string | undefined
  readonly layers: readonly Layer[]
}

/**
 * Sorts layers into stacks: each builds on the one before it.
 * @throws Refused TP_ENCODERS where one stack reads what another has written (an encoder and its decoder)
 */
export function findStacks(program: Program, layers: readonly Layer[]): Stack[] {
  const stacks: Layer[][] = []
  for (const [i, layer] of layers.entries()) {
    const before = program.before(layer.input)
    const under = stacks.filter((stack) => before.has((stack.at(-1) as Layer).site))
    const node = program.graph.producer(layer.input)
    const reads = stacks.find((stack) => !under.includes(stack) && stack.some(({ site }) => before.has(site)))
    if (under.length > 1 || reads !== undefined) {
      const reason = `layer ${i} builds on more than the layer before it`
      const advice = isInTurn(layers, under[0], reads)
        ? 'two streams of tokens read each other in every layer (LiLT), and a token would have to be pruned of both'
        : under.length > 1 && !hasCrossAttention(program, layer.input, under)
          ? `it reads what ${under.map((stack) => spanText(layers, stack)).join(' and ')} have computed, stacks of layers next to each other that exchange tokens there (CrossViT) or are joined`
          : 'one stack of layers reads what another has computed (an encoder and its decoder); export the encoder alone'
      throw new Refused('TP_ENCODERS', `${reason}: ${advice}`, node)
    }
    const [stack] = under
    if (stack === undefined) stacks.push([layer])
    else stack.push(layer)
  }
  const names: string[] = []
  return stacks.map((own) => {
    const input = mainInput(program, own[0] as Layer)
    const name = uniqueAmong(names, input ?? 'encoder')
    names.push(name)
    return { name, input, layers: own }
  })
}

/** Whether tokens of one stack attend to those of another, which does not read them: a decoder to its encoder. */
function hasCrossAttention(program: Program, value: string, stacks: readonly Stack['layers'][]): boolean {
  const upstream = program.before(value)
  const read = stacks.map((stack) => program.after((stack.at(-1) as Layer).attention.context))
  return program.graph.nodes.some(({ opType, input: [queries = '', keys = ''], output: [scores = ''] }) => {
    if (opType !== 'MatMul' || !upstream.has(scores)) return false
    return (
      read.some((one) => one.has(queries) && !one.has(keys)) && read.some((one) => one.has(keys) && !one.has(queries))
    )
  })
}

/** Numbers of layers that follow each other, as they are found. */
function spanText(layers: readonly Layer[], stack: readonly Layer[]): string {
  const [first, last] = [stack[0], stack.at(-1)].map((layer) => layers.indexOf(layer as Layer))
  return first === last ? `layer ${first}` : `layers ${first} to ${last}`
}

/** Whether the layers of two stacks alternate, where those of a decoder come after its encoder's. */
function isInTurn(layers: readonly Layer[], one: readonly Layer[] = [], other: readonly Layer[] = []): boolean {
  const [a, b] = [one, other].map((stack) => stack.map((layer) => layers.indexOf(layer))) as [number[], number[]]
  const isBetween = (at: number | undefined, places: readonly number[]): boolean =>
    at !== undefined && places.some((place) => place < at) && places.some((place) => place > at)
  return a.some((at) => isBetween(at, b)) || b.some((at) => isBetween(at, a))
}

/** The first of the model's inputs that the stream is computed from; masks come last. */
function mainInput(program: Program, { input, attention }: Layer): string | undefined {
  const read = program.inputsOf(input)
  const masks = new Set(attention.sides.flatMap((side) => [...program.inputsOf(side, input)]))
  const inputs = program.graph.inputs.map(({ name }) => name).filter((name) => read.has(name))
  return inputs.find((name) => !masks.has(name)) ?? inputs[0]
}

function uniqueAmong(names: readonly string[], name: string): string {
  if (!names.includes(name)) return name
  let number = 2
  while (names.includes(`${name}.${number}`)) number++
  return `${name}.${number}`
}
