import { readFileSync } from 'node:fs'
import { prune } from '@tp/compiler'
import { constantOf, type Learned, type Method, type Schedule, type Values } from '@tp/core'
import { evaluate, loadTokenizer, textDataset, textInputs } from '@tp/eval'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type TrainSettings, train } from '@tp/train'
import { expect, test } from 'vitest'

const runtime = nodeRuntime()

/** The smallest shipped encoder and some mails of at most 40 tokens, short ones among them. */
async function mailLesson(count = 32) {
  const model = decodeModel(readFileSync(modelPath('mail')))
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const texts = mailData('dev')
    .slice(0, count)
    .map((mail, i) => (i % 4 === 0 ? { ...mail, text: mail.text.slice(0, 40) } : mail))
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const inputs = await textInputs(textDataset('mails', texts), session.inputs, tokenizer, { maxTokens: 40 })
  return { model, inputs, teacher: (await evaluate(session, inputs, { batchSize: 8 })).logits }
}

/** What {@link testLearning} does otherwise. */
export interface LearningOptions {
  readonly layers?: readonly number[]
  readonly targetFlops?: number
  readonly settings?: TrainSettings
  /** Where tokens leave afterwards; default: what the method says. */
  readonly schedule?: Schedule
  /** The last losses are below this share of the first. */
  readonly falls?: number
}

/**
 * A test: trained for a moment, the loss falls, and the model from which tokens then really leave runs, a mail with others
 * as by itself.
 */
export function testLearning(
  method: Method,
  { layers = [1, 3], targetFlops, settings, schedule, falls = 0.9 }: LearningOptions = {},
): void {
  test('learns on mails; the pruned file runs, a mail in a batch as alone', { timeout: 60_000 }, async () => {
    const { model, inputs, teacher } = await mailLesson()
    const losses: number[] = []
    const trained = await train({
      model,
      inputs,
      teacher,
      runtime,
      epochs: 4,
      batchSize: 8,
      learningRate: 1e-4,
      methodRate: 0.01,
      ...settings,
      soft: { method, layers, ...(targetFlops !== undefined && { targetFlops }) },
      onProgress: ({ loss }) => losses.push(loss),
    })
    expect(average(losses.slice(-4))).toBeLessThan(falls * average(losses.slice(0, 4)))

    const hardened = schedule ?? method.training?.harden?.(trained.learned, inputs) ?? new Map()
    const params = (block: number) => constants(trained.learned.get(block))
    const pruned = prune(trained.model, { method, schedule: hardened, params })
    if (!pruned.ok) throw new Error(pruned.refusal.message)
    await using session = await runtime.load(encodeModel(pruned.model), { threads: 1 })
    const unsorted = { ...inputs, lengths: undefined }
    const together = await evaluate(session, unsorted, { batchSize: 8 })
    const alone = await evaluate(session, unsorted, { batchSize: 1 })
    together.logits.forEach((logit, i) => {
      expect(Math.abs(logit - (alone.logits[i] as number))).toBeLessThan(1e-4)
    })
  })
}

/** Learned values as expressions. */
function constants(learned: Learned = {}): Values {
  return Object.fromEntries(Object.entries(learned).map(([name, value]) => [name, constantOf(value, () => value.data)]))
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}
