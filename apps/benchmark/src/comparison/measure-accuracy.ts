import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { type Evaluation, evaluate } from '@tp/eval'
import { encodeModel } from '@tp/onnx'
import type { AccuracyCell, AccuracyValue } from './cell.ts'
import { flopsOf, type Opened, prepare } from './variants.ts'

/** All examples through a model that has a thread of its own, and what it keeps of them. */
export async function measureAccuracy(
  runtime: Runtime,
  opened: Opened,
  { setting }: AccuracyCell,
): Promise<AccuracyValue> {
  const prepared = await prepare(opened, setting)
  const evaluation = await evaluateSetting(runtime, opened, { setting })
  const { maxTokens } = prepared
  const kept = keptBy(opened, setting, prepared.lengths, evaluation)
  return {
    accuracy: evaluation.accuracy.estimate,
    answers: evaluation.predictions.map(inOneCharacter).join(''),
    correct: evaluation.correct.map(Number).join(''),
    ...(kept && { kept }),
    flops: await flopsOf(runtime, opened, setting, prepared),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

async function evaluateSetting(
  runtime: Runtime,
  opened: Opened,
  { setting }: Pick<AccuracyCell, 'setting'>,
): Promise<Evaluation> {
  const { model, inputs } = await prepare(opened, setting, { trace: true })
  const { layerCount, lengths } = opened.subject
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  return await evaluate(session, inputs, {
    // of long texts more than two fall out of the processor's cache
    batchSize: inputs.lengths === undefined ? 8 : 2,
    ...(setting.kind !== 'shallow' && { layerCount, tokens: lengths[0] }),
  })
}

function keptBy(
  { subject }: Opened,
  { kind }: AccuracyCell['setting'],
  lengths: readonly number[],
  { kept }: Evaluation,
): readonly number[] | undefined {
  if (kind !== 'truncated') return kept?.layers
  const shares = lengths.map((length, i) => length / (subject.lengths[i] as number))
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  return Array.from({ length: subject.layerCount }, () => mean)
}

function inOneCharacter(answer: number): string {
  if (answer < 36) return answer.toString(36)
  throw new TpError(
    'TP_DATA',
    'benchmark',
    `class ${answer} cannot be written in one character; 36 classes can be held`,
  )
}
