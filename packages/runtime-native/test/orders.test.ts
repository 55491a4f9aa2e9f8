import { readFileSync } from 'node:fs'
import { pack, prune, quantize, type Transform, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { NamedTensors, Runtime, TensorLike } from '@tp/core/runtime'
import { clsAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { dataSets, fixturesFolder, fixturesIn, numbers, openFixture } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { nativeRuntime } from '../src/index.ts'
import { describeNative } from './native.ts'

type Step = 'prune' | 'quantize' | 'pack'

/** The steps that a file goes through, in order. */
function through(model: Model, steps: readonly Step[], layers: number): Model {
  const changes: Readonly<Record<Step, Transform>> = {
    prune: prune({ method: clsAttention(), schedule: schedule(layers, { keep: 0.6 }) }),
    // 7 bits: exact on every processor.
    quantize: quantize({ reduceRange: true }),
    pack: pack(),
  }
  return steps.reduce((before, step) => transform(before, changes[step]).model, model)
}

async function run(runtime: Runtime, model: Model, inputs: NamedTensors): Promise<NamedTensors> {
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  return await session.run(inputs)
}

/** Largest distance of any output, as a share of its size. */
function distance(actual: NamedTensors, expected: NamedTensors): number {
  return Math.max(
    ...Object.entries(expected).map(([name, tensor]) => {
      const [left, right] = [numbers(actual[name]), numbers(tensor)]
      return Math.hypot(...left.map((x, i) => x - (right[i] as number))) / Math.hypot(...right)
    }),
  )
}

const orders: readonly (readonly Step[])[] = [
  ['quantize'],
  ['quantize', 'pack'],
  ['prune', 'pack'],
  ['prune', 'quantize'],
  ['quantize', 'prune'],
  ['prune', 'quantize', 'pack'],
  ['quantize', 'prune', 'pack'],
]

const fixtures = fixturesIn(fixturesFolder).filter(({ name }) =>
  ['bert-cls-eager-ts11', 'distilbert-cls-eager-ts14'].includes(name),
)

describeNative('a model that is pruned, quantized and packed', () => {
  describe.each(fixtures)('$name', (fixture) => {
    const model = openFixture(fixture)
    const [{ inputs } = { inputs: {} }] = dataSets(fixture)

    test.each(orders.map((steps) => ({ order: steps.join(', then '), steps })))(
      'answers up to rounding as without 8 bits: $order',
      async ({ steps }) => {
        const { layers } = fixture.facts
        const floats = through(model, steps.includes('prune') ? ['prune'] : [], layers)
        const expected = await run(nodeRuntime(), floats, inputs)
        const made = through(model, steps, layers)
        const seen = await run(steps.includes('pack') ? nativeRuntime() : nodeRuntime(), made, inputs)
        expect(distance(seen, expected)).toBeLessThan(steps.includes('quantize') ? 0.1 : 1e-5)
      },
    )
  })
})

describeNative('images in 8 bits', () => {
  const [fixture] = fixturesIn(fixturesFolder).filter(({ name }) => name === 'vit-cls-static-ts11')
  if (fixture === undefined) throw new Error('the fixture vit-cls-static-ts11 is gone')
  const [{ inputs } = { inputs: {} }] = dataSets(fixture)

  test('get answers from native operators as from standard ones, up to rounding', async () => {
    const { layers } = fixture.facts
    const eight = through(openFixture(fixture), ['quantize'], layers)
    const [expected, seen] = [
      await run(nodeRuntime(), eight, inputs),
      await run(nativeRuntime(), through(eight, ['pack'], layers), inputs),
    ]
    expect(distance(seen, expected)).toBeLessThan(0.03)
  })

  test.each(['none', 'tome'])('get the same bits alone and among others, tokens merged by %s', async (merging) => {
    const [free] = fixturesIn(fixturesFolder).filter(({ name }) => name === 'dinov2-cls-ts17')
    if (free === undefined) throw new Error('the fixture dinov2-cls-ts17 is gone')
    const merge = prune({ method: tome(), schedule: schedule(free.facts.layers, { keep: 0.8 }) })
    const steps = [...(merging === 'tome' ? [merge] : []), quantize({ reduceRange: true }), pack()]
    const made = steps.reduce((model, step) => transform(model, step).model, openFixture(free))
    const attentions = made.proto.graph?.node.filter(({ opType }) => /^BatchAttention/.test(opType)) ?? []
    // Sizes of merged tokens are added to the scores of their keys.
    expect(attentions.some(({ opType }) => opType === 'BatchAttention_keyBias')).toBe(merging === 'tome')
    expect(attentions.length).toBeGreaterThan(0)
    await using session = await nativeRuntime().load(encodeModel(made), { threads: 1 })
    const [[input, { dims }]] = Object.entries(dataSets(free)[0]?.inputs ?? {}) as [[string, TensorLike]]
    const shape = dims.slice(1)
    const images = [1, 2, 3].map((k) => {
      const size = shape.reduce((product, dim) => product * dim, 1)
      return Array.from({ length: size }, (_, i) => Math.sin(i * k) * k)
    })
    const answers = async (own: readonly number[][]): Promise<number[]> => {
      const feed: TensorLike = { type: 'float32', dims: [own.length, ...shape], data: Float32Array.from(own.flat()) }
      return numbers(Object.values(await session.run({ [input]: feed }))[0])
    }
    const alone = []
    for (const image of images) alone.push(...(await answers([image])))
    expect(await answers(images)).toEqual(alone)
  })
})

describe('a packed model', () => {
  const packed = through(decodeModel(readFileSync(modelPath('mail'))), ['pack'], 6)

  test.each<Step>(['prune', 'quantize', 'pack'])(
    'refuses a packed file in %s, and names the file to go back to',
    (step) => {
      expect(() => through(packed, [step], 6)).toThrow(/packed already; .*the file that it was made from/)
    },
  )
})
