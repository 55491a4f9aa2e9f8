import { readFileSync } from 'node:fs'
import { prune, transform } from '@tp/compiler'
import { and, input, type Method, mul, not, or, schedule, stride } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import { decodeModel, emitModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { decoderPath } from 'exported-decoders'
import { describe, expect, test } from 'vitest'
import { timeInTurns } from '../times/time-in-turns.ts'
import { transcribe, withDecoder } from './transcribe.ts'

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
  const whole = withDecoder(encoder, decoder, { languages: new Map([[german, 'de']]) })
  await timeInTurns([whole, whole], [german, other], { rounds: 1 })
  expect(new Set(heard)).toEqual(new Set(['de', undefined]))
  expect(heard.filter((language) => language === 'de')).toHaveLength(heard.length / 2)
})

describe('where the decoder repeats itself', () => {
  const encoder = decodeModel(readFileSync(decoderPath('whisper-encoder')))
  const [MELS, FRAMES, POSITIONS] = [8, 3000, 1500]
  /** Prunes the second half of a clip's silence. */
  const shorter: Method = {
    ...{ name: 'shorter', family: 'hybrid', site: 'input', unscheduled: true, adaptive: true },
    reduce({ signal, attended, budget }) {
      return { keep: budget === undefined ? attended : or(signal, and(attended, not(attended))) }
    },
  } as Method

  const load = async (method?: Method): Promise<Session> => {
    const options = method && { method, schedule: schedule(2, { layers: [0], keep: 0.5 }), restore: 'none' as const }
    const model = options ? transform(encoder, prune(options)).model : encoder
    return await nodeRuntime().load(encodeModel(model), { threads: 1 })
  }

  /** Says “yes” once of all positions, and for ever of fewer. */
  const decoder: SpeechDecoder = {
    async transcribe({ dims }, _signal, _language, stop) {
      const words: string[] = []
      const count = dims[1] === POSITIONS ? 1 : 100
      while (words.length < count && !stop?.(words.map(() => 7))) words.push('yes')
      return words.join(' ')
    },
  }

  const data = Float32Array.from({ length: MELS * FRAMES }, (_, i) => (i % FRAMES < 300 ? Math.sin(i) : 0))
  const inputs = {
    ...{ source: 'clips', texts: ['yes'], targets: [undefined], notes: [], lengths: undefined },
    feeds: async () => ({ input_features: { type: 'float32', dims: [1, MELS, FRAMES], data } }),
  } as unknown as SpeechInputs

  test('the dense encoder writes the clip down', async () => {
    await using dense = await load()
    await using pruned = await load(stride())
    const { texts, repeats, figures } = await transcribe(pruned, decoder, inputs, { dense: async () => dense })
    expect({ texts, repeats }).toEqual({ texts: ['yes'], repeats: ['whole'] })
    expect(figures.wer.got).toEqual([0])
    expect((await transcribe(dense, decoder, inputs)).repeats).toEqual([undefined])
  })

  test('the pruned encoder itself writes the clip down if it can keep all positions', async () => {
    await using pruned = await load(shorter)
    const { texts, repeats, states } = await transcribe(pruned, decoder, inputs)
    expect({ texts, repeats }).toEqual({ texts: ['yes'], repeats: ['whole'] })
    expect(states[0]).toBeLessThan(POSITIONS)
  })

  test('a text without a whole encoder is marked', async () => {
    await using pruned = await load(stride())
    const { texts, repeats } = await transcribe(pruned, decoder, inputs)
    expect(texts[0]).toMatch(/^yes( yes){8,}$/)
    expect(repeats).toEqual(['none'])
  })

  test('times count both encoders', async () => {
    await using dense = await load()
    await using pruned = await load(stride())
    const runs: string[] = []
    const counted = (session: Session, name: string): Session => ({
      ...session,
      run(...about) {
        runs.push(name)
        return session.run(...about)
      },
    })
    const whole = counted(dense, 'dense')
    await withDecoder(counted(pruned, 'pruned'), decoder, { dense: async () => whole }).run(await inputs.feeds([0]))
    expect(runs).toEqual(['pruned', 'dense'])
  })
})
