import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import type { Answer } from './answers.ts'
import { compareAnswers } from './compare-answers.ts'
import type { Arrangement } from './trials.ts'

const source = decodeModel(readFileSync(modelPath('mail', 'int8')))
const answer = (arrangement: Arrangement, ...logits: readonly number[]): Answer => ({
  arrangement,
  example: 0,
  outputs: { logits: { type: 'float32', dims: [1, logits.length], data: Float32Array.from(logits) } },
})

test('compares no padded rows where a source in 8 bits reads padding, even if that changes its answers little', () => {
  const alone = [answer('alone', 1, -1), answer('padded right', 1, -1)]
  const dense = [...alone, answer('padded left', 0.95, -1)]
  const seen = compareAnswers([...alone, answer('padded left', -1, 1)], dense, { source, name: 'the packed model' })
  expect(seen).toMatchObject({ arrangements: ['alone', 'padded right'], distance: 0, beyond: [] })
})
