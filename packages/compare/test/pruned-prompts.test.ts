import { readFileSync } from 'node:fs'
import { prunePrompt, transform } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { lastQuery } from '@tp/method-attention'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type DecoderName, decoderPath } from 'exported-decoders'
import { expect, test } from 'vitest'
import { verify } from '../src/index.ts'

const node = nodeRuntime()
const runtime: Runtime = { ...node, load: (model, options) => node.load(model, { threads: 1, ...options }) }
const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

function pruned(model: Model): Model {
  const options = { method: lastQuery(), amount: { kind: 'ratio', value: 0.25 }, layer: 0, leastTokens: 0 } as const
  return transform(model, prunePrompt(options)).model
}

test.each(['gemma3', 'gpt2', 'llama', 'llama-fused-fp32'] as const)(
  'verify accepts pruned prompts: %s',
  async (name) => {
    const dense = open(name)
    const verification = await verify(pruned(dense), dense, { runtime, methods: [{ method: lastQuery() }] })
    expect(verification.difference).toBeLessThan(1e-4)
    expect(verification.arrangements[0]).toBe('alone')
  },
)

test('verify refuses steps whose positions follow the length of a shortened cache', async () => {
  const dense = open('llama')
  const model = pruned(dense)
  const graph = new Graph(model)
  graph.addInitializer('tokens', { type: 'int64', dims: [1], data: BigInt64Array.of(2n) })
  const add = (type: string, ...inputs: string[]): string => {
    const name = graph.uniqueName(`spoiled/${type}`)
    graph.insert([createNode({ type, name, inputs, outputs: [name] })])
    return name
  }
  const [whole, kept] = [0, 1].map((layer) =>
    add('Gather', add('Shape', `past_key_values.${layer}.key`), 'tokens'),
  ) as [string, string]
  const missing = add('Sub', kept, whole)
  const spoiled = add('Add', 'position_ids', missing)
  graph.replaceAllUses('position_ids', spoiled, { except: [graph.producer(spoiled)!] })
  graph.sortTopologically()
  await expect(verify(model, dense, { runtime })).rejects.toThrow(
    expect.objectContaining({ code: 'TP_VERIFY', message: expect.stringContaining('slots more that hold no token') }),
  )
})
