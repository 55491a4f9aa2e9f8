import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { type PruneOptions, prune, transform } from '@tp/compiler'
import type { Method, Schedule } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type Trained, type TrainOptions, type TrainProgress, train } from '@tp/train'

const runtime = nodeRuntime()

/** A model, its training data, and the answers of the dense model. */
export interface MailLesson {
  readonly model: Model
  readonly inputs: ModelInputs
  readonly teacher: Float32Array
}

/** The smallest shipped encoder and some mails of at most 40 tokens, short ones among them. */
export async function mailLesson(count = 64): Promise<MailLesson> {
  const model = decodeModel(readFileSync(modelPath('mail')))
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const texts = mailData('dev')
    .slice(0, count)
    .map((mail, i) => (i % 4 === 0 ? { ...mail, text: mail.text.slice(0, 40) } : mail))
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const inputs = await textInputs(textDataset('mails', texts), session.inputs, tokenizer, { maxTokens: 40 })
  return { model, inputs, teacher: (await evaluate(session, inputs, { batchSize: 8 })).logits }
}

/** Trains a method briefly, and returns every loss. */
export async function learn(
  lesson: MailLesson,
  method: Method,
  options: Partial<TrainOptions> & { readonly layers?: readonly number[]; readonly targetFlops?: number } = {},
): Promise<{ readonly trained: Trained; readonly seen: readonly TrainProgress[] }> {
  const { layers = [1, 3], targetFlops, ...settings } = options
  const seen: TrainProgress[] = []
  const trained = await train({
    ...lesson,
    runtime,
    epochs: 4,
    batchSize: 8,
    learningRate: 1e-4,
    methodRate: 0.01,
    soft: { method, layers, ...(targetFlops !== undefined && { targetFlops }) },
    onProgress: (progress) => seen.push(progress),
    ...settings,
  })
  return { trained, seen }
}

/** Logits of a really pruned model, by example, in batches and each alone. */
export async function prunedLogits(
  { inputs }: MailLesson,
  model: Model,
  options: { readonly method: Method; readonly schedule: Schedule } & Partial<PruneOptions>,
): Promise<{ readonly together: number[]; readonly alone: number[] }> {
  const pruned = transform(model, prune(options))
  await using session = await runtime.load(encodeModel(pruned.model), { threads: 1 })
  const unsorted = { ...inputs, lengths: undefined }
  const run = async (batchSize: number) => Array.from((await evaluate(session, unsorted, { batchSize })).logits)
  return { together: await run(8), alone: await run(1) }
}

export function average(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}
