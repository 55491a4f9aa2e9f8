import { shapesOf, type Trial, trialsFor, type VerifiedPruning, verifyPruning } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { type ModelFile, sizeOfFiles } from '@tp/data'
import { loadSession, withModelAsFile } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { boundedProcess, boundsFor, type RunSize } from '@tp/runtime-node/bounded'
import type { Pruned } from '../printing/pruned-report.ts'
import { type PruningSettings, pruneFile } from './prune-file.ts'

interface VerifyOptions {
  /** The kind of pruned tokens, … */
  readonly file: ModelFile
  /** … which is not what lies at its path where layers were left out first. */
  readonly isShallow: boolean
  readonly model: Inspection
  readonly pruned: Pruned
  /** Where the pruned model can be loaded from. */
  readonly path: string
  readonly settings: PruningSettings
  readonly signal: AbortSignal
}

/**
 * Verifies a pruned model in a process of its own with limits, before its weights are stored in 8 bits, if they are. Where layers are left
 * out, the dense model is that without them.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPruned(options: VerifyOptions): Promise<VerifiedPruning> {
  const { file, isShallow, model, pruned, path, signal } = options
  const settings = { ...options.settings, quantize: undefined }
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(model, trialsFor(file.model, model)))
  await using process = boundedProcess(signal)
  // Each within what a model of its size may take.
  const load = (path: string): Promise<Session> => process.load(path, { bounds })
  const open = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, load)
  const { method, outputs, restore } = settings
  return await verifyPruning({
    ...{ source: file.model, inspection: model, pruned, method, outputs, restore, signal },
    prune: async ({ schedules, ...how }) => (await pruneFile(file, { ...settings, ...how }, schedules)).model,
    openSource: () => (isShallow ? open(file.model) : load(file.path)),
    openPruned: () => load(path),
    open,
    openTimed: (model) => loadSession(nodeRuntime(), model, file, { signal, threads: 1 }),
  })
}

function largestRun(model: Inspection, trials: readonly Trial[]): RunSize {
  const own = typeof model.tokens === 'number' ? model.tokens : 1
  const sizes = shapesOf(trials, model).map(([batch = 1, length = own]) => ({ batch, length }))
  return {
    tokens: Math.max(...sizes.map(({ batch, length }) => batch * length)),
    scores: Math.max(...sizes.map(({ batch, length }) => 4 * batch * model.heads * length ** 2)),
  }
}
