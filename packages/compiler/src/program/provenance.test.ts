import { readFileSync } from 'node:fs'
import { none, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model, metadata } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { difference, int64, numbers, run } from '../../test/run.ts'
import { inspect } from '../inspect.ts'
import type { PruneOptions } from '../prune/prune-options.ts'
import { prune } from '../transforms/prune.ts'
import { transform } from '../transforms/transform.ts'
import { readProvenance } from './provenance.ts'

const mail = decodeModel(readFileSync(modelPath('mail')))

function pruned(model: Model, options: PruneOptions): Model {
  const result = transform(model, prune(options))
  return decodeModel(encodeModel(result.model))
}

describe('a pruned file', () => {
  const method = receivedAttention()
  const once = pruned(mail, { method, schedule: schedule(6, { layers: [1, 3], keep: [0.7, 0.5] }), source: 'abc' })

  test('records how it was pruned', () => {
    const [step] = readProvenance(once)
    expect(step).toMatchObject({ method: 'received-attention', source: 'abc' })
    expect(step?.schedule).toEqual({ 1: { kind: 'ratio', value: 0.7 }, 3: { kind: 'ratio', value: 0.5 } })
    expect(step?.cuts.map(({ layer, ragged }) => [layer, ragged])).toEqual([
      [1, false],
      [3, false],
    ])
    expect(readProvenance(mail)).toEqual([])
  })

  test('does not change the model it came from', () => {
    const bytes = readFileSync(modelPath('mail'))
    const model = decodeModel(bytes)
    pruned(model, { method, schedule: schedule(6, { keep: 0.5 }), trace: true })
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0)
  })

  test('refuses to prune again upstream of an earlier cut', () => {
    const ragged = pruned(mail, { method, schedule: schedule(6, { layers: [1], mass: 0.9 }) })
    for (const [first, layer] of [
      [once, 3],
      [ragged, 1],
    ] as const) {
      const seen = inspect(first)
      const refusal = { code: 'TP_PRUNED', message: expect.stringContaining(`at layer ${layer} already`) }
      expect(() => transform(first, prune({ method, schedule: schedule(6, { layers: [1], keep: 0.5 }) }))).toThrow(
        expect.objectContaining({ refusal: expect.objectContaining(refusal) }),
      )
      expect(seen.ok && seen.open).toBe(layer + 1)
    }
  })

  test('can be pruned where only dead tokens were removed', async () => {
    const lean = pruned(mail, { method: none(), schedule: new Map() })
    // Its last layer computes one token only, so that none can be pruned there.
    const early = { method, schedule: schedule(6, { layers: [1, 2, 3, 4], keep: 0.6 }) }
    const [later, direct] = [pruned(lean, early), pruned(mail, early)]
    expect(readProvenance(later).map(({ method: name }) => name)).toEqual(['none', 'received-attention'])
    const at = Array.from({ length: 2 * 20 }, (_, i) => i % 20)
    const inputs = {
      input_ids: int64(
        [2, 20],
        at.map((i, all) => (i === 0 ? 2 : 50 + ((all * 7919) % 4000))),
      ),
      attention_mask: int64(
        [2, 20],
        at.map((i, all) => (i < 20 - 6 * Math.floor(all / 20) ? 1 : 0)),
      ),
    }
    const [one, other] = [await run(later, inputs), await run(direct, inputs)]
    expect(difference(numbers(one.logits), numbers(other.logits))).toBeLessThan(1e-5)
  })

  test('keeps a foreign record as text and not as a list of prunings', () => {
    const model = decodeModel(encodeModel(mail))
    metadata(model).set('tp.pruning', 'not JSON')
    expect(readProvenance(model)).toEqual([])
    expect(() => transform(model, prune({ method: none(), schedule: new Map() }))).not.toThrow()
  })
})
