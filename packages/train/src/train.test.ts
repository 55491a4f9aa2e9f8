import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { leaveOut, prune, transform } from '@tp/compiler'
import { isTpError, schedule } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { type TrainOptions, type TrainProgress, train } from './index.ts'

const runtime = nodeRuntime()
/** The first half of the mail model. */
const dense = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [3, 4, 5] })).model
let model: Model
let inputs: ModelInputs
let teacher: Float32Array
const settings = { epochs: 2, batchSize: 8, learningRate: 2e-4, evaluations: 2 }

/** Mails of at most 40 tokens, of which one in ten is kept after the first layer. */
beforeAll(async () => {
  const pruned = transform(
    dense,
    prune({ method: receivedAttention(), schedule: schedule(3, { layers: [0], keep: 0.1 }) }),
  )
  model = pruned.model
  await using session = await runtime.load(encodeModel(dense), { threads: 1 })
  const mails = textDataset('mails', mailData('dev').slice(0, 64))
  inputs = await textInputs(mails, session.inputs, await loadTokenizer(modelPath('mail', 'tokenizer')), {
    maxTokens: 40,
  })
  teacher = (await evaluate(session, inputs, { batchSize: 8 })).logits
})

/** A training with everything that is seen of it. */
async function watched(options: Partial<TrainOptions> = {}) {
  const seen: TrainProgress[] = []
  const checkpoints: Uint8Array[] = []
  const trained = await train({
    ...settings,
    model,
    runtime,
    inputs,
    teacher,
    selection: inputs,
    onProgress: (progress) => seen.push(progress),
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
    ...options,
  })
  return { seen, checkpoints, trained, bytes: encodeModel(trained.model) }
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length

describe('train', () => {
  let whole: Awaited<ReturnType<typeof watched>>
  beforeAll(async () => {
    whole = await watched()
  })

  test('lowers the loss, keeps the pruning, and gives a model that runs', async () => {
    const { seen, trained, bytes } = await watched({ epochs: 4 })
    const losses = seen.map(({ loss }) => loss)
    expect(mean(losses.slice(-8))).toBeLessThan(0.7 * mean(losses.slice(0, 8)))
    await using session = await runtime.load(bytes, { threads: 1 })
    const { accuracy } = await evaluate(session, inputs, { batchSize: 8 })
    expect(accuracy.estimate).toBe(trained.accuracy)
    expect(trained.accuracy).toBe(Math.max(...seen.flatMap(({ accuracy }) => accuracy ?? [])))
    expect(bytes.length).toBe(encodeModel(model).length)
  })

  test('resumes from a checkpoint to the same bytes', async () => {
    const [half] = whole.checkpoints
    const rest = await watched({ resume: half as Uint8Array })
    expect(rest.seen).toEqual(whole.seen.slice(-rest.seen.length))
    expect(rest.seen.length).toBeLessThan(whole.seen.length)
    expect(Buffer.compare(rest.bytes, whole.bytes)).toBe(0)
  })

  // The weights that it begins with are evaluated first, then those after 8 of 16 steps.
  test.each([1, 2])(
    'gives a checkpoint when stopped while it evaluates at time %d, and resumes from it',
    async (time) => {
      const stop = new AbortController()
      let [evaluations, saved] = [0, undefined as Uint8Array | undefined]
      const stopped = watched({
        signal: stop.signal,
        onWork: ({ task, done }) => {
          // Batches of 8.
          if (task === 'selection' && done === 8 && ++evaluations === time) stop.abort()
        },
        onCheckpoint: (bytes) => {
          saved = bytes
        },
      })
      await expect(stopped).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
      const rest = await watched({ resume: saved as Uint8Array })
      expect(rest.seen).toEqual(whole.seen.slice(time === 1 ? 0 : 7))
      expect(Buffer.compare(rest.bytes, whole.bytes)).toBe(0)
    },
  )

  test('changes only what is chosen to learn', async () => {
    // Without a selection the last weights are given.
    const vectors = { trains: (_: string, dims: readonly number[]) => dims.length === 1 }
    const trained = await train({ ...settings, epochs: 0.5, ...vectors, model, runtime, inputs, teacher })
    expect([...trained.weights.values()].every(({ dims }) => dims.length === 1)).toBe(true)
    expect(trained.weights.size).toBeGreaterThan(10)
    const initializers = ({ proto }: Model) => proto.graph?.initializer ?? []
    const before = new Map(initializers(model).map(({ name, rawData }) => [name, rawData]))
    for (const { name, rawData } of initializers(trained.model)) {
      const isSame = Buffer.compare(rawData, before.get(name) as Uint8Array) === 0
      expect([name, isSame]).toEqual([name, !trained.weights.has(name)])
    }
  })
})

describe('train refuses', () => {
  const codeOf = async (options: Partial<TrainOptions>): Promise<unknown> => {
    try {
      await watched(options)
    } catch (error) {
      return isTpError(error) ? error.code : error
    }
    return undefined
  }

  test('settings out of range, nothing to learn, no teacher', async () => {
    expect(await codeOf({ learningRate: 0 })).toBe('TP_OPTION')
    expect(await codeOf({ batchSize: 1.5 })).toBe('TP_OPTION')
    expect(await codeOf({ trains: () => false })).toBe('TP_OPTION')
    expect(await codeOf({ teacher: new Float32Array(5) })).toBe('TP_OPTION')
  })

  test('a label that is not a class', async () => {
    const wrong = { ...inputs, targets: inputs.targets.map(() => 7) }
    expect(await codeOf({ inputs: wrong, teacher: new Float32Array(128), distillation: 0 })).toBe('TP_DATA')
  })

  test('a learning rate at which it diverges', async () => {
    expect(await codeOf({ learningRate: 1e18, warmUp: 0, epochs: 4 })).toBe('TP_DIVERGED')
  })

  test('a checkpoint of another training', async () => {
    expect(await codeOf({ resume: new Uint8Array(30) })).toBe('TP_RESUME')
    const { checkpoints } = await watched({ epochs: 0.3 })
    expect(await codeOf({ resume: checkpoints[0] as Uint8Array, seed: 5 })).toBe('TP_RESUME')
  })
})
