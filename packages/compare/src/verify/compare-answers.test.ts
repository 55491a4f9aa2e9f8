import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
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

const floats = decodeModel(readFileSync(modelPath('mail')))

function beyond(dense: readonly Answer[], changed: readonly Answer[]): string[] {
  return compareAnswers(changed, dense, { source: floats, name: 'the packed model' }).beyond.map(
    ({ problem }) => problem,
  )
}

describe('exact changes may differ', () => {
  const small = [0.5, 0.25]
  const off = [0.5 + 4e-5, 0.25]

  test('by a hundred-thousandth', () => {
    expect(beyond([answer('alone', ...small)], [answer('alone', ...off)])).toEqual([
      expect.stringContaining('more than 0.00001'),
    ])
  })

  test('by as much of the size of the output, in small numbers next to large ones', () => {
    const next = (numbers: readonly number[]): Answer[] => [answer('alone', ...numbers, 200, -150)]
    expect(beyond(next(small), next(off))).toEqual([])
    expect(beyond(next(small), next([0.51, 0.25]))).toHaveLength(1)
  })

  test('by what the answers of the source vary by with padding on the left', () => {
    const dense = [answer('alone', ...small), answer('padded left', 0.5 + 2e-5, 0.25)]
    expect(beyond(dense, [answer('alone', ...off), answer('padded left', ...off)])).toEqual([])
    expect(beyond(dense, [answer('alone', 0.5002, 0.25), answer('padded left', ...off)])).toHaveLength(1)
  })
})
