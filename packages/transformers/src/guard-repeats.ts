import { PreTrainedModel, StoppingCriteria, StoppingCriteriaList, Tensor } from '@huggingface/transformers'
import { hasAllPositions, POSITIONS, withoutSilence } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { finish, guardRepeats } from '@tp/metrics'
import { replace } from './replace.ts'

/** A window in which the decoder repeated itself over the states of a pruned encoder. */
export interface RepeatReport {
  /** As it was passed to `pipeline` or `from_pretrained`. */
  readonly model: string
  /** `whole`: its text is that of the whole encoder instead. `none`: there is none, so that the text repeats itself. */
  readonly by: 'whole' | 'none'
}

interface Guard {
  readonly onRepeat: (by: RepeatReport['by']) => void
  /** The dense model; absent for a file that was pruned before. */
  readonly dense?: (() => Promise<PreTrainedModel>) | undefined
  /** By the data of frames that the encoder has run on: whether it kept all of their positions. */
  readonly isWhole: WeakMap<object, boolean>
}

/** Called, as an option of `generate`, when a text is begun, by whoever watches its steps; what it returns forgets them. */
export type Begin = () => () => void
export const BEGIN: unique symbol = Symbol('tp.begin')

type Generate = PreTrainedModel['generate']
type Generated = Awaited<ReturnType<Generate>>
type Stop = (tokens: readonly (number | bigint)[]) => boolean

const guards = new WeakMap<PreTrainedModel, Guard>()
let isPut = false

/**
 * From now on a model of speech decodes a window again, by its whole encoder, in which its decoder repeats itself. An encoder that thins padding keeps all positions of
 * frames without silence; for any other the dense model is loaded when it is first needed, and disposed of with the pruned one.
 * @param load the dense model; absent for a file that was pruned before
 */
export function guardModel(
  model: PreTrainedModel,
  { load, onRepeat }: Pick<Guard, 'onRepeat'> & { readonly load?: () => Promise<PreTrainedModel> },
): void {
  const isWhole = new WeakMap<object, boolean>()
  replace(
    model.sessions.model,
    'run',
    (run) =>
      async function (this: unknown, ...args: [NamedTensors]) {
        const outputs: NamedTensors = await run.apply(this, args)
        for (const { data } of Object.values(args[0])) isWhole.set(data, hasAllPositions(outputs))
        return outputs
      },
  )
  let loaded: Promise<PreTrainedModel> | undefined
  const dense =
    load &&
    (() => {
      loaded ??= load()
      return loaded
    })
  replace(model, 'dispose', (dispose) => async () => {
    await (await loaded)?.dispose()
    return await dispose.call(model)
  })
  guards.set(model, { onRepeat, dense, isWhole })
  // A model of speech calls this for each window, and passes no criteria of its own on.
  if (!isPut) replace(PreTrainedModel.prototype, 'generate', guarded)
  isPut = true
}

function guarded(generate: Generate): Generate {
  return async function (this: PreTrainedModel, options) {
    const guard = guards.get(this)
    const input = options.inputs === undefined ? this.main_input_name : 'inputs'
    const frames = options[input] as TensorLike | undefined
    if (guard === undefined || frames === undefined) return await generate.call(this, options)
    const { dense, isWhole, onRepeat } = guard
    const canKeepAll: boolean = this.sessions.model.outputNames.includes(POSITIONS)
    const { no_timestamps_token_id: last = Number.POSITIVE_INFINITY } = (options.generation_config ??
      this.generation_config ??
      {}) as { readonly no_timestamps_token_id?: number }
    const pruned = (stop: Stop): ReturnType<Generate> => {
      const criteria = new StoppingCriteriaList()
      criteria.extend(options.stopping_criteria ?? [])
      criteria.push(new Repeated(stop, last))
      return generate.call(this, { ...options, stopping_criteria: criteria })
    }
    const byItself = async (): Promise<Generated | undefined> => {
      const { type, dims, data } = withoutSilence(frames)
      const loud = new Tensor(type as 'float32', data as Float32Array, [...dims])
      const text = await generate.call(this, { ...options, [input]: loud })
      return isWhole.get(loud.data) ? text : undefined
    }
    const forget = (options as { readonly [BEGIN]?: Begin })[BEGIN]?.()
    const whole = async (): Promise<Generated | undefined> => {
      forget?.()
      const own = canKeepAll ? await byItself() : undefined
      if (own !== undefined || dense === undefined) return own
      forget?.()
      return await generate.call(await dense(), options)
    }
    const { text, repeated, byWhole } = await finish(
      guardRepeats({
        pruned: (stop) => inOneStep(pruned(stop)),
        whole: canKeepAll || dense ? () => inOneStep(whole()) : undefined,
      }),
    )
    if (repeated) onRepeat(byWhole ? 'whole' : 'none')
    return text
  }
}

// biome-ignore lint/correctness/useYield: transformers.js decodes a whole text at once
async function* inOneStep<Value>(value: Promise<Value>): AsyncGenerator<void, Value> {
  return await value
}

/** Ends the texts of a batch if each of them repeats itself or has ended. */
class Repeated extends StoppingCriteria {
  readonly #stop: Stop
  readonly #last: number
  #prompt: number | undefined

  /** @param last tokens beyond it are time stamps, which change from one repetition to the next */
  constructor(stop: Stop, last: number) {
    super()
    this.#stop = stop
    this.#last = last
  }

  // Declared with numbers; they are bigints.
  override _call(texts: (number | bigint)[][]): boolean[] {
    this.#prompt ??= (texts[0]?.length ?? 1) - 1
    return texts.map((tokens) => this.#stop(tokens.slice(this.#prompt).filter((token) => token <= this.#last)))
  }
}
