import { readFileSync } from 'node:fs'
import type { NamedTensors } from '@tp/core/runtime'
import { lastQuery } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath } from 'exported-decoders'
import { runModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type PrunePromptOptions, prunePrompt, transform, whyRefused } from '../src/index.ts'
import { editedDecoder, integers } from './edited-decoder.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

/** A decoder that takes the number of earlier tokens from the cache of another layer than its first, which is the same number. */
function countingBy(name: DecoderName, past: string, isCopied = false): Model {
  return editedDecoder(name, (graph, add) => {
    const first = graph.nodes.find(({ opType, input }) => opType === 'Shape' && /^past/.test(input[0] as string))
    graph.replaceInput(first!, 0, isCopied ? add('Identity', [past]) : past)
  })
}

const pruning: PrunePromptOptions = {
  ...{ method: lastQuery(), amount: { kind: 'ratio', value: 0.5 }, layer: 0, leastTokens: 0 },
}
const prune = (model: Model): Model => transform(model, prunePrompt(pruning)).model

/** Positions are counted by the caches, or only what a token sees is. */
describe.each(['falcon', 'gemma3', 'llama', 'phi'] as const)('%s', (name) => {
  test.each(['key', 'value'])(
    'prunePrompt refuses it where the %s cache of a pruned layer counts earlier tokens',
    (kind) => {
      const past = `past_key_values.1.${kind}`
      const refusal = whyRefused(() => prune(countingBy(name, past)))
      expect(refusal).toMatchObject({ code: 'TP_POSITIONS', message: expect.stringContaining(past) })
    },
  )

  test('prunePrompt prunes it where the cache of a whole layer counts them', () => {
    expect(whyRefused(() => prune(countingBy(name, 'past_key_values.0.value')))).toBeUndefined()
  })
})

test('prunePrompt refuses a decoder where the cache that counts is passed on under another name', () => {
  const model = countingBy('falcon', 'past_key_values.1.key', true)
  expect(whyRefused(() => prune(model))).toMatchObject({ code: 'TP_POSITIONS' })
})

test('prunes a decoder that reads the number of examples from the cache of a pruned layer', async () => {
  const model = editedDecoder('llama', (graph, add) => {
    const count = add('Gather', [add('Shape', ['past_key_values.1.key']), integers(graph, 0)])
    graph.addOutput(add('Expand', [integers(graph, 7), count]), 'int64', [undefined])
  })
  const run = (model: Model): Promise<NamedTensors> => runModel(model, decoderFeeds(model, { batch: 2, tokens: 8 }))
  const [expected, actual] = [await run(prune(open('llama'))), await run(prune(model))]
  const sevens = { type: 'int64', dims: [2], data: BigInt64Array.of(7n, 7n) }
  expect(actual).toEqual({ ...expected, 'edited/Expand': sevens })
})
