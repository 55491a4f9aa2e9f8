import { readFileSync } from 'node:fs'
import { cast, gatherElements, input, logSoftmax, mean, mul, neg, sin, type Tensor, unsqueeze } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, type Graph, type Lifted } from '@tp/onnx'
import { dataSets, type Fixture, fixturesFolder, fixturesIn, openFixture, thorough } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { checkEncoder, learning } from './encoder.ts'
import { withoutGradients } from './without-gradients.ts'

const fixtures: ReadonlyMap<string, Fixture> = new Map(
  fixturesIn(fixturesFolder).map((fixture) => [fixture.name, fixture]),
)
const own = (name: string): Fixture => fixtures.get(name) as Fixture

// TorchScript in an old opset, which takes layer normalization apart, and in a new one; dynamo; text and images
// then optimum, with images of any size; rotary positions; convolutions and speech
const atManyWeights = [
  ...['bert-cls-eager-ts11', 'timm-vit-avgpool-ts17', 'bert-cls-sdpa-dynamo18'],
  ...['vit-cls-optimum', 'modernbert-cls-sdpa-ts17', 'wav2vec2-cls-ts17'],
]

/**
 * Mean of the sines of what comes out, without padding: unlike sums and squares no normalization makes it constant. Padding on the left of a decoder
 * attends to nothing, by scores that rounding makes one, which have a slope for expressions alone.
 */
function sines({ tensor }: Lifted, { inputs, outputs }: Graph): Tensor {
  const y = outputs.map(({ name }) => tensor(name)).find(({ dtype }) => dtype.startsWith('float')) as Tensor
  const mask = inputs.some(({ name }) => name === 'attention_mask') ? tensor('attention_mask') : undefined
  const isByToken = mask?.rank === 2 && y.rank === 3 && mask.dims[1] === y.dims[1]
  return mean(
    isByToken ? mul(sin(y), unsqueeze(cast(mask, y.dtype), [2])) : sin(y),
    y.dims.map((_, axis) => axis),
  )
}

function crossEntropy({ tensor }: Lifted): Tensor {
  const logits = tensor('logits')
  const labels = input('labels', 'int64', [logits.dims[0] as string])
  return neg(mean(gatherElements(logSoftmax(logits), unsqueeze(cast(labels, 'int64'), 1), 1), [0, 1]))
}

function checkFixture(fixture: Fixture, count: number): Promise<void> {
  const [set] = dataSets(fixture)
  return checkEncoder(learning(openFixture(fixture), sines), set?.inputs ?? {}, count)
}

/** Weights whose slope is also taken by central differences; onnxruntime computes all of them. */
const count = thorough(12, 50)

describe('gradients agree with central differences at some weights, and with onnxruntime at all', () => {
  test('mail', { timeout: 120_000 }, async () => {
    const ids = [
      [2, 300, 417, 58, 901, 77, 12, 3],
      [2, 77, 3, 0, 0, 0, 0, 0],
    ].flat()
    const data: Record<string, TensorLike> = {
      input_ids: { type: 'int64', dims: [2, 8], data: BigInt64Array.from(ids, BigInt) },
      attention_mask: { type: 'int64', dims: [2, 8], data: BigInt64Array.from(ids, (id) => BigInt(Number(id > 0))) },
      labels: { type: 'int64', dims: [2], data: BigInt64Array.of(1n, 0n) },
    }
    await checkEncoder(learning(decodeModel(readFileSync(modelPath('mail'))), crossEntropy), data, count)
  })

  test.each(atManyWeights)('%s', { timeout: 60_000 }, (name) => checkFixture(own(name), count))
})

describe('an encoder without gradients is refused with the reason', () => {
  const names = [...fixtures.keys()].filter((name) => !atManyWeights.includes(name))
  const reasonOf = (name: string): string | RegExp | undefined =>
    withoutGradients.find(([pattern]) => pattern.test(name))?.[1]
  test.each(names.filter(reasonOf))('%s', (name) => {
    expect(() => learning(openFixture(own(name)), sines)).toThrow(reasonOf(name))
  })
})
