import { AutoConfig, ModelRegistry, type PreTrainedModel } from '@huggingface/transformers'
import { LOAD, type Load, type Recipe } from './load.ts'
import { type ModelReport, type PruneOutcome, refused } from './model-report.ts'
import type { FromPretrained } from './platform/platform.ts'
import { reasonOf } from './prune-file.ts'
import type { SessionHook } from './session-hook.ts'

type Options = NonNullable<Parameters<FromPretrained>[1]>

export interface Loaded {
  readonly model: PreTrainedModel
  readonly report: ModelReport
}

/** Loads a model as `from_pretrained` does, with a recipe for what its session is made of. */
export async function loadPruned(
  fromPretrained: FromPretrained,
  [name, options = {}]: Parameters<FromPretrained>,
  recipe: Recipe,
  hook: SessionHook,
): Promise<Loaded> {
  const known = { ...options, config: await AutoConfig.from_pretrained(name, options) }
  const outcome = await whyNot(name, known, hook)
  if (outcome !== undefined) return { model: await fromPretrained(name, known), report: { model: name, ...outcome } }
  const load: Load = { recipe }
  const session_options = { ...options.session_options, [LOAD]: load }
  const model = await fromPretrained(name, { ...known, session_options })
  return { model, report: { model: name, ...(load.outcome ?? unseen) } }
}

const unseen = refused(
  'TP_RUNTIME',
  'its session was made by another copy of onnxruntime than the one that is installed with @huggingface/transformers',
)

/** Why a model cannot be pruned, as far as that is seen before it is loaded; otherwise the hook is there. */
async function whyNot(name: string, options: Options, hook: SessionHook): Promise<PruneOutcome | undefined> {
  try {
    const files = (await ModelRegistry.get_model_files(name, options)).filter((file) => file.endsWith('.onnx'))
    if (files.length > 1) {
      const list = files.map((file) => file.replace(/^.*\//, '')).join(', ')
      return refused('TP_FILES', `it consists of several files (${list}), and one of them reads what another produces`)
    }
    await hook.put()
    return undefined
  } catch (error) {
    return refused(...reasonOf(error))
  }
}
