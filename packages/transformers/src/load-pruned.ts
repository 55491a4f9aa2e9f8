import { AutoConfig, ModelRegistry, type PreTrainedModel } from '@huggingface/transformers'
import { type Plan, POSITIONS } from '@tp/compiler'
import { guardModel, type RepeatReport } from './guard-repeats.ts'
import { LOAD, type Load, type LoadRecipe } from './load.ts'
import { type ModelReport, type PruneOutcome, refused } from './model-report.ts'
import type { FromPretrained } from './platform/platform.ts'
import { isDecoder, reasonOf } from './prune-file.ts'
import type { SessionHook } from './session-hook.ts'
import { spreadCrossAttentions } from './spread-attentions.ts'

type Options = NonNullable<Parameters<FromPretrained>[1]>

export interface Loaded {
  readonly model: PreTrainedModel
  readonly report: ModelReport
}

/** Loads a model as `from_pretrained` does, with a recipe for what its session is made of. */
export async function loadPruned(
  fromPretrained: FromPretrained,
  [name, options = {}]: Parameters<FromPretrained>,
  recipe: LoadRecipe,
  hook: SessionHook,
  onRepeat: (report: RepeatReport) => void,
): Promise<Loaded> {
  const known = { ...options, config: await AutoConfig.from_pretrained(name, options) }
  const { outcome: unprepared, hasDecoder = false } = await prepare(name, known, hook)
  if (unprepared !== undefined)
    return { model: await fromPretrained(name, known), report: { model: name, ...unprepared } }
  const begun = async (load: Load): Promise<Loaded> => {
    const session_options = { ...options.session_options, [LOAD]: load }
    const model = await fromPretrained(name, { ...known, session_options })
    const { outcome = unseen } = load
    if (hasDecoder) {
      spreadCrossAttentions(model)
      const dense = outcome.outcome === 'pruned' && { load: () => fromPretrained(name, known) }
      if (outcome.outcome !== 'refused')
        guardModel(model, { ...dense, onRepeat: (by) => onRepeat({ model: name, by }) })
    }
    return { model, report: { model: name, ...outcome } }
  }
  const loaded = (recipe: LoadRecipe, repairsDecoder = false): Promise<Loaded> =>
    begun({ recipe, hasDecoder, repairsDecoder })
  const restored = (restore: NonNullable<Plan['restore']>): LoadRecipe => ({
    ...recipe,
    plan: { ...recipe.plan, restore },
  })
  const { restore = hasDecoder ? 'weighed' : 'auto' } = recipe.plan
  if (hasDecoder && restore === 'weighed')
    return (await loadWeighed(restored('weighed'), begun)) ?? loaded(restored('auto'))
  const first = await loaded(recipe)
  if (first.report.outcome !== 'pruned' || !lacksStates(first.model)) return first
  await first.model.dispose()
  const second = await loaded(recipe, true)
  if (!lacksStates(second.model)) return second
  await second.model.dispose()
  return loaded(restored('auto'))
}

/**
 * An encoder whose states say how much each counts, with the decoder that reads it; undefined where the decoder cannot. A decoder whose session is begun before that of
 * its encoder is loaded once more, since it is changed by what the encoder is.
 */
async function loadWeighed(recipe: LoadRecipe, begun: (load: Load) => Promise<Loaded>): Promise<Loaded | undefined> {
  const load: Load = { recipe, hasDecoder: true, repairsDecoder: true }
  const first = await begun(load)
  const isPruned = first.report.outcome === 'pruned'
  const hasNoRoom = first.report.outcome === 'refused' && first.report.code === 'TP_STATES'
  if (isPruned === (load.weighs ?? false) && !hasNoRoom) return first
  await first.model.dispose()
  // Where the decoder was begun last, it was refused.
  const encoder = isPruned && load.isLate ? await load.encoder : undefined
  if (encoder === undefined) return undefined
  const again: Load = { recipe, hasDecoder: true, repairsDecoder: true, encoder: Promise.resolve(encoder) }
  const second = await begun(again)
  if (second.report.outcome === 'pruned' && again.weighs) return second
  await second.model.dispose()
  return undefined
}

/** Whether the encoder gives states of the kept positions alone, and its decoder was exported for a fixed number of them. */
function lacksStates({ sessions }: PreTrainedModel): boolean {
  const { model: encoder, decoder_model_merged: decoder } = sessions
  const states = decoder?.inputMetadata?.find(({ name }: { name: string }) => name === 'encoder_hidden_states')
  return encoder?.outputNames?.includes(POSITIONS) === true && typeof states?.shape[1] === 'number'
}

const unseen = refused(
  'TP_RUNTIME',
  'its session was made by another copy of onnxruntime than the one that is installed with @huggingface/transformers',
)

interface Prepared {
  /** Why the model cannot be pruned, as far as that is seen before it is loaded; absent: the hook is there. */
  readonly outcome?: PruneOutcome
  readonly hasDecoder?: boolean
}

async function prepare(name: string, options: Options, hook: SessionHook): Promise<Prepared> {
  try {
    const paths = (await ModelRegistry.get_model_files(name, options)).filter((file) => file.endsWith('.onnx'))
    const files = paths.map((path) => path.replace(/^.*\//, ''))
    const hasDecoder = files.length === 2 && files.some((file) => file.startsWith('encoder_')) && files.some(isDecoder)
    if (files.length > 1 && !hasDecoder) {
      const reason = `it consists of several files (${files.join(', ')}), which are not an encoder and its decoder`
      return { outcome: refused('TP_FILES', reason) }
    }
    await hook.put()
    return { hasDecoder }
  } catch (error) {
    return { outcome: refused(...reasonOf(error)) }
  }
}
