import { isTpError, withValues } from '@tp/core'
import { bareMessage, paramsOf } from '@tp/core/host'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'
import type { Measurer } from '../measurer.ts'
import type { OptimizeOptions, Skipped, Variant } from '../options.ts'
import { type Candidate, totalPace } from './candidate.ts'
import type { Screened } from './screening.ts'

/** After this part of the time nothing begins to learn. */
const LATEST = 0.65

/** Examples for the choice between steps of a training. */
const SELECTION = 100

/** Where no row could become faster than this, relative to what holds already, learning which tokens matter is not worth its time. */
const WORTH_LEARNING = 1.08

/**
 * Whether a better order of the tokens could make a model noticeably faster.
 * @param best the fastest so far that holds
 * @param untaught what was tried of methods that learn nothing
 */
export function couldGain(best: Candidate | undefined, untaught: readonly Screened[]): boolean {
  const paces = untaught.flatMap(({ candidates }) => candidates.map(({ candidate }) => candidate.pace))
  return best === undefined || paces.length === 0 || totalPace(best) > WORTH_LEARNING * Math.min(...paces)
}

interface LearningOptions extends Pick<OptimizeOptions, 'learn' | 'encoder'> {
  readonly onSkipped: (skipped: Skipped) => void
  readonly measurer: Measurer
  /** The layers where tokens can be pruned. */
  readonly sites: readonly number[]
  /** Those that have something to learn. */
  readonly learnable: readonly Variant[]
  /** Examples that choose nothing, if there are enough. */
  readonly examples: ModelInputs | undefined
  /** Examples that choose. */
  readonly choosing: ModelInputs
}

/** The variants of methods that have learned, as far as there are time and examples for it; those that cannot are skipped. */
export async function learnedVariants(options: LearningOptions): Promise<readonly Variant[]> {
  const { learn, encoder, sites, measurer, learnable, examples, choosing, onSkipped } = options
  const found: Variant[] = []
  if (learn === undefined || examples === undefined) return found
  for (const { entry, params, ...how } of learnable) {
    if (measurer.isLate(LATEST)) break
    measurer.begin('learning', 0)
    measurer.found()
    const own = { entry, ...(params && { params }), ...(encoder !== undefined && { encoder }) }
    const selection = sampleExamples(choosing, SELECTION)
    const values = await learn({ ...own, layers: sites, inputs: examples, selection }).catch((error: unknown) => {
      // The best so far is enough.
      if (measurer.isLate()) return undefined
      if (!isTpError(error) || error.code === 'TP_ABORTED') throw error
      onSkipped({
        name: entry.name,
        code: error.code as `TP_${string}`,
        reason: bareMessage(error),
      })
    })
    if (values === undefined) continue
    const trained = entry.create(params)
    const method = withValues(trained, (layer) => paramsOf(trained, values, layer))
    found.push({ ...how, ...(params && { params }), entry: { ...entry, create: () => method } })
  }
  return found
}
