import { join } from 'node:path'
import { mutationNames } from 'exported-encoders'
import type { Question } from './examiner.ts'

/** Mutants of seeds from `from`: every fixture, spoilt in every way, in turns. Those of one fixture are side by side. */
export function questions(folder: string, fixtures: readonly string[], from: number, count: number): Question[] {
  const seeds = Array.from({ length: count }, (_, i) => from + i)
  return fixtures.flatMap((fixture, at) =>
    seeds
      .filter((seed) => seed % fixtures.length === at)
      .map((seed) => {
        const turn = Math.floor(seed / fixtures.length) % mutationNames.length
        return { folder: join(folder, fixture), mutation: mutationNames[turn] as string, seed }
      }),
  )
}
