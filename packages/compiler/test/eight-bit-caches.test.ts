import { readFileSync } from 'node:fs'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { keyNorm, lastQuery } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath, nextFeeds } from 'exported-decoders'
import { openModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import {
  type DecoderInspection,
  inspectDecoder,
  lastLogits,
  press,
  prunePrompt,
  quantizeCaches,
  transform,
  whyRefused,
} from '../src/index.ts'
import { editedDecoder, integers } from './edited-decoder.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))
const half = { kind: 'ratio', value: 0.5 } as const

/** The outputs of a decoder for some tokens, and of more after these, each time with the caches that it has returned before. */
async function answers(
  model: Model,
  parts: readonly number[],
  sizes: { batch: number; padding?: number } = { batch: 1 },
): Promise<NamedTensors[]> {
  await using session = await openModel(model)
  const [first = 1, ...others] = parts
  let feeds = decoderFeeds(model, { ...sizes, tokens: first })
  const all = [await session.run(feeds)]
  for (const tokens of others) {
    feeds = nextFeeds(model, feeds, all.at(-1) as NamedTensors, tokens)
    all.push(await session.run(feeds))
  }
  return all
}

async function bothAnswer(
  [a, b]: readonly [Model, Model],
  ...args: Rest<typeof answers>
): Promise<[NamedTensors[], NamedTensors[]]> {
  return [await answers(a, ...args), await answers(b, ...args)]
}

type Rest<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never

const numbers = (tensor: TensorLike | undefined): number[] => Array.from(tensor?.data as Float32Array, Number)

/** Rows [d] of a cache. */
function rows(cache: TensorLike | undefined): number[][] {
  const size = cache?.dims.at(-1) as number
  const data = numbers(cache)
  return Array.from({ length: data.length / size }, (_, row) => data.slice(row * size, (row + 1) * size))
}

/** Root of the mean square of a difference, relative to that of what is expected. */
function error(actual: TensorLike | undefined, expected: TensorLike | undefined): number {
  const [own, all] = [numbers(actual), numbers(expected)]
  expect(own).toHaveLength(all.length)
  return Math.hypot(...own.map((x, i) => x - (all[i] as number))) / Math.hypot(...all)
}

describe.each(['bloom', 'gemma3', 'llama'] as const)('%s', (name) => {
  const model = open(name)
  const small = transform(model, quantizeCaches()).model

  test('stores every key and value within half a step of what it was, and says nearly the same', async () => {
    const [[dense], [own]] = await bothAnswer([model, small], [9], { batch: 2, padding: 3 })
    // The first layer reads embeddings, which are not rounded.
    for (const kind of ['key', 'value']) {
      const exact = rows(dense?.[`present.0.${kind}`])
      const stored = rows(own?.[`present.0.${kind}`])
      const scales = numbers(own?.[`present.0.${kind}_scale`])
      expect(own?.[`present.0.${kind}`]?.type).toBe('int8')
      expect([stored.length, scales.length]).toEqual([exact.length, exact.length])
      for (const [i, row] of exact.entries()) {
        const scale = scales[i] as number
        expect(Math.max(...(stored[i] as number[]).map(Math.abs))).toBe(127)
        for (const [j, x] of row.entries())
          expect(Math.abs((stored[i]?.[j] as number) * scale - x)).toBeLessThan(0.501 * scale)
      }
    }
    expect(error(own?.logits, dense?.logits)).toBeLessThan(0.02)
  })

  test('never rounds again what is stored, and reads a text in parts as at once', async () => {
    const parts = await answers(small, [6, 2, 1])
    for (const [i, { logits: _, ...before }] of parts.slice(0, -1).entries()) {
      for (const [present, cache] of Object.entries(before)) {
        const kept = rows(parts[i + 1]?.[present])
        const perHead = kept.length / (cache.dims[1] as number)
        const length = cache.dims[2] as number
        expect(kept.filter((_, row) => row % perHead < length)).toEqual(rows(cache))
      }
    }
    const dense = await answers(model, [6, 2, 1])
    expect(error(parts[2]?.logits, dense[2]?.logits)).toBeLessThan(0.02)
  })

  test('remains a decoder, with a scale next to each cache', () => {
    const before = inspectDecoder(model) as DecoderInspection
    const { caches, dtype, ...found } = inspectDecoder(small) as DecoderInspection
    expect(dtype).toBe('int8')
    expect({ ...found, dtype: 'float32' }).toEqual({ ...before, caches: undefined, dtype: 'float32' })
    expect(caches).toEqual(
      before.caches.map(({ keys, values }) => {
        const [key, value] = [keys, values].map(({ past, present }) => ({
          ...{ past, present },
          scale: { past: `${past}_scale`, present: `${present}_scale` },
        }))
        return { keys: key, values: value }
      }),
    )
  })
})

/** How many nodes copy something for several readers, heads of keys and values among them. */
function copies(model: Model): number {
  return new Graph(model).nodes.filter(({ opType }) => opType === 'Expand').length
}

test('keeps heads that several queries share in one copy, prompts pruned, and the logits of the last token alone', async () => {
  const pruned = transform(
    open('llama'),
    prunePrompt({ method: lastQuery(), amount: half, layer: 0, leastTokens: 0 }),
  ).model
  for (const model of [transform(open('llama'), lastLogits()).model, pruned]) {
    const small = transform(model, quantizeCaches()).model
    expect(copies(small)).toBeLessThan(copies(open('llama')))
    const [float, own] = await bothAnswer([model, small], [8, 1, 1])
    for (const i of [0, 1, 2]) {
      expect(own[i]?.logits?.dims).toEqual([1, 1, 96])
      expect(own[i]?.['present.1.key']?.dims).toEqual(float[i]?.['present.1.key']?.dims)
      expect(error(own[i]?.logits, float[i]?.logits)).toBeLessThan(0.02)
    }
  }
})

/** Converts every key before it is returned. */
function converting(...types: number[]): Model {
  return editedDecoder('llama', (graph, add) => {
    for (const layer of [0, 1]) {
      const present = `present.${layer}.key`
      graph.renameOutput(graph.producer(present)!, 0, `joined.${layer}`)
      const converted = types.reduce((x, to) => add('Cast', [x], { to }), `joined.${layer}`)
      graph.replaceAllUses(`joined.${layer}`, converted, {
        except: graph.nodes.filter(({ opType }) => opType === 'Cast'),
      })
      graph.renameOutput(graph.producer(converted)!, 0, present)
    }
  })
}
const [FLOAT32, FLOAT16] = [1, 10]

test('stores caches in 8 bits that the file converts to the type which they have', async () => {
  const model = converting(FLOAT32, FLOAT32)
  const [plain, own] = await bothAnswer(
    [transform(open('llama'), quantizeCaches()).model, transform(model, quantizeCaches()).model],
    [8, 1],
  )
  expect(own).toEqual(plain)
})

test('refuses caches that the file rounds, with the reason', () => {
  expect(whyRefused(() => transform(converting(FLOAT16, FLOAT32), quantizeCaches()))).toMatchObject({
    code: 'TP_QUANTIZE',
    message: expect.stringMatching(
      /^the cache past_key_values.0.key is converted to another type between its input and its output/,
    ),
  })
})

test('finds the decoder again where the size of its queries is computed', () => {
  const model = editedDecoder('llama', (graph, add) => {
    const zero = add('Mul', [add('ReduceMax', ['position_ids'], { keepdims: 0 }), integers(graph, 0)])
    const size = add('Add', [zero, integers(graph, 1024)])
    for (const node of graph.nodes.filter(({ opType }) => opType === 'Softmax')) {
      const product = scoresOf(graph, node)
      const query = add('Slice', [product.input[0] as string, integers(graph, 0), size, integers(graph, 3)])
      graph.replaceInput(product, 0, query)
    }
  })
  expect(inspectDecoder(transform(model, quantizeCaches()).model)).toMatchObject({ ok: true, layerCount: 2 })
})

/** The product of queries and keys upstream of a softmax. */
function scoresOf(graph: Graph, { input: [scores] }: NodeProto): NodeProto {
  const node = graph.producer(scores as string) as NodeProto
  return node.opType === 'MatMul' ? node : scoresOf(graph, node)
}

test('refuses caches inside an operator, of 8 bits already, or not there, with the reason', () => {
  const small = transform(open('llama'), quantizeCaches()).model
  const refusals = [
    () => transform(open('llama-fused-fp32'), quantizeCaches()),
    () => transform(decodeModel(readFileSync(modelPath('mail'))), quantizeCaches()),
    () => transform(small, quantizeCaches()),
    () => transform(small, lastLogits()),
    () => transform(small, prunePrompt({ method: lastQuery(), amount: half, layer: 0 })),
    () => press(small, { method: keyNorm(), amount: half }),
  ].map((change) => whyRefused(change)?.code)
  expect(refusals).toEqual(['TP_UNSUPPORTED_OP', 'TP_DECODER', ...Array(4).fill('TP_QUANTIZED')])
})
