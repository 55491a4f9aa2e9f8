import { isText } from '@tp/compare'
import type { Inspection, PruneOptions, TokenReading } from '@tp/compiler'

type Restoring = NonNullable<PruneOptions['restore']>

/** How a head reads every token, where it does. */
type WholeReading = 'mean' | 'states' | 'answers' | 'positions'

const wholeReadings: Partial<Readonly<Record<TokenReading['kind'], WholeReading>>> = {
  mean: 'mean',
  sum: 'mean',
  max: 'mean',
  'token-states': 'states',
  'token-answers': 'answers',
  positions: 'positions',
}

/** Whether an output is made of all tokens: pooled by the file, or a row for each. */
export function readsEveryToken({ head }: Inspection): boolean {
  return head.some(({ reads }) => reads.some(({ kind }) => wholeReadings[kind] !== undefined))
}

const facts: Readonly<Record<WholeReading, string>> = {
  mean: 'pools all tokens',
  states: 'has a state for each token, pooled outside if at all',
  answers: 'has an answer for each token',
  positions: 'reads every token at its position',
}

/** Measured as docs/embeddings.md says. */
const POOLED =
  'every token counts in a pool: on pairs of sentences (STS-B) all-MiniLM-L6-v2 loses 0.5 points with tome and 1.1 with ' +
  'received-attention at keep 0.9 in the second half of its layers, 2.3 with tome at 0.9 in all'

const ANSWERED = 'a pruned token is answered from the state that it had when it was pruned'
const UNANSWERED = 'a pruned token has no row, and tp.mask says which rows are tokens'

/** What becomes of a pruned frame or patch. */
const prunedRows: Readonly<Record<Restoring, string>> = {
  auto: 'has the row of its nearest kept neighbour',
  nearest: 'has the row of its nearest kept neighbour',
  all: 'has the state that it had when it was pruned',
  none: 'has no row, so that a decoder weighs a row that stands for many like any other, and may repeat itself (docs/speech.md)',
}

const DECODED = 'of an encoder of speech tp eval --task asr says what its decoder makes of that'

/**
 * What is known of pruning a model whose head reads every token, in one sentence; undefined for other models. `restore`: what was asked
 * for.
 */
export function wholeHeadNote(inspections: readonly Inspection[], restore: Restoring = 'auto'): string | undefined {
  const outputs = inspections.flatMap(({ head }) => head)
  const found = outputs.flatMap(({ output, reads }) => {
    const [reading] = reads.flatMap(({ kind }) => wholeReadings[kind] ?? [])
    return reading === undefined ? [] : [{ output, reading }]
  })
  if (found.length === 0) return undefined
  const isMean = found.some(({ reading }) => reading === 'mean')
  const isPooled = found.some(({ reading }) => reading !== 'answers')
  const about = found.map(({ output, reading }) => `${output} ${facts[reading]}`).join(', ')
  if (!isMean && !inspections.some(isText)) {
    const rows = `${about}; a pruned frame or patch ${prunedRows[restore]}`
    return found.every(({ reading }) => reading === 'positions') ? rows : `${rows}; ${DECODED}`
  }
  const answered = restore === 'none' ? UNANSWERED : ANSWERED
  return `${about}; ${isPooled ? POOLED : answered}`
}

/** What is said where rows of pruned tokens hold a mean: the file does not say what reads them. */
export const FILLED_ROWS: string =
  'rows of pruned tokens hold the mean of the kept ones, for a mean over all rows; if a decoder attends to them, give --restore nearest, ' +
  'or --restore none, and it the output tp.mask as the attention mask of its encoder'

/** What is said where no method was asked for. */
export const SAFE_DEFAULT: string =
  'no method was given, so only what is exact is done: tokens that nothing reads are eliminated. What makes such a model fast is ' +
  'tp quantize --smooth, then tp pack; tp tune --quantize compares that with pruning, and tp eval --methods says what a method costs on ' +
  'your own texts'

/** What is said where one was. */
export const ASKED_FOR: string = 'the method was asked for; tp eval says what it costs on your own data'
