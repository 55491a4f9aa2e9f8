import { prune, transform } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { decodeModel, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { speech, speechEncoder, speechSizes } from 'exported-encoders'
import { expect, test } from 'vitest'
import { thinPadding } from '../src/index.ts'
import { runModel } from './exported.ts'

const { mels: MELS, frames: FRAMES, tokens: TOKENS } = speechSizes

function inputsFor(loud: readonly number[]): NamedTensors {
  const data = speech('frames', loud)
  return { input_features: { type: 'float32', dims: [loud.length, MELS, FRAMES], data } }
}

function thinned(model: Model): Model {
  const options = { method: thinPadding({ every: 4 }), schedule: new Map([[0, { kind: 'ratio', value: 1 } as const]]) }
  return decodeModel(encodeModel(transform(model, prune({ ...options, restore: 'none' })).model))
}

/** The same model, in which what a convolution gives is an output, too. */
function showing(model: Model, which: 'first' | 'last'): { readonly model: Model; readonly shown: string } {
  const graph = new Graph(model)
  const convolutions = graph.nodes.filter(({ opType }) => opType === 'Conv')
  const node = (which === 'first' ? convolutions[0] : convolutions.at(-1)) as NodeProto
  const [shown] = node.output as [string]
  graph.addOutput(shown, 'float32', [undefined, undefined, undefined])
  return { model, shown }
}

test('convolutions compute silence once, as far as the longest sound of a batch leaves any', async () => {
  const { model, shown } = showing(thinned(speechEncoder({ reads: 'frames' })), 'last')
  const computed = async (loud: readonly number[]): Promise<number | undefined> =>
    (await runModel(model, inputsFor(loud)))[shown]?.dims[2]
  // Token j is made of frames 2j − 2 … 2j + 2, and two of silence have to remain with the one at the end.
  expect(await computed([10])).toBe(TOKENS - Math.floor((FRAMES - 10 - 7) / 2))
  expect(await computed([10, 21])).toBe(TOKENS - Math.floor((FRAMES - 21 - 7) / 2))
  for (const loud of [FRAMES - 7, FRAMES - 1, FRAMES]) expect(await computed([loud, 3])).toBe(TOKENS)
})

test('gives the same bits as where each step is computed', async () => {
  const short = thinned(speechEncoder({ reads: 'frames' }))
  const { model } = showing(speechEncoder({ reads: 'frames' }), 'first')
  const whole = thinned(model)
  for (const loud of [[0], [1], [9], [10], [31], [FRAMES - 8], [FRAMES], [5, 22, 0]]) {
    const [own, other] = await Promise.all([short, whole].map((each) => runModel(each, inputsFor(loud))))
    const states = [own, other].map((outputs) => outputs?.last_hidden_state as TensorLike)
    expect(states[0]?.dims).toEqual(states[1]?.dims)
    expect(states[0]?.data, `${loud}`).toEqual(states[1]?.data)
  }
})

test('computes each step where something between the convolutions is read, or sees several', async () => {
  const { model, shown } = showing(speechEncoder({ reads: 'frames' }), 'first')
  expect((await runModel(thinned(model), inputsFor([10])))[shown]?.dims[2]).toBe(FRAMES)
})
