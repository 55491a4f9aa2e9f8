import type { ModelInputs } from './model-inputs.ts'
import { someExamples } from './some-examples.ts'

/** The properties of examples that decide the division. */
export type Divisible = Pick<ModelInputs, 'targets' | 'lengths' | 'keys'>

export interface DivideOptions {
  /** Seed of the random order. Default 1. */
  readonly seed?: number | undefined
}

/**
 * Divides examples into stratified parts. Examples are ordered by class, within a class at random, and assigned to the parts
 * in the order of `turns`. As long as the turns of each part are evenly spaced, a part has its share of each class, and of all,
 * to within one example. Examples without a class are ordered by length instead. The result does not depend on the order of
 * the examples if they have `keys`.
 * @param turns names of the parts, one for each turn: `['a', 'b', 'a']` gives two thirds to `a`
 * @returns positions of the examples of each part, ascending
 */
export function divide<Part extends string>(
  examples: Divisible,
  turns: readonly Part[],
  options: DivideOptions = {},
): Readonly<Record<Part, readonly number[]>> {
  const parts = new Map<Part, number[]>(turns.map((part) => [part, []]))
  for (const [turn, position] of stratified(examples, options).entries()) {
    parts.get(turns[turn % turns.length] as Part)?.push(position)
  }
  for (const positions of parts.values()) positions.sort((a, b) => a - b)
  return Object.fromEntries(parts) as Record<Part, number[]>
}

/** At most `most` examples, stratified by class to within one example, in their original order. */
export function sampleExamples<Inputs extends ModelInputs>(
  inputs: Inputs,
  most: number,
  options: DivideOptions = {},
): Inputs {
  const count = inputs.targets.length
  if (count <= most) return inputs
  const isTaken = (turn: number): boolean => Math.floor(((turn + 1) * most) / count) > Math.floor((turn * most) / count)
  const taken = stratified(inputs, options).filter((_, turn) => isTaken(turn))
  return someExamples(
    inputs,
    taken.sort((a, b) => a - b),
  )
}

/** Positions by class, those without one by length, alike ones in an order that the seed decides. */
function stratified({ targets, lengths, keys }: Divisible, { seed = 1 }: DivideOptions): number[] {
  const sorted = targets.map((target, position) => ({
    position,
    target,
    length: target < 0 ? (lengths?.[position] ?? 0) : 0,
    chance: hash(`${seed} ${keys?.[position] ?? position}`),
  }))
  sorted.sort((a, b) => a.target - b.target || a.length - b.length || a.chance - b.chance || a.position - b.position)
  return sorted.map(({ position }) => position)
}

/** FNV-1a, its bits mixed once more (the end of MurmurHash3): 32 bits that differ throughout where texts differ in one character. */
export function hash(text: string): number {
  let mixed = 0x811c9dc5
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
