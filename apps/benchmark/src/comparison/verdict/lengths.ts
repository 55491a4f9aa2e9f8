import { type AtLength, breakEven } from '../analysis/break-even.ts'
import { listed, speedupText, speedWords } from './words.ts'

/** From which length on a setting pays, at one batch size. */
export function breakEvenSentence(name: string, batch: number, times: readonly AtLength[]): string {
  const lengths = times.map(({ tokens }) => tokens)
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)]
  const from = breakEven(times)
  const where = `In batches of ${batch}, ${name}`
  // by what is certain, or a length that was disturbed would win
  const best = times.reduce((a, b) => (b.speedup.low > a.speedup.low ? b : a))
  const top = `most at ${best.tokens} tokens, ${speedupText(best.speedup)}`
  const slower = times.filter(({ speedup }) => speedWords(speedup) === 'slower').map(({ tokens }) => `${tokens}`)
  const warning = slower.length === 0 ? '' : ` It is slower at ${listed(slower)} tokens.`
  if (from === undefined)
    return `${where} has no length from which on it is faster, up to ${most} tokens; ${top}.${warning}`
  if (from === least) return `${where} is faster at every length from ${least} to ${most} tokens; ${top}.`
  return `${where} is faster from ${from} tokens on; ${top}.${warning}`
}
