import type { Method } from '@tp/core'
import { random, schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { ats, clsAttention, cumulativeAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { encoder, inputsOf, type TestEncoderOptions } from './encoders.ts'
import { pruned } from './pruned.ts'
import { difference, numbers, rows, run } from './run.ts'

const plain: TestEncoderOptions = {
  ...{ layerCount: 4, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17, seed: 1 },
}
const layers = [0, 2]

/** Positions of the tokens after a cut, without padding. */
function keptAt(outputs: NamedTensors, layer: number): number[][] {
  const valid = rows(outputs[`tp.trace.${layer}.valid`])
  return rows(outputs[`tp.trace.${layer}.indices`]).map((row, b) => row.filter((_, slot) => valid[b]?.[slot] === 1))
}

describe('the scores of a trace', () => {
  test.each<[string, Method, number]>([
    ['received-attention', receivedAttention(), 0],
    ['cls-attention', clsAttention(), 1],
    ['cumulative-attention', cumulativeAttention(), 2],
    ['random', random({ seed: 3 }), 3],
  ])('gives kept tokens the highest scores, in the order in which tokens arrive: %s', async (_, method, row) => {
    for (const amounts of inTurn([{ keep: 0.6 }, { tokens: 4 }], row, 1)) {
      const model = decodeModel(encoder(plain))
      const cut = { method, schedule: schedule(4, { layers, ...amounts }) }
      const inputs = inputsOf(plain, 2, 9, 4)
      const outputs = await run(pruned(model, { ...cut, trace: 'scores' }), inputs)
      const plainOutputs = await run(pruned(model, { ...cut, trace: true }), inputs)
      expect(difference(numbers(outputs.logits), numbers(plainOutputs.logits))).toBe(0)
      const lengths = rows(inputs.attention_mask).map((row) => row.filter((mark) => mark === 1).length)
      const arriving = [lengths.map((length) => Array.from({ length }, (_, i) => i)), keptAt(outputs, 0)]
      for (const [i, layer] of layers.entries()) {
        const scores = rows(outputs[`tp.trace.${layer}.scores`])
        for (const [b, kept] of keptAt(outputs, layer).entries()) {
          const there = arriving[i]?.[b] ?? []
          const free = there.map((position, slot) => ({ position, score: scores[b]?.[slot] as number })).slice(1)
          const best = free.sort((x, y) => y.score - x.score || x.position - y.position).slice(0, kept.length - 1)
          expect(kept).toEqual([0, ...best.map(({ position }) => position).sort((x, y) => x - y)])
        }
      }
    }
  })

  test('can be combined with outputs that are watched for drift', async () => {
    const cut = { method: receivedAttention(), schedule: schedule(4, { layers, keep: 0.6 }), trace: 'scores' as const }
    const outputs = await run(pruned(decodeModel(encoder(plain)), { ...cut, monitor: true }), inputsOf(plain, 2, 9, 4))
    expect(outputs['tp.trace.0.scores']?.dims).toEqual([2, 9])
    const masses = layers.map((layer, i) => {
      const [scores] = rows(outputs[`tp.trace.${layer}.scores`]) as [number[]]
      const positions = i === 0 ? scores.map((_, position) => position) : keptAt(outputs, 0)[0]
      const kept = new Set(keptAt(outputs, layer)[0])
      const sum = (some: number[]): number => some.reduce((total, score) => total + score, 0)
      // of those that may be pruned
      const free = scores.map((score, slot) => (positions?.[slot] === 0 ? 0 : score))
      return sum(free.filter((_, slot) => kept.has(positions?.[slot] as number))) / sum(free)
    })
    expect(numbers(outputs['tp.monitor.mass'])[0]).toBeCloseTo(((masses[0] ?? 0) + (masses[1] ?? 0)) / 2, 5)
  })

  test('gives no scores where no score decides', async () => {
    const cut = { method: ats(), schedule: schedule(4, { layers, keep: 0.6 }), trace: 'scores' as const }
    const outputs = await run(pruned(decodeModel(encoder(plain)), cut), inputsOf(plain, 1, 9, 9))
    const traces = Object.keys(outputs).filter((name) => name.startsWith('tp.trace'))
    expect(traces).toEqual(layers.flatMap((layer) => [`tp.trace.${layer}.indices`, `tp.trace.${layer}.valid`]))
  })
})
