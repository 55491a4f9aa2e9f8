import type { FileVerification } from '@tp/plans/files'
import { counted, percentage } from './numbers.ts'

/** The line about what a written file was compared on, and how near it is to the model that it was made from. */
export function verificationText(verification: FileVerification | undefined): string {
  if (verification === undefined) return 'not verified (--no-verify)'
  if ('notVerified' in verification) return `not verified: ${verification.notVerified}`
  const { examples, lengths, arrangements, difference, rounding, nearTies, invariance } = verification
  const [shortest, longest] = [lengths.at(0), lengths.at(-1)]
  const isPadded = lengths.length > 1
  const sides = ['right', 'left'].filter((side) => arrangements.some((each) => each === `padded ${side}`))
  const how = [
    counted(examples, 'example'),
    isPadded && `${lengths.length} lengths (${shortest} to ${longest} tokens)`,
    sides.length > 0 && `padded ${sides.join(' and ')}`,
  ]
  const exact = difference === undefined ? undefined : `largest difference ${numberText(difference)}`
  const without = [invariance && 'with every token kept', rounding !== undefined && 'without rounding'].filter(Boolean)
  const seen = [
    exact && [...without, exact].join(', '),
    rounding !== undefined && `outputs differ by up to ${percentage(rounding)} of their size, as 8 bits do`,
    nearTies !== undefined && `in ${counted(nearTies, 'example')} rounding decides which of two tokens is kept`,
    (invariance ?? arrangements.length > 1) && 'the same answers alone and in a batch',
  ]
  return `verified on ${how.filter(Boolean).join(', ')}: ${seen.filter(Boolean).join('; ')}`
}

/** `2e-6`; 0 for the same bits. */
function numberText(difference: number): string {
  return difference === 0 ? '0' : difference.toExponential(0)
}
