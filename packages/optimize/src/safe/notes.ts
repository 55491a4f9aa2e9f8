import { factor, type InputKind, inputKind, points } from '@tp/compare'
import { type Inspection, type PruneOptions, type PruneReport, readProvenance } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import type { SafeChoice } from './prune-safely.ts'
import type { SafeMethod } from './safe-default.ts'
import { type WholeReading, wholeReadings } from './whole-readings.ts'

type Restoring = NonNullable<PruneOptions['restore']>

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

/** The meaning of one of their tokens. */
const tokenNouns: Readonly<Record<InputKind, string>> = {
  texts: 'token',
  images: 'patch',
  recordings: 'frame',
  data: 'frame or patch',
}

const NEAREST = 'has the row of its nearest kept neighbor, or of the one that it was merged into'

/** The fate of a pruned frame or patch. */
const prunedRows: Readonly<Record<Restoring, string>> = {
  auto: NEAREST,
  nearest: NEAREST,
  all: 'has the state that it had when it was pruned',
  none: 'has no row, so that a decoder weighs a row that stands for many like any other, and may repeat itself (docs/speech.md)',
  weighed:
    'has no row, and the rows that are kept say how much each counts, to a decoder that tp prune --decoder has changed and no other',
}

const DECODED = 'tp eval --task asr measures the effect on its decoder'

/** A pruned model, and how it was pruned. */
export interface PruningToNote extends Pick<PruneReport, 'encoders'> {
  readonly model: Model
  /** The findings of `inspect` about the encoders of its source. */
  readonly inspections: readonly Inspection[]
  /** As pruning had it; default: auto. */
  readonly restore?: Restoring | undefined
  /** Whether only rows of per-token outputs were pruned, after the last attention. */
  readonly outputTokens?: boolean
  /** Whether the user named no method. */
  readonly isDefault?: boolean
}

/**
 * The effects of pruning on the outputs of a model, in sentences for its user: heads that read every token, rows of pruned tokens. None for
 * models whose heads read only protected tokens.
 * @example
 * for (const note of pruningNotes({ model, encoders, inspections: [inspection] })) console.warn(note)
 */
export function pruningNotes(pruning: PruningToNote): string[] {
  const { model, inspections, encoders, restore, outputTokens = false, isDefault = false } = pruning
  const known = outputTokens ? KEPT_ROWS : wholeHeadNote(inspections, inputKind(model), restore)
  const isPruned = encoders.some(({ schedule }) => schedule.size > 0)
  const isFilled = readProvenance(model).some(({ filled }) => filled === 'mean')
  return [
    ...(known !== undefined && (isPruned || isDefault) ? [known] : []),
    ...(known !== undefined && isPruned && !isDefault ? [MEASURED_BY] : []),
    ...(isFilled ? [FILLED_ROWS] : []),
    ...refusedNotes(pruning),
  ]
}

/** Why other encoders of the file are not pruned, in a sentence for each; none where one is named among several that can be. */
function refusedNotes({ model, inspections }: PruningToNote): string[] {
  const { encoders = [] } = inspections[0] ?? {}
  const steps = readProvenance(model)
  const refused = encoders.flatMap(({ name, refusal }) => {
    if (refusal === undefined) return []
    const note = `${name} is left as it is: ${refusal.message}`
    return [steps.some(({ encoder }) => encoder === name) ? `${note}; to prune more of it, ${FROM_SOURCE}` : note]
  })
  return encoders.length - refused.length === inspections.length ? refused : []
}

const FROM_SOURCE = 'prune the file that this one was made from, at all layers at once'

/**
 * A sentence on pruning a model whose head reads every token; undefined for other models. `restore`: the option;
 * `kind`: what the model reads.
 */
function wholeHeadNote(
  inspections: readonly Inspection[],
  kind: InputKind,
  restore: Restoring = 'auto',
): string | undefined {
  const found = wholeReadings(inspections)
  if (found.length === 0) return undefined
  const isPooled = found.some(({ reading }) => reading !== 'answers')
  const about = found.map(({ output, reading }) => `${output} ${facts[reading]}`).join(', ')
  const isStates = found.some(({ reading }) => reading === 'states')
  const isRead = isStates && (restore === 'nearest' || restore === 'weighed')
  if (kind === 'texts' && !isRead)
    return `${about}; ${isPooled ? POOLED : restore === 'none' || restore === 'weighed' ? UNANSWERED : ANSWERED}`
  const noun = tokenNouns[kind]
  const rows = found.every(({ reading }) => reading === 'mean')
    ? `every ${noun} counts in a pool, where a pruned one is missing unless it is merged into others`
    : `a pruned ${noun} ${prunedRows[restore]}`
  return `${about}; ${kind === 'recordings' && isStates ? `${rows}; ${DECODED}` : rows}`
}

/** Where rows of pruned tokens hold a mean: the file does not say what reads them. */
const FILLED_ROWS =
  'rows of pruned tokens hold the mean of the kept ones, for a mean over all rows; if a decoder attends to them, give --set restore=nearest, ' +
  'or --set restore=none, and pass the output tp.mask to the decoder as the attention mask of its encoder'

/**
 * Why a model was pruned as it was, in a sentence for its user, where no method was named.
 * @param why of `pruneSafely`
 * @param model as it was before
 */
export function safeChoiceNote(why: SafeChoice, model: Model): string {
  const kind = inputKind(model)
  if ('exact' in why) return why.exact === 'unmeasured' ? UNMEASURED : wholeHeadDefault(kind)
  if ('losses' in why) return measuredNote(why)
  if ('message' in why)
    return `${nameOf(why.refused)}, which is used for such a head, does not suit this model: ${why.message}`
  const slower = `${nameOf(why.slower)}, which is used for such a head, is ${factor(why.speedup)} as fast here`
  return `${slower}, so only dead tokens are eliminated`
}

function nameOf({ method, keep }: SafeMethod): string {
  return `${method} at keep ${keep}`
}

/** `… value-aware at keep 0.8 lost 0.0 (−0.3 … 0.3) points on mails and 1.0 (−0.7 … 2.8) on reviews` */
function measuredNote(safe: SafeMethod): string {
  const texts = safe.losses.map(
    (loss, i) => `${points({ ...loss, estimate: loss.points })}${i === 0 ? ' points' : ''} on ${loss.on}`,
  )
  const head = `the head reads the class token of ${safe.tokens === 'texts' ? 'a text' : 'patches'}`
  const losses = `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`
  return `no method was given, and ${head}: there ${nameOf(safe)} lost ${losses} (docs/results)`
}

const UNMEASURED =
  'no method was given, and none was measured that is safe for such a head, so only tokens that nothing reads are ' +
  'eliminated. tp optimize --data chooses what your own examples allow'

function wholeHeadDefault(kind: InputKind): string {
  const done = 'no method was given, so only tokens that nothing reads are eliminated'
  if (kind === 'recordings') return `${done}. tp eval --methods says what a method costs on your own recordings`
  return `${done}. ${QUANTIZED}, and tp eval --methods says what a method costs on your own ${kind}`
}

const QUANTIZED = 'tp quantize --smooth, then tp pack make such a model fast; tp optimize compares that with pruning'

/** Where a method was named, or chosen. */
const MEASURED_BY = 'tp eval measures the cost of a method on your own data'

/** Where output tokens alone are pruned. */
const KEPT_ROWS =
  'a kept token has the row that the dense model gives it, unless the method merges others into it; tp.mask says which rows are tokens. ' +
  'Embed documents with this file, and queries with the dense one'
