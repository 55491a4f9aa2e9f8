import { type Inspection, type Pruned, prune } from '@tp/compiler'
import { schedule } from '@tp/core'
import { analyseFlips, type Evaluation, type FlipAnalysis } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { trajectoriesOf } from '@tp/metrics'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import type { PrunedVariant } from './variants.ts'

/** How much is asked of each variant. */
export interface FlipsAsked {
  readonly examples: number
  /** Of each example. */
  readonly tokens: number
}

interface FlipTask extends FlipsAsked {
  readonly file: ModelFile
  readonly inspection: Inspection
  readonly inputs: ModelInputs
  readonly batchSize: number
}

/** Finds which tokens changed the answers of variants of one model. */
export interface FlipFinder extends AsyncDisposable {
  /**
   * @param pruned the answers of the variant's first model
   * @returns undefined if no token is pruned
   */
  find(variant: PrunedVariant, pruned: Evaluation, dense: Evaluation): Promise<FlipAnalysis | undefined>
}

/** Tokens that receive most attention in the dense model, over all layers, are tried first. */
export async function flipFinder(task: FlipTask, { progress, signal, runtime }: Context): Promise<FlipFinder> {
  const { file, inspection, inputs, batchSize, examples, tokens } = task
  const inputTokens = typeof inspection.tokens === 'number' ? inspection.tokens : undefined
  const attention = await loadSession(attentionModel(file, inspection).model, file, { runtime, threads: 1, signal })
  const likely = async (example: number): Promise<number[]> => {
    const outputs = await attention.run(await inputs.feeds(new Array<number>(batchSize).fill(example)), { signal })
    const length = inputs.lengths?.[example] ?? inputTokens ?? 0
    const [ways = []] = trajectoriesOf(outputs, [length])
    return ways.map(({ scores }) => [...scores.values()].reduce((sum, score) => sum + score, 0))
  }
  return {
    async find({ plain, models: [model] }, pruned, dense) {
      if (model === undefined || plain.cuts.length === 0) return undefined
      if (plain.encoders.length > 1)
        throw usageError('--flips follows the tokens of one encoder: name it, as --encoder NAME')
      const load = async (own: Promise<Pruned>) => loadSession((await own).model, file, { runtime, threads: 1, signal })
      await using traced = await load(model.traced())
      await using protecting = await load(model.protecting())
      const onProgress = ({ done, total }: { done: number; total: number }): void => progress.step(done, total)
      const options = { examples, tokens, likely, inputTokens, batchSize, signal, onProgress }
      return await analyseFlips({ traced, protecting }, inputs, { dense, pruned }, options)
    },
    [Symbol.asyncDispose]: () => attention.dispose(),
  }
}

/** The dense model with the attention that each token receives in each layer: a pruning that keeps all, and says its scores. */
function attentionModel({ path, model }: ModelFile, { encoder, layers, open }: Inspection): Pruned {
  const sites = layers.map((_, layer) => layer).filter((layer) => layer >= open)
  const keepAll = schedule(layers.length, { keep: 1, layers: sites })
  const result = prune(model, { method: receivedAttention(), schedule: keepAll, encoder, trace: 'scores' })
  if (!result.ok) throw new RefusalError(path, result.refusal)
  return result
}
