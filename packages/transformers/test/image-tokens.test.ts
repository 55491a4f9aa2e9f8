import { readFileSync } from 'node:fs'
import { type PruneImageTokensOptions, pruneImageTokens, readImageTokens, transform } from '@tp/compiler'
import { input, type Method, mean, quasiRandom, random, reshape, stride } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { ats, clsAttention, receivedAttention } from '@tp/method-attention'
import { divPrune, dpp, evit, idPruner, ltmp, pool, thinPadding, tome, visPruner } from '@tp/method-hybrid'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { openModel } from 'exported-encoders'
import { imagesInTorch, type VisionLanguageName, visionLanguagePath } from 'pipeline-models'
import { describe, expect, test } from 'vitest'

const open = (name: VisionLanguageName, file = 'vision_encoder'): Model =>
  decodeModel(readFileSync(`${visionLanguagePath(name)}/onnx/${file}.onnx`))

function pruned(model: Model, options: PruneImageTokensOptions): Model {
  const result = transform(model, pruneImageTokens(options))
  return result.model
}

/** How many image tokens each model has. */
const counts = { smolvlm: 16, llava: 64 } as const

/** Two images, as `make-vision-language.py` draws them. */
function images(name: VisionLanguageName): NamedTensors {
  const data = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(0.7 * i + i * i * 0.013))
  if (name === 'llava') return { pixel_values: { type: 'float32', dims: [2, 3, 32, 32], data } }
  const mask = new Uint8Array(2 * 32 * 32).fill(1)
  return {
    pixel_values: { type: 'float32', dims: [1, 2, 3, 32, 32], data },
    pixel_attention_mask: { type: 'bool', dims: [1, 2, 32, 32], data: mask },
  }
}

/** The rows of each image. */
function rowsOf({ dims, data }: TensorLike): number[][][] {
  const [batch = 0, rows = 0, width = 0] = dims
  const all = Array.from(data as Float32Array)
  return Array.from({ length: batch }, (_, i) =>
    Array.from({ length: rows }, (_, row) => all.slice((i * rows + row) * width, (i * rows + row + 1) * width)),
  )
}

async function features(model: Model, feeds: NamedTensors): Promise<TensorLike> {
  await using session = await openModel(model)
  const answer = await session.run(feeds)
  return answer.image_features as TensorLike
}

/** The logits [1,n,32] after the ids, in which the rows take the places of image tokens. */
async function logitsOf(name: VisionLanguageName, rows: readonly number[][]): Promise<number[]> {
  const ids = [1, 20, ...rows.map(() => 5), 21, 22]
  const integers = (values: readonly number[]): TensorLike => ({
    type: 'int64',
    dims: [1, values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  await using embedding = await openModel(open(name, 'embed_tokens'))
  await using decoder = await openModel(open(name, 'decoder_model_merged'))
  const { inputs_embeds: embeds } = (await embedding.run({ input_ids: integers(ids) })) as { inputs_embeds: TensorLike }
  const data = Float32Array.from(embeds.data as Float32Array)
  for (const [i, row] of rows.entries()) data.set(row, (2 + i) * row.length)
  const none: TensorLike = { type: 'float32', dims: [1, 1, 0, 8], data: new Float32Array() }
  const { logits } = (await decoder.run({
    inputs_embeds: { ...embeds, data },
    attention_mask: integers(ids.map(() => 1)),
    position_ids: integers(ids.map((_, i) => i)),
    ...Object.fromEntries(
      [0, 1].flatMap((i) => ['key', 'value'].map((kind) => [`past_key_values.${i}.${kind}`, none])),
    ),
  })) as { logits: TensorLike }
  return Array.from((logits.data as Float32Array).slice(-32))
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  expect(Math.max(...actual.map((x, i) => Math.abs(x - (expected[i] as number))))).toBeLessThan(1e-5)
}

describe.each(['smolvlm', 'llava'] as const)('%s', (name) => {
  const of = counts[name]
  const { kept, logits } = imagesInTorch(name)
  const methods: Record<string, () => Method> = {
    'received-attention': receivedAttention,
    'cls-attention': clsAttention,
    'div-prune': divPrune,
    'id-pruner': idPruner,
    'vis-pruner': visPruner,
    dpp,
  }

  test.each(Object.keys(kept))(
    'hands over the image tokens that PyTorch keeps, by %s, and says what it says',
    async (key) => {
      const dense = rowsOf(await features(open(name), images(name)))
      const method = methods[key]
      const model = method === undefined ? open(name) : pruned(open(name), { method: method(), tokens: of / 2, of })
      const rows = rowsOf(await features(model, images(name)))
      expect(rows).toEqual(kept[key]?.map((indices, i) => indices.map((index) => dense[i]?.[index])))
      expectClose(await logitsOf(name, rows.flat()), logits[key] as number[])
    },
  )

  test('averages neighbors as PyTorch does, by pool', async () => {
    const rows = rowsOf(await features(pruned(open(name), { method: pool(), tokens: of / 2, of }), images(name)))
    const dense = rowsOf(await features(open(name), images(name)))
    for (const [i, own] of rows.entries()) {
      const pairs = own.map((_, j) => [dense[i]?.[2 * j], dense[i]?.[2 * j + 1]] as [number[], number[]])
      expectClose(
        own.flat(),
        pairs.flatMap(([a, b]) => a.map((x, at) => (x + (b[at] as number)) / 2)),
      )
    }
    expectClose(await logitsOf(name, rows.flat()), logits.pool as number[])
  })

  const choosing = [
    divPrune(),
    dpp(),
    idPruner(),
    visPruner(),
    ...(name === 'llava' ? [visPruner({ importance: 'class' })] : []),
  ]
  test.each([random(), stride(), quasiRandom(), receivedAttention(), ...choosing])(
    'keeps rows of the dense output in their order, whatever an image is batched with, by $name',
    async (method) => {
      const tokens = of / 4 + 1
      const model = pruned(open(name), { method, tokens, of })
      expect(readImageTokens(model)).toMatchObject({ method: method.name, tokens, of, output: 'image_features' })
      const both = await features(model, images(name))
      expect(both.dims).toEqual([2, tokens, 16])
      const dense = rowsOf(await features(open(name), images(name)))
      const own = Object.fromEntries(
        Object.entries(images(name)).map(([key, { type, dims, data }]) => {
          const half = (data as Float32Array).slice(data.length / 2)
          return [key, { type, dims: dims.map((size) => (size === 2 ? 1 : size)), data: half }]
        }),
      ) as NamedTensors
      const alone = rowsOf(await features(model, own))
      for (const [i, rows] of rowsOf(both).entries()) {
        const found = rows.map((row) => dense[i]?.findIndex((other) => other.every((x, at) => x === row[at])) as number)
        expect(found).toEqual([...new Set(found)].toSorted((a, b) => a - b))
        expect(found[0]).toBeGreaterThanOrEqual(0)
      }
      expectClose((alone[0] as number[][]).flat(), (rowsOf(both)[1] as number[][]).flat())
    },
  )

  test('merges pairs, and each sum of image tokens by their sizes stays', async () => {
    const tokens = of - 3
    const merged = rowsOf(await features(pruned(open(name), { method: tome(), tokens, of }), images(name)))
    const dense = rowsOf(await features(open(name), images(name)))
    const isDense = (row: number[], i: number): boolean =>
      dense[i]?.some((other) => other.every((x, at) => x === row[at])) === true
    for (const [i, rows] of merged.entries()) {
      expect(rows).toHaveLength(tokens)
      expect(rows.filter((row) => !isDense(row, i)).length).toBeGreaterThan(0)
      expect(rows.filter((row) => isDense(row, i)).length).toBeGreaterThanOrEqual(of - 6)
    }
  })
})

const smolvlm = (options: Partial<PruneImageTokensOptions>) => () =>
  pruned(open('smolvlm'), { method: stride(), tokens: 8, of: 16, ...options })

test.each([
  ['TP_OPTION', 'give a whole number', smolvlm({ tokens: 0.5 })],
  ['TP_OPTION', '17 of 16', smolvlm({ tokens: 17 })],
  ['TP_OPTION', 'the file gives 64', () => pruned(open('llava'), { method: stride(), tokens: 8, of: 32 })],
  ['TP_METHOD', 'at the input of a layer', smolvlm({ method: thinPadding() })],
  ['TP_METHOD', 'one token more', smolvlm({ method: evit() })],
  ['TP_METHOD', 'in pairs', smolvlm({ method: tome(), tokens: 5 })],
  ['TP_METHOD', 'by a score', () => pruned(open('llava'), { method: ats(), tokens: 8 })],
  ['TP_METHOD', 'has to learn', smolvlm({ method: ltmp() })],
  ['TP_OUTPUT', 'no output other', smolvlm({ output: 'other' })],
  ['TP_NO_CLASS_TOKEN', 'no class token', smolvlm({ method: clsAttention() })],
  [
    'TP_IMAGE_TOKENS',
    'how many tokens an image has',
    () => {
      const x = input('pixel_values', 'float32', ['n', 16])
      return pruned(decodeModel(emitModel({ image_features: reshape(x, [-1, 8]) })), {
        method: stride(),
        tokens: 2,
        of: 4,
      })
    },
  ],
  [
    'TP_NO_ATTENTION',
    'no self-attention',
    () => {
      const x = input('pixel_values', 'float32', ['b', 4, 8, 2])
      const model = decodeModel(emitModel({ image_features: mean(x, [3]) }))
      return pruned(model, { method: receivedAttention(), tokens: 2 })
    },
  ],
])('refuses with %s: %s', (code, message, act) => {
  expect(act).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
})
