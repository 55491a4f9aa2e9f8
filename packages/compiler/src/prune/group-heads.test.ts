import { readFileSync } from 'node:fs'
import { decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath, nextFeeds } from 'exported-decoders'
import { openModel as openSession } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspectDecoder } from '../inspect-decoder.ts'
import { openModel } from '../normalize/open.ts'
import { Program, withEqualSizes } from '../program/program.ts'
import { groupHeads } from './group-heads.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

/** The heads of keys and values that are made one for each query: products with what was expanded. */
function repetitions(model: Model): number {
  const graph = new Graph(model)
  return graph.nodes.filter(({ opType, output }) => opType === 'Expand' && /self_attn/.test(output[0] ?? '')).length
}

function grouped(model: Model): { readonly model: Model; readonly products: number } {
  return withEqualSizes(() => {
    const program = new Program(decodeModel(encodeModel(model)))
    return { products: groupHeads(program), model: program.model }
  })
}

describe.each(['llama', 'qwen3', 'gemma3'] as const)('%s', (name) => {
  const model = open(name)

  test('reads keys and values once for all queries that share them, and computes the same', async () => {
    const { model: now, products } = grouped(model)
    // Two products in each of two layers.
    expect([products, repetitions(model), repetitions(now)]).toEqual([4, 4, 0])
    await using before = await openSession(model)
    await using after = await openSession(now)
    let feeds = decoderFeeds(model, { batch: 2, tokens: 9, padding: 3 })
    for (const tokens of [1, 4, 0]) {
      const [expected, actual] = [await before.run(feeds), await after.run(feeds)]
      for (const [output, { dims, data }] of Object.entries(expected)) {
        expect(actual[output]?.dims).toEqual(dims)
        const far = Array.from(data as Float32Array, (x, i) => Math.abs(x - Number(actual[output]?.data[i])))
        expect(Math.max(0, ...far), output).toBeLessThan(1e-5)
      }
      if (tokens > 0) feeds = nextFeeds(model, feeds, expected, tokens)
    }
  })

  test('opens the model as if it had repeated them, and groups them again to the same', () => {
    const { model: now } = grouped(model)
    expect(inspectDecoder(now)).toEqual(inspectDecoder(model))
    const again = withEqualSizes(() => {
      const { program } = openModel(now)
      return { products: groupHeads(program), model: program.model }
    })
    expect([again.products, repetitions(again.model)]).toEqual([4, 0])
    const types = (own: Model): string[] => new Graph(own).nodes.map(({ opType }) => opType).sort()
    expect(types(again.model)).toEqual(types(now))
  })
})

test('leaves heads repeated that something else reads', () => {
  const model = open('llama')
  const graph = new Graph(model)
  const [expand] = graph.nodes.filter(({ opType, output }) => opType === 'Expand' && /self_attn/.test(output[0] ?? ''))
  const repeated = graph.consumers(expand?.output[0] ?? '')[0]?.node.output[0] as string
  graph.addOutput(repeated, 'float32', [undefined, undefined, undefined, undefined])
  const { model: now, products } = grouped(model)
  expect([products, repetitions(now)]).toEqual([3, 1])
})

test('changes nothing where no head is shared', () => {
  expect(grouped(open('gpt2')).products).toBe(0)
})
