import { readFileSync } from 'node:fs'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderNames, decoderPath, nextFeeds } from 'exported-decoders'
import { openModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, inspectDecoder, type LastLogitsOptions, lastLogits, transform, whyRefused } from '../src/index.ts'
import { editedDecoder, integers } from './edited-decoder.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

function withLastLogits(model: Model, options?: LastLogitsOptions): Model {
  const result = transform(model, lastLogits(options))
  return result.model
}

/** The last row of each example, [b,n,V] → [b,1,V]. */
function lastRows({ data, dims }: TensorLike): TensorLike {
  const [batch = 0, tokens = 0, width = 0] = dims
  const rows = Array.from({ length: batch }, (_, row) =>
    (data as Float32Array).slice(((row + 1) * tokens - 1) * width, (row + 1) * tokens * width),
  )
  return { type: 'float32', dims: [batch, 1, width], data: Float32Array.from(rows.flatMap((row) => [...row])) }
}

function expectSame(actual: NamedTensors, expected: NamedTensors): void {
  const { logits, ...caches } = expected as NamedTensors & { logits: TensorLike }
  const last = lastRows(logits)
  expect(Object.keys(actual)).toEqual(Object.keys(expected))
  expect(actual.logits?.dims).toEqual(last.dims)
  const differences = Array.from(last.data as Float32Array, (x, i) =>
    Math.abs(x - ((actual.logits as TensorLike).data as Float32Array)[i]!),
  )
  expect(Math.max(...differences)).toBeLessThan(1e-5)
  for (const [name, cache] of Object.entries(caches)) expect(actual[name], name).toEqual(cache)
}

describe.each(decoderNames)('%s', (name) => {
  test('gives the logits of the last token and the same caches, for a prompt and for what follows', async () => {
    const model = open(name)
    await using dense = await openModel(model)
    await using last = await openModel(withLastLogits(model, { groupHeads: false }))
    // One operator takes several new tokens after others of one example only.
    for (const [sizes, next] of [
      [{ batch: 2, tokens: 9, padding: 3 }, [1, 1]],
      [{ batch: 1, tokens: 6 }, [4, 1]],
    ] as const) {
      let feeds = decoderFeeds(model, sizes)
      for (const tokens of next) {
        const expected = await dense.run(feeds)
        expectSame(await last.run(feeds), expected)
        feeds = nextFeeds(model, feeds, expected, tokens)
      }
      expectSame(await last.run(feeds), await dense.run(feeds))
    }
  })

  test('computes nothing of its last layer for other tokens but keys and values', () => {
    const { graph, tokens } = { graph: new Graph(withLastLogits(open(name))), tokens: 'sequence_length' }
    const logits = graph.outputs.find((output) => output.name === 'logits')
    expect(logits?.dims?.[1]).toBe(1)
    expect(logits?.dims).not.toContain(tokens)
    const product = graph.producer('logits')
    expect(product?.opType).not.toBe('Slice')
  })
})

test.each([
  ['bloom', { byHead: true, heads: 4, keyHeads: 4, headSize: 4, hidden: 16, positions: undefined, rotary: 'none' }],
  ['falcon', { heads: 4, keyHeads: 1, positions: 'position_ids', rotary: 'written out', producer: 'pytorch' }],
  ['gemma3', { heads: 4, keyHeads: 1, headSize: 8, positions: undefined, rotary: 'written out' }],
  ['gpt2', { heads: 4, keyHeads: 4, positions: 'position_ids', rotary: 'none' }],
  ['qwen3', { heads: 4, keyHeads: 2, headSize: 8, logitsOf: 'all tokens', mask: 'attention_mask' }],
  [
    'llama-fused-int4',
    { fused: 'com.microsoft.GroupQueryAttention', headSize: 16, hidden: 32, rotary: 'in the attention' },
  ],
] as const)('finds the decoder of %s', (name, facts) => {
  const found = inspectDecoder(open(name))
  expect(found).toMatchObject({ ok: true, dtype: 'float32', layerCount: 2, logits: 'logits', ...facts })
  expect(found.ok && found.caches).toHaveLength(2)
})

describe('refusals', () => {
  test('pruning tokens of a decoder, with the advice what to do instead', () => {
    expect(inspect(open('llama'))).toMatchObject({
      ok: false,
      refusal: { code: 'TP_DECODER', message: expect.stringContaining('prunePrompt') },
    })
  })

  test('a decoder with an input for the number of logits', () => {
    const model = open('llama')
    new Graph(model).addInput('num_logits_to_keep', 'int64', [])
    expect(() => transform(model, lastLogits())).toThrow(
      expect.objectContaining({ code: 'TP_DECODER', message: expect.stringContaining('num_logits_to_keep') }),
    )
  })

  test('an encoder, and a decoder that gives the last logits already', () => {
    const mail = decodeModel(readFileSync(modelPath('mail')))
    expect(() => transform(mail, lastLogits())).toThrow(expect.objectContaining({ code: 'TP_DECODER' }))
    expect(() => transform(withLastLogits(open('gpt2')), lastLogits())).toThrow(
      expect.objectContaining({ code: 'TP_DECODER', message: expect.stringContaining('already') }),
    )
  })

  test('a decoder with an output that is computed from the logits of all tokens, by its name', () => {
    const model = editedDecoder('llama', (graph, add) => {
      graph.addOutput(add('ArgMax', ['logits'], { axis: -1, keepdims: 0 }), 'int64', [undefined, undefined])
    })
    const message = expect.stringMatching(/^the output edited\/ArgMax is computed from the logits of all tokens/)
    expect(whyRefused(() => withLastLogits(model))).toMatchObject({ code: 'TP_DECODER', message })
  })

  test('a decoder that computes the logits of all tokens together', () => {
    const model = editedDecoder('llama', (graph, add) => {
      graph.renameOutput(graph.producer('logits')!, 0, 'scores')
      graph.renameOutput(graph.producer(add('Softmax', ['scores'], { axis: 1 }))!, 0, 'logits')
    })
    const message = expect.stringMatching(/^the output logits is computed for all tokens together/)
    expect(whyRefused(() => withLastLogits(model))).toMatchObject({ code: 'TP_DECODER', message })
  })

  test('attention in a form that is not known, as with sinks', () => {
    const model = editedDecoder('llama', (graph, add) => {
      for (const { input, output } of graph.nodes.filter(({ opType }) => opType === 'Softmax')) {
        const [scores, shares] = [input[0] as string, output[0] as string]
        const withSink = add('Concat', [scores, add('ReduceMax', [scores], { axes: 3, keepdims: 1 })], { axis: 3 })
        const [from, to, axis] = [integers(graph, 0), integers(graph, -1), integers(graph, 3)] as const
        graph.replaceAllUses(shares, add('Slice', [add('Softmax', [withSink], { axis: 3 }), from, to, axis]))
      }
    })
    const message = expect.stringMatching(/^attention reads the caches in a form that is not known/)
    expect(inspectDecoder(model)).toMatchObject({ refusal: { code: 'TP_DECODER', message } })
  })
})
