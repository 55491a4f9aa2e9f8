import { readFileSync } from 'node:fs'
import { readsWeights, weighedChannel } from '@tp/compiler'
import { add, constant, gather, input, matmul, mean } from '@tp/core'
import { methods } from '@tp/method-hybrid'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { decoderPath, type SpeechPairName } from 'exported-decoders'
import { expect, test } from 'vitest'
import { pruneSpeech } from './prune-speech.ts'

const open = (name: SpeechPairName): Model => decodeModel(readFileSync(decoderPath(name)))
const encoder = open('whisper-encoder')
const decoders = (['whisper-decoder', 'whisper-past', 'whisper-merged'] as const).map(open)

/** A decoder that reads the mean of all states, so that none could count more than another. */
function withoutAttention(): Model {
  const states = input('encoder_hidden_states', 'float32', ['batch', 'states', 16])
  const table = constant(Array(16 * 5).fill(0.1), 'float32', [5, 16])
  const heard = add(gather(table, input('input_ids', 'int64', ['batch', 'n']), 0), mean(states, 1, { keepDims: true }))
  const head = constant(Array(16 * 5).fill(0.1), 'float32', [16, 5])
  return decodeModel(emitModel({ logits: matmul(heard, head) }, { opset: 17 }))
}

test('thins padding, and lets all decoders weigh what is kept', () => {
  const pruned = pruneSpeech({ encoder, decoders }, { methods })
  expect(pruned.plan).toEqual({ format: 1, method: 'thin-padding', restore: 'weighed' })
  const channel = weighedChannel(pruned.encoder)
  expect(channel).toBeTypeOf('number')
  expect(pruned.decoders.map(readsWeights)).toEqual([channel, channel, channel])
  expect(pruned.refused).toBeUndefined()
})

test('stores all files in 8 bits if the plan says so', () => {
  const { encoder: small, decoders: read } = pruneSpeech(
    { encoder, decoders },
    { methods, plan: { format: 1, method: 'thin-padding', quantize: {} } },
  )
  const rounded = [small, ...read].map((model) =>
    new Graph(model).initializers.some(({ dataType }) => dataType === 3 || dataType === 2),
  )
  // Those of a merged file may lie in its branches.
  expect(rounded.slice(0, 3)).toEqual([true, true, true])
  expect(read.map(readsWeights)).toEqual([weighedChannel(small), weighedChannel(small), weighedChannel(small)])
})

test('restores pruned positions where one decoder cannot weigh them, and changes none', () => {
  const all = [...decoders, withoutAttention()]
  const pruned = pruneSpeech({ encoder, decoders: all }, { methods })
  expect(pruned.plan.restore).toBe('nearest')
  expect(pruned.decoders).toEqual(all)
  expect(pruned.refused).toMatchObject({ code: 'TP_DECODER' })
  const plan = { format: 1, method: 'thin-padding', restore: 'weighed' } as const
  expect(() => pruneSpeech({ encoder, decoders: all }, { methods, plan })).toThrow(
    expect.objectContaining({ code: 'TP_DECODER' }),
  )
})
