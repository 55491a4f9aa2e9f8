import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { allButTables, defaults, trainingGraph, weightsOf } from '@tp/train'
import { processCost } from '../measure/process-cost.ts'
import { timeFiles } from '../measure/time-files.ts'
import { prunedModel } from '../measure/variant.ts'
import { factor, interval } from '../output/numbers.ts'
import type { Section } from '../report/section.ts'

/** Rows and tokens of a step. */
const [BATCH, TOKENS] = [8, 128]

/** A step against its forward pass: every weight but tables learns, half cross-entropy and half distillation. */
export const stepCost: Section = {
  name: 'step-cost',
  title: `One step of training, ${BATCH} × ${TOKENS} tokens, against its forward pass`,
  async run(context) {
    const models = [
      { name: 'mail', path: modelPath('mail') },
      { name: 'minilm-sentiment', path: context.shared('models', 'minilm-sentiment', 'model.onnx') },
    ]
    const rows: string[][] = []
    const values: unknown[] = []
    for (const { name, path } of models) {
      for (const keep of [1, 0.5]) {
        context.onProgress(`${name}, keep ${keep}`)
        const steps = stepsOf(decodeModel(await readFile(path)), keep)
        const { variants } = await timeFiles(context.runtime, steps.files, [steps.feeds.forward], {
          rounds: 20,
          budgetMs: 60_000,
          inputsOf: { step: [steps.feeds.step] },
        })
        const { forward, step } = variants as Record<'forward' | 'step', (typeof variants)[string]>
        const memory = { forward: peakOf(path, keep, 'forward'), step: peakOf(path, keep, 'step') }
        const ratio = { value: 1 / step.speedup.value, low: 1 / step.speedup.high, high: 1 / step.speedup.low }
        rows.push([
          name,
          keep === 1 ? 'dense' : `keep ${keep} at layers 1 to 5`,
          forward.p50Ms.toFixed(0),
          step.p50Ms.toFixed(0),
          factor(ratio.value),
          interval(ratio),
          memory.forward.toFixed(0),
          memory.step.toFixed(0),
        ])
        values.push({ name, keep, forwardMs: forward.p50Ms, stepMs: step.p50Ms, ratio, memory })
      }
    }
    return {
      tables: [
        {
          caption: 'Medians, in turns, one thread; memory is the largest of a process of its own, in MB',
          headings: ['model', '', 'forward ms', 'step ms', 'step', '95 % interval', 'forward MB', 'step MB'],
          rows,
        },
      ],
      notes: [
        'Of a step of minilm-sentiment nine tenths are matrix products (profiled: 89 %), which cannot be fewer than three ' +
          "times the forward ones; of the rest elementwise products are 3.5 %, sums 2 %, transpositions 1.5 %, and GELU's " +
          'way back 3 %.',
      ],
      values,
    }
  },
}

interface Steps {
  readonly files: Readonly<Record<'forward' | 'step', Uint8Array>>
  readonly feeds: Readonly<Record<'forward' | 'step', NamedTensors>>
}

/** A model's forward pass and its training step, and what both take. */
export function stepsOf(dense: Model, keep: number): Steps {
  const model =
    keep === 1 ? dense : prunedModel(dense, { method: receivedAttention(), schedule: schedule(6, { keep }) }, 'a step')
  const names = weightsOf(dense, allButTables(dense))
  const weights = weightsOf(model, (name) => names.has(name))
  const { bytes } = trainingGraph(model, weights, defaults)
  const size = BATCH * TOKENS
  const ints = (of: (i: number) => number) =>
    ({
      type: 'int64',
      dims: [BATCH, TOKENS],
      data: BigInt64Array.from({ length: size }, (_, i) => BigInt(of(i))),
    }) as const
  const inputs: NamedTensors = { input_ids: ints((i) => 5 + (i % 900)), attention_mask: ints(() => 1) }
  const labels = { type: 'int64', dims: [BATCH], data: BigInt64Array.from({ length: BATCH }, (_, i) => BigInt(i % 2)) }
  const teacher = { type: 'float32', dims: [BATCH, 2], data: new Float32Array(2 * BATCH) }
  return {
    files: { forward: encodeModel(model), step: bytes },
    feeds: {
      forward: inputs,
      step: { ...inputs, ...Object.fromEntries(weights), 'tp.labels': labels, 'tp.teacher': teacher },
    },
  }
}

/** Largest resident memory in MB of a process that does nothing else. */
function peakOf(path: string, keep: number, what: 'forward' | 'step'): number {
  const program = fileURLToPath(new URL('./step-memory.js', import.meta.url))
  return processCost([program, path, String(keep), what]).megabytes
}
