import { none } from '@tp/core'
import { type Kept, keptFractions } from '@tp/eval'
import { decodeModel } from '@tp/onnx'
import { examplesFlops, keptCounts } from '@tp/train'
import type { Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'
import type { LearnedFile } from './runs.ts'
import { pruned } from './training-free.ts'

/** What a learned file keeps on a subject's examples: tokens, and a share of the FLOPs of dense without its dead tokens. */
export async function whatItKeeps(
  { runtime }: Context,
  { model, blocks, inputs, lengths }: Subject,
  { file, traced }: Pick<LearnedFile, 'file' | 'traced'>,
): Promise<{ readonly flops: number; readonly kept: Kept }> {
  await using session = await runtime.load(traced, { threads: 1 })
  const counts = await keptCounts(session, inputs, 16)
  const whole = pruned(model, none(), new Map())
  return {
    flops: examplesFlops(decodeModel(file), lengths, counts) / examplesFlops(whole, lengths),
    kept: keptFractions(counts, lengths, blocks),
  }
}
