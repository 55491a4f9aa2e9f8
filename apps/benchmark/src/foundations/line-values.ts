import type { Line } from '../measure/compare.ts'

/** A line without what it was computed from. */
export function lineValues({ correct: _, ...line }: Line): Omit<Line, 'correct'> {
  return line
}
