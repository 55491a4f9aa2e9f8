import { add, byLayer, none, type Schedule, schedule, scorer } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { countFlops, type PruneOptions, prune, readProvenance, transform } from '../src/index.ts'
import { encoder, inputsOf, type TestEncoderOptions } from './encoders.ts'
import { rows, run } from './run.ts'

const classifier: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'masked mean', opset: 17, seed: 1 },
}
const withClassToken: TestEncoderOptions = { ...classifier, pooling: 'cls' }

/** Later tokens count more: scores that a test can sum by itself. */
const later = scorer({ name: 'later', family: 'baseline', score: (site) => add(site.position, 1) })

function pruned(options: Omit<PruneOptions, 'deadTokens'>, of: TestEncoderOptions = classifier): Model {
  const result = transform(decodeModel(encoder(of)), prune(options))
  return decodeModel(encodeModel(result.model))
}

function numbers(tensor: TensorLike | undefined): number[] {
  return Array.from((tensor as TensorLike).data as Float32Array)
}

/** Attended tokens of each example before the first cut, and after each one, by position in the input. */
function tokensOf(
  inputs: Readonly<Record<string, TensorLike>>,
  outputs: Readonly<Record<string, TensorLike>>,
): number[][][] {
  const mask = Object.values(inputs).find(({ dims, type }) => dims.length === 2 && type === 'int64' && dims[0] === 3)
  const attended = rows(inputs.attention_mask ?? mask).map((row) => row.flatMap((is, i) => (is === 1 ? [i] : [])))
  const cuts = [0, 1, 2].map((layer) => {
    const indices = rows(outputs[`tp.trace.${layer}.indices`])
    return rows(outputs[`tp.trace.${layer}.valid`]).map((slots, row) =>
      slots.flatMap((valid, slot) => (valid === 1 ? [indices[row]?.[slot] as number] : [])),
    )
  })
  return [attended, ...cuts]
}

describe('with monitor, a file says what fraction of its scores and tokens is kept', () => {
  test.each([{ keep: 0.6 }, { mass: 0.7 }, { threshold: 4 }])('as counted from the traces: %o', async (amounts) => {
    const model = pruned({
      method: later,
      schedule: schedule(3, { ...amounts, layers: [0, 1, 2] }),
      protect: [1],
      trace: true,
      monitor: true,
    })
    const inputs = inputsOf(classifier, 3, 9, 2)
    const outputs = await run(model, inputs)
    const steps = tokensOf(inputs, outputs)
    // a token that is kept in any case does not count
    const score = (tokens: readonly number[]): number => tokens.reduce((sum, i) => sum + (i === 1 ? 0 : i + 1), 0)
    const rest = <T>(list: readonly T[]): T[] => list.slice(1)
    for (const row of [0, 1, 2]) {
      const values = steps.map((step) => step[row] as number[])
      const shares = rest(values).map((left, i) => score(left) / (score(values[i] as number[]) || 1))
      const mean = shares.reduce((a, b) => a + b, 0) / 3
      expect(numbers(outputs['tp.monitor.mass'])[row]).toBeCloseTo(mean, 5)
      if ('keep' in amounts) continue
      const kept = (values.at(-1) as number[]).length / (values[0] as number[]).length
      expect(numbers(outputs['tp.monitor.kept'])[row]).toBeCloseTo(kept, 5)
    }
    expect(outputs['tp.monitor.mass']?.dims).toEqual([3])
    expect('tp.monitor.kept' in outputs).toBe(!('keep' in amounts))
  })

  test('for a few nodes of a number per token, without products', () => {
    const options = { method: receivedAttention(), schedule: schedule(3, { keep: 0.6 }) }
    const [plain, watched] = [false, true].map((monitor) => pruned({ ...options, monitor }, withClassToken)) as [
      Model,
      Model,
    ]
    const at = { batch: 1, tokens: 64 }
    expect(countFlops(watched, at)).toBe(countFlops(plain, at))
    // the cut in the last layer, a no-op, is removed even if it is watched
    const cuts = (model: Model): number | undefined => readProvenance(model)[0]?.cuts.length
    expect([cuts(watched), cuts(plain)]).toEqual([1, 1])
    const nodes = ({ proto }: Model): number => proto.graph?.node.length ?? 0
    expect(nodes(watched) - nodes(plain)).toBeLessThanOrEqual(14)
  })

  test('without changing the answers', async () => {
    const options = { method: receivedAttention(), schedule: schedule(3, { mass: 0.8 }) }
    const inputs = inputsOf(classifier, 3, 9, 2)
    const [plain, watched] = [
      await run(pruned(options), inputs),
      await run(pruned({ ...options, monitor: true }), inputs),
    ]
    for (const [name, { data }] of Object.entries(plain)) expect(watched[name]?.data).toEqual(data)
  })

  test.each<[string, PruneOptions['method'], Schedule]>([
    ['no cut', none(), new Map()],
    ['scores that may be negative, and a fixed share', scorer({ ...later, signed: true }), schedule(3, { keep: 0.5 })],
  ])('refuses a file where there is nothing to report: %s', (_, method, amounts) => {
    expect(() => pruned({ method, schedule: amounts, monitor: true })).toThrow(
      expect.objectContaining({ code: 'TP_MONITOR' }),
    )
  })

  test('as the mean over the methods with scores by layer', async () => {
    const method = byLayer('mixed', new Map([[1, scorer({ ...later, signed: true })]]), later)
    const inputs = inputsOf(classifier, 3, 9, 2)
    const model = pruned({ method, schedule: schedule(3, { keep: 0.6, layers: [0, 1] }), monitor: true })
    const alone = pruned({ method: later, schedule: schedule(3, { keep: 0.6, layers: [0] }), monitor: true })
    expect(numbers((await run(model, inputs))['tp.monitor.mass'])).toEqual(
      numbers((await run(alone, inputs))['tp.monitor.mass']),
    )
  })
})
