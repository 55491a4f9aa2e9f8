import { inspect, type PruneOptions, pack, prune, transform } from '@tp/compiler'
import { type Method, type Schedule, schedule, sequence, stride } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { speech, speechEncoder, speechSizes } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { thinPadding, tome } from '../src/index.ts'
import { difference, fixtureFolder, inputsOf, openFixture, runModel } from './exported.ts'

const { mels: MELS, frames: FRAMES, tokens: TOKENS, hidden: HIDDEN } = speechSizes
const alone: Schedule = new Map([[0, { kind: 'ratio', value: 1 }]])

function pruned(model: Model, options: PruneOptions): Model {
  const result = transform(model, prune(options))
  return decodeModel(encodeModel(result.model))
}

type Reads = 'frames' | 'samples'

function inputsFor(reads: Reads, loud: readonly number[], seed = 1): NamedTensors {
  const data = speech(reads, loud, seed)
  return reads === 'frames'
    ? { input_features: { type: 'float32', dims: [loud.length, MELS, FRAMES], data } }
    : { input_values: { type: 'float32', dims: [loud.length, 2 * FRAMES], data } }
}

/** The kept tokens of each example, and their states, of a model pruned with `restore: 'none'` and a trace. */
function keptOf(outputs: NamedTensors, cut: string): { tokens: number[]; states: number[][] }[] {
  const lists = (tensor: TensorLike | undefined): number[][] => {
    const [batch = 0, count = 0] = tensor?.dims ?? []
    const all = Array.from(tensor?.data as ArrayLike<number | bigint>, Number)
    return Array.from({ length: batch }, (_, row) => all.slice(row * count, (row + 1) * count))
  }
  const { last_hidden_state: states } = outputs
  const [, count = 0] = states?.dims ?? []
  const all = Array.from(states?.data as Float32Array)
  const valid = lists(outputs['tp.mask'])
  return lists(outputs[`tp.trace.${cut}.indices`]).map((tokens, row) => {
    const slots = tokens.flatMap((_, slot) => (valid[row]?.[slot] === 1 ? [slot] : []))
    return {
      tokens: slots.map((slot) => tokens[slot] as number),
      states: slots.map((slot) => all.slice((row * count + slot) * HIDDEN, (row * count + slot + 1) * HIDDEN)),
    }
  })
}

/** Tokens that a convolution of three steps after one of `first` makes from silence alone. */
const lastLoud: Readonly<Record<Reads, (loud: number) => number>> = {
  // token j reads frames 2j − 2 … 2j + 2
  frames: (loud) => Math.floor((loud - 1 + 2) / 2),
  // token j reads samples 4j − 3 … 4j + 4
  samples: (loud) => Math.floor((loud - 1 + 3) / 4),
}

describe.each(['frames', 'samples'] as const)('%s', (reads) => {
  const model = speechEncoder({ reads })
  const steps = reads === 'frames' ? FRAMES : 2 * FRAMES

  test('counts thinned tokens: the answer is that with copies of the kept tokens in their place', async () => {
    const thinned = pruned(model, {
      method: thinPadding({ every: 4, margin: 0 }),
      schedule: alone,
      restore: 'none',
      trace: true,
    })
    for (const loud of [1, 10, 17, 30, steps - 6]) {
      const inputs = inputsFor(reads, [loud], loud)
      const [kept] = keptOf(await runModel(thinned, inputs), '0') as [{ tokens: number[]; states: number[][] }]
      const quiet = lastLoud[reads](loud) + 1
      const copied = Array.from({ length: TOKENS }, (_, i) => (i < quiet ? i : quiet + 4 * Math.floor((i - quiet) / 4)))
      expect(kept.tokens).toEqual([...new Set(copied)])
      const indices = { type: 'int64', dims: [TOKENS], data: BigInt64Array.from(copied, BigInt) } as const
      const { last_hidden_state: states } = await runModel(speechEncoder({ reads, copies: true }), {
        ...inputs,
        copied: indices,
      })
      const whole = Array.from(states?.data as Float32Array)
      for (const [slot, token] of kept.tokens.entries()) {
        const expected = whole.slice(token * HIDDEN, (token + 1) * HIDDEN)
        expect(difference(kept.states[slot] as number[], expected), `token ${token}`).toBeLessThan(1e-5)
      }
    }
  })

  test('where everything carries a signal nothing is pruned', async () => {
    const inputs = inputsFor(reads, [steps, steps])
    const thinned = await runModel(pruned(model, { method: thinPadding(), schedule: alone, restore: 'none' }), inputs)
    const dense = await runModel(model, inputs)
    expect(thinned.last_hidden_state?.dims).toEqual([2, TOKENS, HIDDEN])
    expect(
      difference(
        Array.from(thinned.last_hidden_state?.data as Float32Array),
        Array.from(dense.last_hidden_state?.data as Float32Array),
      ),
    ).toBeLessThan(1e-5)
  })

  test.each<[string, Method]>([
    ['alone', thinPadding({ every: 3, margin: 0 })],
    ['before one that drops', sequence(thinPadding({ every: 3, margin: 0 }), receivedAttention())],
    ['before one that merges', sequence(thinPadding({ every: 3, margin: 0 }), tome())],
  ])('an example has the same answer in any batch: %s', async (_, method) => {
    const amounts = method.unscheduled ? alone : schedule(2, { layers: [0, 1], keep: 0.6 })
    const cut = method.unscheduled ? '0' : '1'
    const thinned = pruned(model, { method, schedule: amounts, restore: 'none', trace: true })
    const loud = [steps, 9, 1, 30]
    const together = inputsFor(reads, loud)
    const batch = keptOf(await runModel(thinned, together), cut)
    const [name, tensor] = Object.entries(together)[0] as [string, TensorLike]
    const size = tensor.data.length / loud.length
    for (const [row, { tokens, states }] of batch.entries()) {
      const data = (tensor.data as Float32Array).slice(row * size, (row + 1) * size)
      const one = { [name]: { ...tensor, dims: [1, ...tensor.dims.slice(1)], data } }
      const [single] = keptOf(await runModel(thinned, one), cut)
      expect(tokens).toEqual(single?.tokens)
      expect(difference(states.flat(), single?.states.flat() as number[])).toBeLessThan(1e-5)
    }
  })
})

test('another method prunes the rest by its amount, and what was thinned is kept besides', async () => {
  const method = sequence(thinPadding({ every: 5, margin: 0 }), stride())
  const amounts = schedule(2, { layers: [0, 1], keep: 0.5 })
  const thinned = pruned(speechEncoder({ reads: 'frames' }), {
    method,
    schedule: amounts,
    restore: 'none',
    trace: true,
  })
  const outputs = await runModel(thinned, inputsFor('frames', [20, 48]))
  // 11 tokens with a signal, of which 6 and then 3 are kept, and every fifth of the other 13; where all carry one, 12 and then 6
  const [short, full] = keptOf(outputs, '1').map(({ tokens }) => tokens)
  expect(short).toHaveLength(3 + 3)
  expect(short?.slice(-3)).toEqual([11, 16, 21])
  expect(full).toHaveLength(6)
  expect(Object.keys(outputs)).toContain('tp.trace.0.input.indices')
})

test.each(['auto', 'all'] as const)(
  'a method before another acts with its schedule at any layer, restore %s',
  async (restore) => {
    const method = sequence(thinPadding({ every: 5, margin: 0 }), stride())
    const inputs = inputsFor('frames', [20])
    const rowsOf = async (layers: readonly number[]): Promise<string[]> => {
      const amounts = new Map(layers.map((layer) => [layer, { kind: 'ratio', value: 0.5 } as const]))
      const options = { method, schedule: amounts, restore }
      const { last_hidden_state: states } = await runModel(pruned(speechEncoder({ reads: 'frames' }), options), inputs)
      expect(states?.dims).toEqual([1, TOKENS, HIDDEN])
      const all = Array.from(states?.data as Float32Array)
      return Array.from({ length: TOKENS }, (_, i) => all.slice(i * HIDDEN, (i + 1) * HIDDEN).join())
    }
    expect(new Set(await rowsOf([]))).toHaveLength(TOKENS)
    const [dense] = [await runModel(speechEncoder({ reads: 'frames' }), inputs)]
    const whole = (await rowsOf([])).join().split(',')
    const states = Array.from(dense.last_hidden_state?.data as Float32Array)
    expect(whole).toHaveLength(states.length)
    // Known sizes are constants in what is pruned, so that onnxruntime sums in another order.
    for (const [i, state] of states.entries()) expect(Number(whole[i])).toBeCloseTo(state, 5)
    // At layer 1 six of the 11 tokens with a signal are kept; of the others every fifth from layer 0 on.
    if (restore === 'auto') expect(new Set(await rowsOf([1]))).toHaveLength(6 + 3)
    else await rowsOf([1])
  },
)

test('a thinned file is known again: it has no mask, and can be packed and pruned further', async () => {
  const options = { method: thinPadding({ every: 5, margin: 0 }), schedule: alone, restore: 'none' } as const
  const thinned = pruned(speechEncoder({ reads: 'frames' }), options)
  expect(inspect(thinned)).toMatchObject({ ok: true, mask: undefined, open: 1 })
  expect(transform(thinned, pack()).reports[0]).toMatchObject({ attentions: 2 })

  const inputs = inputsFor('frames', [20, 48])
  const again = { method: stride(), schedule: schedule(2, { layers: [1], keep: 0.5 }), restore: 'none' } as const
  const { last_hidden_state: states } = await runModel(pruned(thinned, again), inputs)
  expect(states?.dims).toEqual([2, 12, HIDDEN])
  const restored = pruned(speechEncoder({ reads: 'frames' }), { ...options, restore: 'auto' })
  expect((await runModel(pruned(restored, { ...again, restore: 'auto' }), inputs)).last_hidden_state?.dims).toEqual([
    2,
    TOKENS,
    HIDDEN,
  ])
})

test('without a method after it the rows come back as the nearest kept ones', async () => {
  const model = speechEncoder({ reads: 'frames' })
  const outputs = await runModel(
    pruned(model, { method: thinPadding({ every: 5, margin: 0 }), schedule: alone }),
    inputsFor('frames', [20]),
  )
  expect(outputs.last_hidden_state?.dims).toEqual([1, TOKENS, HIDDEN])
  const all = Array.from(outputs.last_hidden_state?.data as Float32Array)
  const rows = Array.from({ length: TOKENS }, (_, i) => all.slice(i * HIDDEN, (i + 1) * HIDDEN).join())
  expect(rows.slice(11)).toEqual([11, 11, 11, 16, 16, 16, 16, 16, 21, 21, 21, 21, 21].map((token) => rows[token]))
})

test('samples may have an axis for their one channel', async () => {
  const options = { method: thinPadding({ every: 4, margin: 0 }), schedule: alone, restore: 'none' } as const
  const inputs = inputsFor('samples', [30, 96])
  const { input_values: samples } = inputs
  const flat = await runModel(pruned(speechEncoder({ reads: 'samples' }), options), inputs)
  const data = { ...(samples as TensorLike), dims: [2, 1, 2 * FRAMES] }
  const apart = await runModel(pruned(speechEncoder({ reads: 'channel' }), options), { input_values: data })
  expect(apart).toEqual(flat)
})

/** The same with its convolutions in 8 bits, as dynamic quantization makes them. */
function withIntegerConvolutions(model: Model): Model {
  const graph = new Graph(model)
  for (const node of graph.nodes.filter(({ opType }) => opType === 'Conv')) {
    const [x, weights, bias] = node.input as [string, string, string]
    const name = (of: string): string => `${node.output[0]}/${of}`
    const at = (of: readonly string[]): string[] => of.map(name)
    const [round, product, cast, scale, scaled, rows, sum] = [
      createNode({ type: 'DynamicQuantizeLinear', inputs: [x], outputs: at(['x', 'x_scale', 'x_zero']) }),
      createNode({ type: 'ConvInteger', inputs: [...at(['x', 'w', 'x_zero', 'w_zero'])], outputs: at(['sums']) }),
      createNode({ type: 'Cast', inputs: at(['sums']), outputs: at(['floats']), attributes: { to: 1 } }),
      createNode({ type: 'Mul', inputs: at(['x_scale', 'w_scale']), outputs: at(['scale']) }),
      createNode({ type: 'Mul', inputs: at(['floats', 'scale']), outputs: at(['scaled']) }),
      createNode({ type: 'Unsqueeze', inputs: [bias, name('axes')], outputs: at(['rows']) }),
      createNode({ type: 'Add', inputs: at(['scaled', 'rows']), outputs: [node.output[0] as string] }),
    ] as const
    product.attribute = node.attribute
    const ofWeights = createNode({
      type: 'DynamicQuantizeLinear',
      inputs: [weights],
      outputs: at(['w', 'w_scale', 'w_zero']),
    })
    graph.addInitializer(name('axes'), { type: 'int64', dims: [1], data: BigInt64Array.of(1n) })
    graph.remove(node)
    graph.insert([round, ofWeights, product, cast, scale, scaled, rows, sum])
  }
  graph.sortTopologically()
  return decodeModel(encodeModel(model))
}

test('convolutions of 8 bits tell the padding as those in float do', async () => {
  const options = {
    method: thinPadding({ every: 4, margin: 0 }),
    schedule: alone,
    restore: 'none',
    trace: true,
  } as const
  const inputs = inputsFor('frames', [20])
  const tokens = async (model: Model): Promise<unknown> =>
    (await runModel(pruned(model, options), inputs))['tp.trace.0.indices']
  const float = await tokens(speechEncoder({ reads: 'frames' }))
  expect(await tokens(withIntegerConvolutions(speechEncoder({ reads: 'frames' })))).toEqual(float)
})

test('frames of zeros, with which windows are filled behind their floor, are silent too', async () => {
  const options = { method: thinPadding({ every: 4, margin: 0 }), schedule: alone, restore: 'none' } as const
  const thinned = pruned(speechEncoder({ reads: 'frames' }), options)
  const inputs = inputsFor('frames', [20])
  const { input_features: features } = inputs as { readonly input_features: TensorLike }
  const data = (features.data as Float32Array).map((value, i) => (i % FRAMES < 36 ? value : 0))
  const counts = [inputs, { input_features: { ...features, data } }].map(
    async (own) => (await runModel(thinned, own)).last_hidden_state?.dims[1],
  )
  const [floor, zeros] = await Promise.all(counts)
  expect(floor).toBeLessThan(TOKENS)
  expect(zeros).toBe(floor)
})

describe('patches of a spectrogram', () => {
  const inputs = (loud: readonly number[]): NamedTensors => ({
    input_values: { type: 'float32', dims: [loud.length, FRAMES, MELS], data: speech('spectrogram', loud) },
  })
  const options = {
    method: thinPadding({ every: 4, margin: 0 }),
    schedule: alone,
    restore: 'none',
    trace: true,
  } as const
  const thinned = pruned(speechEncoder({ reads: 'spectrogram' }), options)

  test('thins patches in each row, which count for those that are as they are, and keeps learned tokens', async () => {
    // Patches of columns 0 to 4 read frames before the 20th; of the six others in each of two rows the first and the fifth are kept.
    const represented = { 7: [8, 9, 10], 11: [12], 18: [19, 20, 21], 22: [23] }
    const copied = Array.from({ length: TOKENS }, (_, i) => i)
    for (const [kept, others] of Object.entries(represented)) for (const i of others) copied[i] = Number(kept)
    const kept = [...new Set(copied)]
    const { last_hidden_state: dense } = await runModel(speechEncoder({ reads: 'spectrogram', copies: true }), {
      ...inputs([20]),
      copied: { type: 'int64', dims: [TOKENS], data: BigInt64Array.from(copied, BigInt) },
    })
    const [example] = keptOf(await runModel(thinned, inputs([20])), '0')
    expect(example?.tokens).toEqual(kept)
    const states = Array.from(dense?.data as Float32Array)
    for (const [i, token] of kept.entries())
      expect(
        difference(example?.states[i] as number[], states.slice(token * HIDDEN, (token + 1) * HIDDEN)),
      ).toBeLessThan(1e-5)
  })

  test('thins each example of a batch by its own silence, and leaves a sound that fills the window as it is', async () => {
    const rows = keptOf(await runModel(thinned, inputs([20, FRAMES, 0])), '0')
    const alone = await Promise.all(
      [20, FRAMES, 0].map(async (loud) => keptOf(await runModel(thinned, inputs([loud])), '0')),
    )
    expect(rows[0]?.tokens).toEqual(alone[0]?.[0]?.tokens)
    expect(rows[1]?.tokens).toHaveLength(TOKENS)
    // One run of 22 patches.
    expect(rows[2]?.tokens).toEqual([0, 1, 2, 6, 10, 14, 18, 22])
    expect(alone[2]?.[0]?.tokens).toEqual(rows[2]?.tokens)
  })
})

test('patches of a spectrogram in another order than the convolution gives them are refused', () => {
  const model = speechEncoder({ reads: 'spectrogram' })
  const graph = new Graph(model)
  const grid = graph.nodes.find(({ opType }) => opType === 'Conv')?.output[0] as string
  graph.replaceAllUses(grid, 'turned')
  const turn = { type: 'Transpose', inputs: [grid], outputs: ['turned'], attributes: { perm: [0, 1, 3, 2] } }
  graph.insert([createNode(turn)])
  graph.sortTopologically()
  expect(() => transform(model, prune({ method: thinPadding(), schedule: alone }))).toThrow(
    expect.objectContaining({ code: 'TP_NO_SIGNAL', message: expect.stringContaining('carry no signal') }),
  )
})

test('samples of two channels are silent where both are', async () => {
  const options = { method: thinPadding({ every: 4, margin: 0 }), schedule: alone, restore: 'none' } as const
  const thinned = pruned(speechEncoder({ reads: 'stereo' }), options)
  const loudIn = (left: number, right: number): Float32Array =>
    Float32Array.from([...speech('samples', [left], 1), ...speech('samples', [right], 2)])
  const kept = async (left: number, right: number): Promise<number> => {
    const inputs = { input_values: { type: 'float32', dims: [1, 2, 2 * FRAMES], data: loudIn(left, right) } } as const
    return (await runModel(thinned, inputs)).last_hidden_state?.dims[1] as number
  }
  expect(await kept(20, 60)).toBe(await kept(60, 0))
  expect(await kept(20, 10)).toBeLessThan(await kept(20, 60))
  expect(await kept(2 * FRAMES, 0)).toBe(TOKENS)
})

test.each(['MaxPool', 'AveragePool'] as const)(
  '%s between the convolutions is refused: what tokens are made from is not known',
  (pool) => {
    expect(() =>
      transform(speechEncoder({ reads: 'frames', pool }), prune({ method: thinPadding(), schedule: alone })),
    ).toThrow(expect.objectContaining({ code: 'TP_NO_SIGNAL', message: expect.stringContaining(pool) }))
  },
)

describe('exported encoders of speech', () => {
  for (const name of [
    'whisper-encoder-ts17',
    'wav2vec2-cls-ts17',
    'wavlm-cls-ts17',
    'ast-cls-ts17',
    'ast-cls-optimum',
  ]) {
    const folder = fixtureFolder(name)
    test(`${name}: silence after the first half is thinned, and without silence nothing is`, async () => {
      const model = openFixture(folder)
      const [input, tensor] = Object.entries(inputsOf(folder))[0] as [string, TensorLike]
      const thinned = pruned(model, { method: thinPadding({ every: 4, margin: 0 }), schedule: alone, trace: true })
      const dense = await runModel(model, { [input]: tensor })
      const same = await runModel(thinned, { [input]: tensor })
      for (const [output, { data }] of Object.entries(dense))
        expect(
          difference(Array.from(same[output]?.data as Float32Array), Array.from(data as Float32Array)),
          output,
        ).toBeLessThan(2e-5)
      const bands = name.startsWith('ast') ? (tensor.dims[2] as number) : 1
      const time = tensor.dims.at(bands > 1 ? 1 : -1) as number
      const floor = tensor.dims.length === 3 ? Math.min(...(tensor.data as Float32Array)) : 0
      const isHeard = (i: number): boolean => Math.floor(i / bands) % time < time / 2
      const data = Float32Array.from(tensor.data as Float32Array, (value, i) => (isHeard(i) ? value : floor))
      const silent = await runModel(thinned, { [input]: { ...tensor, data } })
      expect(silent['tp.trace.0.indices']?.dims[1]).toBeLessThan(same['tp.trace.0.indices']?.dims[1] as number)
    })
  }
  test('a model of texts is refused with the reason', () => {
    expect(() =>
      transform(openFixture(fixtureFolder('bert-cls-sdpa-ts14')), prune({ method: thinPadding(), schedule: alone })),
    ).toThrow(expect.objectContaining({ code: 'TP_NO_SIGNAL' }))
  })
})
