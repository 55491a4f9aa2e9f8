import { readFileSync } from 'node:fs'
import { none, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, metadata } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { pruned } from '../../test/pruned.ts'
import { inspect } from '../inspect.ts'
import { prune } from '../transforms/prune.ts'
import { transform } from '../transforms/transform.ts'
import { readProvenance } from './provenance.ts'

const mail = decodeModel(readFileSync(modelPath('mail')))

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

  test('keeps a foreign record as text and not as a list of prunings', () => {
    const model = decodeModel(encodeModel(mail))
    metadata(model).set('tp.pruning', 'not JSON')
    expect(readProvenance(model)).toEqual([])
    expect(() => transform(model, prune({ method: none(), schedule: new Map() }))).not.toThrow()
  })
})
