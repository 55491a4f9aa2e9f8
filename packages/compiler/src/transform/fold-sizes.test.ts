import { readFileSync } from 'node:fs'
import { quasiRandom, type Schedule, schedule } from '@tp/core'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { prune } from '../prune.ts'

function added(model: Model, cuts: Schedule): string[] {
  const result = prune(model, { method: quasiRandom(), schedule: cuts })
  if (!result.ok) throw new Error(result.refusal.message)
  return new Graph(result.model).nodes.filter(({ name }) => name.startsWith('tp/layer')).map(({ opType }) => opType)
}

test('computes no sizes where the number of tokens is fixed', () => {
  const cuts = schedule(6, { keep: 0.8, layers: [1, 2, 3] })
  expect(added(decodeModel(readFileSync(modelPath('digits-vit'))), cuts)).not.toContain('Shape')
  expect(added(decodeModel(readFileSync(modelPath('mail'))), cuts)).toContain('Shape')
})
