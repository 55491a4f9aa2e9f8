import { type AnswerNearness, nearnessTo, spreadByLength } from '@tp/compare'
import { addChosenOn, type QuantizeOptions, type SmoothedSite, smooth, transform } from '@tp/compiler'
import type { AbortSignalLike, Session } from '@tp/core/runtime'
import type { SpeechData, TaskData } from '@tp/data'
import { joinMarks, type ModelInputs, someExamples } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { channelRanges } from './channel-ranges.ts'
import { type QuantizedWithin, type QuantizeProgress, quantizeWithin } from './quantize-within.ts'

export interface QuantizeOnDataOptions {
  /** The model in float32. It is not changed. */
  readonly model: Model
  /** Examples that answers are compared on; labels are not used. */
  readonly data: Exclude<TaskData, SpeechData>
  /** Examples in a batch. */
  readonly batchSize: number
  /** Runs `model`, or one that was made from it. */
  readonly load: (model: Model) => Promise<Session>
  /** Least similarity of the answers, 0 … 1; default: any. */
  readonly within?: number | undefined
  /** Whether loud channels are divided first, as `smooth` of @tp/compiler does. */
  readonly smooth?: boolean | undefined
  readonly quantize?: QuantizeOptions | undefined
  /** Called before each stage: `channels` where it is smoothed, `dense`, and those of {@link QuantizeProgress}. */
  readonly onStage?: ((stage: QuantizeStage) => void) | undefined
  readonly onProgress?: ((at: { readonly done: number; readonly total: number }) => void) | undefined
  readonly signal?: AbortSignalLike | undefined
}

export type QuantizeStage = 'channels' | 'dense' | QuantizeProgress['step']

export interface QuantizedOnData extends QuantizedWithin {
  /** Where the model was smoothed first. */
  readonly smoothed: readonly SmoothedSite[] | undefined
}

/** Examples by which channels are smoothed: of all lengths. */
const SMOOTHED_BY = 64

/**
 * Quantizes a model and compares its answers with the dense ones on examples; with `within` as much of it as leaves them near enough.
 * @throws TpError TP_OPTION, TP_QUANTIZE if not even a single node could be quantized, TP_ABORTED, and what runtime and compiler throw
 *
 * @example
 * const data = { task: 'classification', inputs } as const
 * const load = (model: Model) => runtime.load(encodeModel(model))
 * const { model, nearness } = await quantizeOnData({ model: dense, data, batchSize: 1, load, within: 0.99 })
 */
export async function quantizeOnData(options: QuantizeOnDataOptions): Promise<QuantizedOnData> {
  const { data, batchSize, signal, onProgress } = options
  const smoothed = options.smooth ? await smoothedBy(options) : undefined
  const compareWith = (dense: Session) => nearnessTo(dense, data, { batchSize, signal, onProgress })
  const found = await quantizeCompared({ ...options, smoothed: smoothed?.model, compareWith })
  const chosenOn = [smoothed?.by, options.within === undefined ? undefined : choosing(data)].filter(
    (inputs) => inputs !== undefined,
  )
  addChosenOn(found.model, await joinMarks(chosenOn))
  return { ...found, smoothed: smoothed?.sites }
}

/** Examples that choose. Documents are the same for every query: of a search its queries, which come first. */
function choosing(data: QuantizeOnDataOptions['data']): ModelInputs {
  if (data.task !== 'embeddings' || data.judged === undefined || !('queryCount' in data.judged)) return data.inputs
  return someExamples(
    data.inputs,
    Array.from({ length: data.judged.queryCount }, (_, row) => row),
  )
}

export interface QuantizeComparedOptions<Nearness extends AnswerNearness>
  extends Pick<QuantizeOnDataOptions, 'model' | 'load' | 'within' | 'quantize' | 'onStage' | 'onProgress' | 'signal'> {
  /** The model that is quantized, if not `model` itself. */
  readonly smoothed?: Model | undefined
  /** Runs the dense model, and returns how others are compared with it, on all examples or on a few. */
  readonly compareWith: (dense: Session) => Promise<(session: Session, thorough: boolean) => Promise<Nearness>>
}

/**
 * As `quantizeOnData`, by a comparison of one's own: of a decoder's texts, say.
 * @throws TpError TP_OPTION, TP_QUANTIZE if not even a single node could be quantized, TP_ABORTED, and what runtime and compiler throw
 */
export async function quantizeCompared<Nearness extends AnswerNearness>(
  options: QuantizeComparedOptions<Nearness>,
): Promise<QuantizedWithin<Nearness>> {
  const { compareWith, load, within, quantize, onStage, onProgress, signal } = options
  onStage?.('dense')
  const nearnessOf = await (async () => {
    await using dense = await load(options.model)
    return await compareWith(dense)
  })()
  let stage: QuantizeStage = 'whole'
  onStage?.(stage)
  return await quantizeWithin({
    ...{ model: options.smoothed ?? options.model, within, quantize, signal },
    async compare(model, thorough) {
      await using session = await load(model)
      return await nearnessOf(session, thorough)
    },
    onProgress({ step, ...at }) {
      if (step !== stage) onStage?.(step)
      stage = step
      onProgress?.(at)
    },
  })
}

interface Smoothed {
  readonly model: Model
  readonly sites: readonly SmoothedSite[]
  /** The examples that channels were measured on. */
  readonly by: ModelInputs
}

async function smoothedBy({
  model: dense,
  data: { inputs },
  load,
  quantize,
  onStage,
  onProgress,
  signal,
}: QuantizeOnDataOptions): Promise<Smoothed> {
  onStage?.('channels')
  const by = someExamples(inputs, spreadByLength(inputs, SMOOTHED_BY, 1).flat())
  const ranges = await channelRanges({ model: dense, inputs: by, load, signal, onProgress })
  const { model, reports } = transform(dense, smooth({ ranges, activations: quantize?.activations }))
  return { model, sites: reports[0].sites, by }
}
