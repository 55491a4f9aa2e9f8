import { isTpError } from '@tp/core'
import type { Line } from './results.ts'

/** What a cell has come to: a value, or why there can be none. Faults of the program itself are thrown. */
export async function attempt<V>(
  measure: () => Promise<V>,
): Promise<{ readonly value?: V; readonly refused?: NonNullable<Line['refused']>; readonly seconds: number }> {
  const start = performance.now()
  const seconds = (): number => Number(((performance.now() - start) / 1000).toFixed(3))
  try {
    const value = await measure()
    return { value, seconds: seconds() }
  } catch (error) {
    if (!isTpError(error)) throw error
    return { refused: { code: error.code, message: error.message }, seconds: seconds() }
  }
}
