import { inspect, inspectDecoder, readProvenance, roundsByBatch } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { decoderDistances } from '../decoders/decoder-distances.ts'
import { verifyDecoder, verifyPromptRuns } from '../decoders/verify-decoder.ts'
import { type Comparison, roundsToBytes } from '../verify/compare-answers.ts'
import { type Invariance, verifyInvariance } from '../verify/invariance.ts'
import { type QuantizedComparison, verifyQuantized } from '../verify/verify-quantized.ts'
import { verifySame } from '../verify/verify-same.ts'
import { type Loadable, loadModel, modelOf, requireComparable } from './load-model.ts'

export interface VerifyModelsOptions {
  readonly runtime: Pick<Runtime, 'load'>
  /** Of the changed model, where it needs another one: a packed file runs on `@tp/runtime-native` only. Default: the same. */
  readonly changedRuntime?: Pick<Runtime, 'load'> | undefined
  readonly signal?: AbortSignal | undefined
}

/** The verification, by the change of the model. */
export type Verification =
  /** Nothing that changes answers: they are the dense ones, but for rounding. */
  | ({ readonly kind: 'same' } & Pick<Comparison, 'difference'> & Partial<Comparison>)
  /** Stored in 8 bits: outputs are finite, and padding moves them no more than rounding explains. */
  | ({ readonly kind: 'quantized' } & Pick<QuantizedComparison, 'distances'> & Partial<QuantizedComparison>)
  /** Tokens are pruned, or layers left out: an example gets the same answer alone, in a batch, and padded. */
  | { readonly kind: 'pruned'; readonly invariance?: Invariance }

/**
 * Verifies a changed model against its source, without data, by what was done to it: random examples or prompts of unequal lengths, each
 * alone, in a batch, and padded on either side.
 * @throws TpError TP_VERIFY where the changed model does not hold, TP_DENSE where the source itself does not, TP_INPUT for inputs that
 * cannot be generated, TP_NOT_ONNX and TP_OPTION for what are not models and a runtime
 *
 * @example
 * const { model } = transform(dense, prune({ method: tome(), schedule: schedule(6, { keep: 0.8 }) }))
 * console.log(await verify(model, dense, { runtime: nodeRuntime() }))
 * // { kind: 'pruned', invariance: { 'in a batch': 4, 'padded right': 10 } }
 */
export async function verify(changed: Loadable, dense: Loadable, options: VerifyModelsOptions): Promise<Verification> {
  requireComparable([changed, dense], options)
  const { runtime, changedRuntime = runtime, signal } = options
  requireNewer(changed, dense)
  await using before = await loadModel(dense, runtime, { signal })
  await using after = await loadModel(changed, changedRuntime, { signal })
  const [source, model] = [modelOf(dense), modelOf(changed)]
  const pair = { source, dense: before, changed: after, signal }
  const isQuantized = roundsToBytes(model) && !roundsToBytes(source)
  const decoder = inspectDecoder(source)
  if (decoder.ok) {
    if (isQuantized) return { kind: 'quantized', distances: await decoderDistances({ ...pair, decoder }) }
    const own = inspectDecoder(model)
    if (!own.ok || own.prompt === undefined)
      return { kind: 'same', difference: await verifyDecoder({ ...pair, decoder }) }
    await verifyPromptRuns({ ...pair, decoder })
    return { kind: 'pruned' }
  }
  if (isQuantized)
    return { kind: 'quantized', ...(await verifyQuantized({ ...pair, roundsByBatch: roundsByBatch(model) })) }
  if (changesOf(model) === changesOf(source)) return { kind: 'same', ...(await verifySame(pair)) }
  const where = readProvenance(model).at(-1)?.method ?? 'compare'
  const invariance = await verifyInvariance({ source, dense: before, pruned: after, where, signal })
  return { kind: 'pruned', ...(invariance && { invariance }) }
}

/** @throws TpError TP_OPTION for models that were given in the wrong order */
function requireNewer(changed: Loadable, dense: Loadable): void {
  if (changesOf(modelOf(dense)) <= changesOf(modelOf(changed))) return
  const seen = 'the second model has more cuts, or fewer layers, than the first'
  throw new TpError('TP_OPTION', 'compare', `${seen}; call verify(changed, dense)`)
}

/** How often a model was changed so that its answers may differ. */
function changesOf(model: Model): number {
  const found = inspect(model)
  const cuts = readProvenance(model).reduce((sum, step) => sum + step.cuts.length, 0)
  return cuts + (found.ok ? found.leftOut.length : 0)
}
