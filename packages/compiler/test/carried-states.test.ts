import { abs, evaluate, type Method, schedule, sub, sum, type Tensor } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { decodeModel, Graph, lift, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { encoder, inputsOf, plainEncoder } from './encoders.ts'
import { difference, int64, numbers, run, runOnEach } from './run.ts'

/** Keeps the tokens whose states have moved farthest since the layer before. */
const moved: Method = {
  name: 'moved',
  family: 'baseline',
  carry: { before: { dims: ['N', 'D'], init: 0 } },
  reduce({ budget, attended, hidden, carried }) {
    const distance = sum(abs(sub(hidden, carried.before as Tensor)), 2)
    return { keep: budget?.select(distance) ?? attended, carry: { before: hidden } }
  },
}

const options = { ...plainEncoder, layerCount: 3 }
const [batch, tokens] = [3, 10]
const inputs = inputsOf(options, batch, tokens, 5)

function exampleOf(all: NamedTensors, row: number): NamedTensors {
  const one = (x: TensorLike | undefined): TensorLike =>
    int64([1, tokens], numbers(x).slice(row * tokens, (row + 1) * tokens))
  return { input_ids: one(all.input_ids), attention_mask: one(all.attention_mask) }
}

function pruned(amounts: object): Model {
  const plan = { method: moved, schedule: schedule(3, { layers: [1, 2], ...amounts }) }
  const result = transform(decodeModel(encoder(options)), prune(plan))
  return result.model
}

const logitsOf = async (model: Model | Uint8Array): Promise<number[]> => numbers((await run(model, inputs)).logits)

test('a method compares states between layers: keeping all tokens changes nothing', async () => {
  expect(difference(await logitsOf(pruned({ tokens: 99 })), await logitsOf(encoder(options)))).toBeLessThan(1e-5)
})

test.each([{ keep: 0.5 }, { mass: 0.6 }])(
  'a method compares states between layers: the runtime computes what the interpreter does with %j',
  async (amounts) => {
    const model = pruned(amounts)
    const logits = await logitsOf(model)
    expect(difference(logits, await logitsOf(encoder(options)))).toBeGreaterThan(1e-4)
    const computed = evaluate({ logits: lift(new Graph(model)).tensor('logits') }, inputs).logits
    expect(difference(logits, numbers(computed))).toBeLessThan(1e-5)
    // An example does not depend on those that it is batched with.
    const alone = Array.from({ length: batch }, (_, row) => exampleOf(inputs, row))
    const answers = await runOnEach(model, alone)
    expect(
      difference(
        answers.flatMap(({ logits }) => numbers(logits)),
        logits,
      ),
    ).toBeLessThan(1e-5)
  },
)
