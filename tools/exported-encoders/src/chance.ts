import { createHash } from 'node:crypto'

/** Choices that look like chance and are the same on every machine. */
export interface Chance {
  /** Whole number from 0 to below `end`. */
  below(end: number): number
  pick<T>(list: readonly T[]): T
}

export function chance(seed: number): Chance {
  let drawn = 0
  const below = (end: number): number => {
    const digest = createHash('sha256').update(`${seed}/${drawn++}`).digest()
    return end <= 0 ? 0 : digest.readUIntBE(0, 6) % end
  }
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] }
}
