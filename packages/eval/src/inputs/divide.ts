import type { ModelInputs } from './model-inputs.ts'
import { someExamples } from './some-examples.ts'

/** What of examples decides how they are divided. */
export type Divisible = Pick<ModelInputs, 'targets' | 'lengths' | 'keys'>

export interface DivideOptions {
  /** Which of the divisions it is. Default 1. */
  readonly seed?: number | undefined
}

/**
 * Divides examples into parts that have each class alike. In an order by class, and within one by chance, examples take
 * turns as `turns` says, so that as long as the turns of each part are evenly spaced a part has of each class what is due
 * to it to within one example, as it has of all. Examples without a class are ordered by their length instead. The order of
 * the examples has no part in it where `keys` tell them apart.
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

/** At most so many of the examples, with each class in its share to within one example; in their order. */
export function sampleExamples(inputs: ModelInputs, most: number, options: DivideOptions = {}): ModelInputs {
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
