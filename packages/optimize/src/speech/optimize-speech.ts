import { inspect, type Plan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type SpeechInputs, someRecordings } from '@tp/data'
import { divide, joinMarks } from '@tp/data/inputs'
import { Measurer } from '../measurer.ts'
import type { Figures, OptimizedPlan } from '../optimized-plan.ts'
import type { Skipped } from '../options.ts'
import { namedVariant } from '../search/candidate.ts'
import { type Halves, Judge } from './judge.ts'
import type { SpeechOptions } from './options.ts'
import { MEASURED, type SpeechCandidate, strengthsOf } from './speech-candidates.ts'

/** The most recordings of each half: each is decoded for every candidate. */
const MOST = 40
/** With fewer to verify on one word is a point. */
const LEAST = 20
/**
 * Finds the fastest pruning of an encoder of speech by which the decoder gets no more words wrong than is allowed, in points of
 * the word error rate: for each method the greatest strength that holds on half of the recordings, and of all of them the
 * fastest, encoder and decoder together, that also holds on the other half. A pruning slower than dense is not chosen. States
 * of pruned positions are restored, so the decoder may be any that reads the dense ones.
 * @throws TpError TP_DATA for too few recordings; TP_OPTION; TP_ABORTED; with the code of a refusal; and what runtime and decoder throw
 */
export async function optimizeSpeech(options: SpeechOptions): Promise<OptimizedPlan> {
  const { model, inputs, variants, maxLoss = 0.5 } = options
  if (!(maxLoss >= 0 && maxLoss <= 100))
    throw new TpError('TP_OPTION', 'optimize', `maxLoss is ${maxLoss}; give points of the word error rate, 0 to 100`)
  if (variants.length === 0) throw new TpError('TP_OPTION', 'optimize', 'no method is given to choose from')
  const halves = halvesOf(inputs)
  const found = inspect(model)
  if (!found.ok) throw new TpError(found.refusal.code, 'optimize', found.refusal.message)
  const measurer = new Measurer(options)
  const judge = new Judge(options, measurer, halves)
  const skipped: Skipped[] = []
  measurer.begin('screening', variants.length)
  const rows: SpeechCandidate[][] = []
  const measured = {
    ...options,
    inputs: someRecordings(halves.choose, [...halves.choose.texts.keys()].slice(0, MEASURED)),
  }
  for (const variant of variants) {
    const named = namedVariant(variant, [])
    try {
      const row = await strengthsOf(named, found, measured)
      for (const { plan } of row.slice(0, 1)) judge.pruned(plan)
      rows.push(row)
    } catch (error) {
      if (!(variant.optional && error instanceof TpError && error.code !== 'TP_ABORTED')) throw error
      const why = { name: named.name, code: error.code as `TP_${string}`, reason: error.message }
      skipped.push(why)
      options.onSkipped?.(why)
    }
  }
  measurer.begin('search', 1 + rows.reduce((sum, row) => sum + Math.ceil(Math.log2(row.length + 1)), 0))
  const { ms: denseMs } = await judge.words('dense', undefined, 'choose')
  const holding: (SpeechCandidate & { ms: number })[] = []
  for (const row of rows) holding.push(...(await thoseThatHold(judge, row, maxLoss)))
  const candidates = holding.filter(({ ms }) => ms < denseMs).sort((a, b) => a.ms - b.ms)
  if (candidates[0] !== undefined) measurer.found(candidates[0].name)
  measurer.begin('verification', 2)
  for (const { name, plan } of candidates) {
    const loss = await judge.lossOf(name, plan, 'verify')
    if (loss.estimate > maxLoss) continue
    measurer.begin('regimes', 1)
    const [total, encoder] = await judge.speedups(name, plan)
    if (total.speedup < 1) continue
    // A faster one that those to verify on have ruled out makes these choose, too.
    const chose = [halves.choose, ...(name === candidates[0]?.name ? [] : [halves.verify])]
    const chosenOn = await joinMarks(chose)
    return tuned({ ...plan, ...(chosenOn !== '' && { chosenOn }) }, { loss, grid: [total], encoder })
  }
  return tuned({ format: 1, method: 'none' }, { grid: [] })

  async function tuned(plan: Plan, own: Pick<Figures, 'loss' | 'grid' | 'encoder'>): Promise<OptimizedPlan> {
    const { runtime: name, version, device } = await options.runtime.diagnose()
    const about = { examples: halves.verify.texts.length, data: inputs.source, runtime: name, version, device }
    const figures = {
      maxLoss,
      points: 'WER' as const,
      confident: false,
      confirmed: true,
      ...own,
      ...(skipped.length > 0 && { skipped }),
      ...about,
    }
    return { format: 1, regimes: [{ plan }], figures: { ...figures, date: new Date().toISOString() } }
  }
}

/** The strongest of a row that holds on the recordings for choosing, found by bisection, and the gentler ones that were tried. */
async function thoseThatHold(
  judge: Judge,
  row: readonly SpeechCandidate[],
  maxLoss: number,
): Promise<(SpeechCandidate & { readonly ms: number })[]> {
  const holding: (SpeechCandidate & { readonly ms: number })[] = []
  let [safe, fails] = [-1, row.length]
  while (fails - safe > 1) {
    const middle = Math.floor((safe + fails) / 2)
    const candidate = row[middle] as SpeechCandidate
    const { estimate } = await judge.lossOf(candidate.name, candidate.plan, 'choose')
    const { ms } = await judge.words(candidate.name, candidate.plan, 'choose')
    if (estimate <= maxLoss) {
      safe = middle
      holding.push({ ...candidate, ms })
    } else fails = middle
  }
  return holding
}

/** Alternately by a random order, the same always. @throws TpError TP_DATA */
function halvesOf(inputs: SpeechInputs): Halves {
  const count = inputs.texts.length
  if (count < 2 * LEAST) {
    const seen = `${count} recordings are too few to choose by`
    throw new TpError('TP_DATA', 'optimize', `${inputs.source}: ${seen}; give ${2 * LEAST} or more`)
  }
  const rows = divide(inputs, ['choose', 'verify'])
  const half = (name: keyof Halves): SpeechInputs => someRecordings(inputs, rows[name].slice(0, MOST))
  return { choose: half('choose'), verify: half('verify') }
}
