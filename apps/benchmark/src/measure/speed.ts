import { countFlops } from '@tp/compiler'
import type { NamedTensors, Runtime } from '@tp/core/runtime'
import type { ComparisonOptions, VariantLatency } from '@tp/eval/metrics'
import { encodeModel, type Model } from '@tp/onnx'
import type { Context } from '../report/section.ts'
import { type Candidate, timeFiles } from './measure.ts'
import { prepare } from './prepare.ts'
import { feedsOfTurns, type Shape, shapeText } from './shapes.ts'
import type { Subject } from './subject.ts'

/** A candidate's time at one shape. */
export interface ShapeRow extends Pick<VariantLatency, 'p50Ms' | 'speedup'> {
  readonly name: string
  readonly shape: string
  /** Multiply-adds of the first candidate over those of this. */
  readonly flops: number
  /** The same, and the speed, over the dense model of the same precision. */
  readonly ownFlops: number
  readonly overOwn: number
}

export interface ShapeTiming extends Pick<ComparisonOptions, 'rounds' | 'budgetMs'> {
  readonly shapes: readonly Shape[]
  /** Different texts of each shape. */
  readonly turns: number
}

/** Times models in turns, and says how many times as fast as the first they are. */
export type Timer = (
  files: readonly Uint8Array[],
  inputs: readonly NamedTensors[],
  options: ShapeTiming,
) => Promise<readonly VariantLatency[]>

export function nodeTimer(runtime: Runtime): Timer {
  return (files, inputs, { rounds, budgetMs }) => timeFiles(runtime, files, inputs, { rounds, budgetMs })
}

/** All candidates at each shape; the first is what speed-ups refer to. */
export async function timeShapes(
  { onProgress }: Pick<Context, 'onProgress'>,
  subject: Subject,
  candidates: readonly Candidate[],
  timing: ShapeTiming,
  timer: Timer,
): Promise<ShapeRow[]> {
  const models: Model[] = []
  for (const { settings } of candidates) models.push((await prepare(subject, settings[0])).model)
  const files = models.map((model) => encodeModel(model))
  const rows: ShapeRow[] = []
  for (const shape of timing.shapes) {
    onProgress(shapeText(shape))
    const times = await timer(files, await feedsOfTurns(subject.inputs, shape, timing.turns), timing)
    const flops = models.map((model) => countFlops(model, shape))
    for (const [i, { name, settings }] of candidates.entries()) {
      const { p50Ms, speedup } = times[i] as VariantLatency
      const own = candidates.findIndex((one) => one.settings[0].int8 === settings[0].int8)
      rows.push({
        name,
        shape: shapeText(shape),
        p50Ms,
        speedup,
        flops: (flops[0] as number) / (flops[i] as number),
        ownFlops: (flops[own] as number) / (flops[i] as number),
        overOwn: (times[own] as VariantLatency).p50Ms / p50Ms,
      })
    }
  }
  return rows
}
