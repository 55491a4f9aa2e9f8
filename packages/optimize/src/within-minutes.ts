import { inspect } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'
import { loadModel } from './load-model.ts'
import type { Shape, TuneOptions } from './options.ts'
import { MOST_EXAMPLES } from './with-vectors.ts'

/** Verification and timing of what was chosen take the rest. */
const SEARCHING = 0.6
/** Runs of all examples to choose by that a search takes about. */
const EVALUATIONS = 60
/** Fewer examples say too little, whatever they cost; more are not used. */
const EXAMPLES = { least: 150, most: MOST_EXAMPLES } as const
const GRID = [8, 32, 128, 512] as const

/**
 * Options of `tune` that let it end in about some minutes: as many examples as there is time for, and runs of one example.
 */
export async function withinMinutes(
  minutes: number,
  options: Pick<TuneOptions, 'model' | 'inputs' | 'runtime' | 'load' | 'signal'>,
): Promise<Pick<TuneOptions, 'inputs' | 'limitMs' | 'grid'>> {
  const { model, inputs, runtime, signal } = options
  const limitMs = SEARCHING * minutes * 60_000
  const common = { grid: gridOf(inputs), limitMs }
  if (inputs.ranking !== undefined) return { ...common, inputs }
  const found = inspect(model)
  const batch = found.ok && typeof found.batch === 'number' ? found.batch : 1
  await using session = await loadModel(options, runtime, model)
  const most = Math.floor(limitMs / (EVALUATIONS * Math.max(await msOfExample(session, inputs, batch, signal), 0.01)))
  return { ...common, inputs: sampleExamples(inputs, Math.min(EXAMPLES.most, Math.max(EXAMPLES.least, most))) }
}

async function msOfExample(
  session: Session,
  inputs: ModelInputs,
  batch: number,
  signal: TuneOptions['signal'],
): Promise<number> {
  const timed = 5
  let ms = 0
  for (let i = 0; i < timed; i++) {
    const first = Math.floor((i * (inputs.targets.length - batch)) / timed)
    const feeds = await inputs.feeds(Array.from({ length: batch }, (_, row) => first + row))
    const start = performance.now()
    await session.run(feeds, { ...(signal && { signal: signal as AbortSignal }) })
    // The first run prepares buffers.
    if (i > 0) ms += (performance.now() - start) / (batch * (timed - 1))
  }
  return ms
}

function gridOf({ lengths }: ModelInputs): Shape[] {
  if (lengths === undefined) return [{ batch: 1 }]
  const longest = Math.max(...lengths)
  const tokens = GRID.filter((length) => length <= longest)
  return (tokens.length === 0 ? [longest] : tokens).map((length) => ({ batch: 1, tokens: length }))
}
