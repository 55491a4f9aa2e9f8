import { readFileSync } from 'node:fs'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { lens } from '../src/index.ts'

test('a method is refused without the values that it has to learn', () => {
  const model = decodeModel(readFileSync(modelPath('digits-vit')))
  const options = { method: lens(), schedule: schedule(6, { layers: [3], keep: 0.5 }) }
  expect(() => transform(model, prune(options))).toThrow(
    expect.objectContaining({ code: 'TP_WEIGHTS', message: expect.stringContaining('map at layer 3') }),
  )
})
