import { readFileSync } from 'node:fs'
import type { NamedTensors } from '@tp/core/runtime'
import { lastQuery } from '@tp/method-attention'
import { cloneModel, createNode, decodeModel, Graph, type Model } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath } from 'exported-decoders'
import { runModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type PrunePromptOptions, prunePrompt, transform } from '../src/index.ts'
import { refusalOf } from './refusal-of.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

/** A decoder that takes the number of earlier tokens from the cache of another layer than its first, which is the same number. */
function countingBy(name: DecoderName, past: string): Graph {
  const graph = new Graph(cloneModel(open(name)))
  const [first] = graph.nodes.filter(({ opType, input }) => opType === 'Shape' && /^past/.test(input[0] as string))
  graph.replaceInput(first!, 0, past)
  return graph
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
      const refusal = refusalOf(() => prune(countingBy(name, past).model))
      expect(refusal).toMatchObject({ code: 'TP_POSITIONS', message: expect.stringContaining(past) })
    },
  )

  test('prunePrompt prunes it where the cache of a whole layer counts them', () => {
    expect(refusalOf(() => prune(countingBy(name, 'past_key_values.0.value').model))).toBeUndefined()
  })
})

test('prunePrompt refuses a decoder where the cache that counts is passed on under another name', () => {
  const graph = countingBy('falcon', 'past_key_values.1.key')
  const [reader] = graph.consumers('past_key_values.1.key').filter(({ node }) => node.opType === 'Shape')
  graph.insert([createNode({ type: 'Identity', name: 'same', inputs: ['past_key_values.1.key'], outputs: ['same'] })])
  graph.replaceInput(reader!.node, 0, 'same')
  graph.sortTopologically()
  expect(refusalOf(() => prune(graph.model))).toMatchObject({ code: 'TP_POSITIONS' })
})

test('prunes a decoder that reads the number of examples from the cache of a pruned layer', async () => {
  const graph = new Graph(cloneModel(open('llama')))
  graph.addInitializer('first', { type: 'int64', dims: [1], data: BigInt64Array.of(0n) })
  graph.insert([
    createNode({ type: 'Shape', name: 'sizes', inputs: ['past_key_values.1.key'], outputs: ['sizes'] }),
    createNode({ type: 'Gather', name: 'count', inputs: ['sizes', 'first'], outputs: ['count'] }),
    createNode({ type: 'Expand', name: 'ones', inputs: ['first', 'count'], outputs: ['zeros'] }),
  ])
  graph.addOutput('zeros', 'int64', [undefined])
  graph.sortTopologically()
  const run = (model: Model): Promise<NamedTensors> => runModel(model, decoderFeeds(model, { batch: 2, tokens: 8 }))
  const [expected, actual] = [await run(prune(open('llama'))), await run(prune(graph.model))]
  expect(actual).toEqual({ ...expected, zeros: { type: 'int64', dims: [2], data: BigInt64Array.of(0n, 0n) } })
})
