import type { Comparison } from '@tp/compare'
import { percentage } from './numbers.ts'

/** The comparison in words: how much, and how the examples were put together. */
export function comparisonText({ difference, arrangements: compared, quantized }: Comparison): string {
  const most = difference < 1e-6 ? 'less than 1e-6' : `at most ${difference.toExponential(1)}`
  const seen = `by ${most} (${compared.join(', ')})`
  if (quantized === undefined) return seen
  const { distance, own } = quantized
  const self = own === undefined ? '' : `; the source's own differ by ${percentage(own)} alone and in a batch`
  return `${seen}, ${percentage(distance)} of their size (rounding in 8 bits${self})`
}
