import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import type { VariantLatency } from '@tp/eval/metrics'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { allButTables, defaults, trainingGraph, weightsOf } from '@tp/train'
import { timeFiles } from '../measure/measure.ts'
import { prunedModel } from '../measure/prepare.ts'
import { processCost } from '../measure/process-cost.ts'
import { subjects } from '../registry/subjects.ts'
import { speedupText } from '../report/numbers.ts'
import type { Section } from '../report/section.ts'
import { tableOf } from '../report/table.ts'

/** Rows and tokens of a step. */
const [BATCH, TOKENS] = [8, 128]

/** A step against its forward pass: every weight but tables learns, half cross-entropy and half distillation. */
export const stepCost: Section = {
  name: 'step-cost',
  async run(context) {
    const rows = []
    for (const { name, files } of [subjects.mail, subjects['minilm-imdb']]) {
      for (const keep of [1, 0.5]) {
        context.onProgress(`${name}, keep ${keep}`)
        const { model: path } = files(context)
        const steps = stepsOf(decodeModel(await readFile(path)), keep)
        const [forward, step] = (await timeFiles(
          context.runtime,
          [steps.files.forward, steps.files.step],
          [steps.feeds.forward],
          { rounds: 20, budgetMs: 60_000, inputsOf: { 1: [steps.feeds.step] } },
        )) as [VariantLatency, VariantLatency]
        const { value, low, high } = step.speedup
        rows.push({
          ...{ name, keep, forwardMs: forward.p50Ms, stepMs: step.p50Ms },
          ratio: { value: 1 / value, low: 1 / high, high: 1 / low },
          memory: { forward: peakOf(path, keep, 'forward'), step: peakOf(path, keep, 'step') },
        })
      }
    }
    const table = tableOf(
      'Medians, in turns, one thread; memory is the largest of a process of its own, in MB',
      {
        model: ({ name }) => name,
        tokens: ({ keep }) => (keep === 1 ? 'dense' : `keep ${keep} at layers 1 to 5`),
        'forward ms': ({ forwardMs }) => forwardMs.toFixed(0),
        'step ms': ({ stepMs }) => stepMs.toFixed(0),
        'step over forward': ({ ratio }) => speedupText(ratio),
        'forward MB': ({ memory }) => memory.forward.toFixed(0),
        'step MB': ({ memory }) => memory.step.toFixed(0),
      },
      rows,
    )
    return { tables: [table], values: rows }
  },
}

interface Steps {
  readonly files: Readonly<Record<'forward' | 'step', Uint8Array>>
  readonly feeds: Readonly<Record<'forward' | 'step', NamedTensors>>
}

/** A model's forward pass and its training step, and the inputs of both. */
export function stepsOf(dense: Model, keep: number): Steps {
  const options = { method: receivedAttention(), schedule: schedule(6, { keep }) }
  const model = keep === 1 ? dense : prunedModel(dense, options, 'a step')
  const names = weightsOf(dense, allButTables(dense))
  const weights = weightsOf(model, (name) => names.has(name))
  const { bytes } = trainingGraph(model, weights, defaults)
  const int64 = (dims: number[], of: (i: number) => number) => {
    const length = dims.reduce((product, dim) => product * dim, 1)
    return { type: 'int64', dims, data: BigInt64Array.from({ length }, (_, i) => BigInt(of(i))) } as const
  }
  const dims = [BATCH, TOKENS]
  const inputs: NamedTensors = { input_ids: int64(dims, (i) => 5 + (i % 900)), attention_mask: int64(dims, () => 1) }
  const labels = int64([BATCH], (i) => i % 2)
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
  const program = fileURLToPath(new URL('../processes/step-memory.js', import.meta.url))
  return processCost([program, path, String(keep), what]).megabytes
}
