import { shapesOf, type Trial, trialsFor, type VerifiedPruning, verifyPruning } from '@tp/compare'
import { type Inspection, type NamedEncoder, prune, transform } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { type ModelFile, sizeOfFiles } from '@tp/data'
import { loadSession, withModelAsFile } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { boundedProcess, boundsFor, type RunSize } from '@tp/runtime-node/bounded'
import { interruptible } from '../context/endable.ts'
import { naming } from '../model/refusal-error.ts'
import type { Attempt } from './attempt.ts'

/**
 * Verifies a pruned model in a process of its own with limits, before its weights are stored in 8 bits, if they are. Where layers are left
 * out, the dense model is that without them, which is not what lies at the path of its file.
 * @param path where the pruned model can be loaded from
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPruned(
  { file, inspection: model, pruned }: Attempt,
  { whole, path, signal }: { readonly whole: ModelFile; readonly path: string; readonly signal: AbortSignal },
): Promise<VerifiedPruning> {
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(model, trialsFor(file.model, model)))
  await using process = boundedProcess(signal)
  // Each within what a model of its size may take.
  const load = (path: string): Promise<Session> => process.load(path, { bounds })
  const open = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, load)
  const { options } = pruned
  const { method, outputs, restore } = options
  return await verifyPruning({
    ...{ source: file.model, inspection: model, pruned, method, outputs, restore, signal },
    prune: async ({ schedules, ...how }) => {
      const again = { ...options, ...how, schedule: ({ name }: NamedEncoder) => schedules.get(name) ?? new Map() }
      return interruptible(() => naming(file.path, () => transform(file.model, prune(again)))).model
    },
    openSource: () => (file === whole ? load(file.path) : open(file.model)),
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
