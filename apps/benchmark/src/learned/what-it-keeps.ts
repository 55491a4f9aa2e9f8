import { type Kept, keptFractions } from '@tp/eval/metrics'
import { decodeModel } from '@tp/onnx'
import { examplesFlops, keptCounts } from '@tp/train'
import type { Subject } from '../measure/subject.ts'
import { withoutDeadTokens } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import type { LearnedFile } from './runs.ts'

/** What a learned file keeps on a subject's examples: tokens, and a share of the FLOPs of dense without its dead tokens. */
export async function whatItKeeps(
  { runtime }: Context,
  subject: Subject,
  { file, traced }: Pick<LearnedFile, 'file' | 'traced'>,
): Promise<{ readonly flops: number; readonly kept: Kept }> {
  const { layerCount, inputs, lengths } = subject
  await using session = await runtime.load(traced, { threads: 1 })
  const counts = await keptCounts(session, inputs, 16)
  const whole = withoutDeadTokens(subject).model
  return {
    flops: examplesFlops(decodeModel(file), lengths, counts) / examplesFlops(whole, lengths),
    kept: keptFractions(counts, lengths, layerCount),
  }
}
