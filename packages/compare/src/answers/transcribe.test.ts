import { input, mul } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import type { SpeechDecoder } from '@tp/data'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { timeInTurns } from '../times/time-in-turns.ts'
import { withDecoder } from './transcribe.ts'

test('times each recording in its own language, and one without in English', async () => {
  const heard: (string | undefined)[] = []
  const decoder: SpeechDecoder = {
    async transcribe(_states, _signal, language) {
      heard.push(language)
      return ''
    },
  }
  const frames = input('frames', 'float32', ['batch', 'n', 2])
  await using encoder = await nodeRuntime().load(emitModel({ states: mul(frames, 2) }, { opset: 17 }), { threads: 1 })
  const [german, other] = [1, 2].map(
    (n): NamedTensors => ({ frames: { type: 'float32', dims: [1, n, 2], data: new Float32Array(2 * n) } }),
  ) as [NamedTensors, NamedTensors]
  const whole = withDecoder(encoder, decoder, new Map([[german, 'de']]))
  await timeInTurns([whole, whole], [german, other], { rounds: 1 })
  expect(new Set(heard)).toEqual(new Set(['de', undefined]))
  expect(heard.filter((language) => language === 'de')).toHaveLength(heard.length / 2)
})
