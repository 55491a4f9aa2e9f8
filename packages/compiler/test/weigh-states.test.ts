import { readFileSync } from 'node:fs'
import {
  and,
  cast,
  constant,
  cumSum,
  div,
  equal,
  input,
  layerNormalization,
  type Method,
  mean,
  mul,
  none,
  not,
  or,
  schedule,
  stride,
  sub,
  type Tensor,
  where,
} from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { decoderPath, type SpeechDecoderName, type SpeechPairName } from 'exported-decoders'
import { seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import {
  hasAllPositions,
  type PruneOptions,
  prune,
  quantize,
  readAnyStates,
  readsWeights,
  transform,
  weighedChannel,
  weighStates,
  withoutSilence,
} from '../src/index.ts'
import { inputsOf, plainEncoder, statesOf, type TestEncoderOptions } from './encoders.ts'
import { difference, float32, int64, numbers, rows, run } from './run.ts'

const [MELS, FRAMES, WIDTH, HEADS] = [8, 3000, 16, 4]
const open = (name: SpeechDecoderName | SpeechPairName): Model => decodeModel(readFileSync(decoderPath(name)))
const encoder = open('whisper-encoder')

/** Keeps every sixteenth position without a signal, and lets it count for sixteen, as `thin-padding` does. */
const thin: Method = {
  name: 'thin',
  family: 'hybrid',
  site: 'input',
  unscheduled: true,
  adaptive: true,
  reduce({ signal, size, attended, budget }) {
    if (budget === undefined) return { keep: attended }
    const position = sub(cumSum(cast(attended, 'int32'), 1), 1)
    const isKept = and(not(signal), equal(mul(div(position, 16), 16), position))
    return { keep: or(signal, isKept), mass: where(isKept, 16, size), proportional: true, aside: isKept }
  },
}

function thinned(restore: NonNullable<PruneOptions['restore']>): Model {
  return transform(encoder, prune({ method: thin, schedule: schedule(2, { layers: [0], keep: 1 }), restore })).model
}

/** Frames of noise, then silence: so many loud ones in each example. */
function sound(...loud: readonly number[]): NamedTensors {
  const normal = seeded(3)
  const example = (count: number): number[] =>
    Array.from({ length: MELS * FRAMES }, (_, i) => (i % FRAMES < count ? Math.abs(normal()) : -0.5))
  return { input_features: float32([loud.length, MELS, FRAMES], loud.flatMap(example)) }
}

let denseStates: Promise<NamedTensors> | undefined
/** The states of the dense encoder for `sound(900)`. */
const dense900 = (): Promise<NamedTensors> => (denseStates ??= run(encoder, sound(900)))

const weighedEncoder = thinned('weighed')
const channel = weighedChannel(weighedEncoder) as number

/** Kept states with weights in their channel, and as they are, each as often as its weight says; of one example. */
async function thinnedStates(
  frames: NamedTensors,
): Promise<{ weighed: TensorLike; plain: TensorLike; repeated: TensorLike; counts: number[] }> {
  const weighed = (await run(weighedEncoder, frames)).last_hidden_state as TensorLike
  const plain = numbers((await run(thinned('none'), frames)).last_hidden_state)
  const kept = weighed.dims[1] as number
  const counts = Array.from({ length: kept }, (_, i) =>
    Math.round(Math.exp(numbers(weighed)[i * WIDTH + channel] as number)),
  )
  const rows = counts.flatMap((count, i) =>
    Array.from({ length: count }, () => plain.slice(i * WIDTH, (i + 1) * WIDTH)),
  )
  return {
    ...{ weighed, counts },
    plain: float32(weighed.dims, plain),
    repeated: float32([1, rows.length, WIDTH], rows.flat()),
  }
}

/** The inputs of a decoder in its first step, or in the next one after `before`. */
function feeds(model: Model, states: TensorLike, tokens: readonly number[], before?: NamedTensors): NamedTensors {
  const [batch, count] = states.dims as [number, number, number]
  const entries = new Graph(model).inputs.map(({ name }): [string, TensorLike] => {
    if (name === 'input_ids') {
      return [name, int64([batch, tokens.length], Array.from({ length: batch }, () => tokens).flat())]
    }
    if (name === 'encoder_hidden_states') return [name, states]
    if (name === 'use_cache_branch') return [name, { type: 'bool', dims: [1], data: Uint8Array.of(before ? 1 : 0) }]
    const cached = before?.[name.replace('past_key_values', 'present')]
    const dims = [batch, HEADS, name.includes('.encoder.') ? count : 0, WIDTH / HEADS]
    return [name, cached ?? float32(dims, new Float32Array(dims.reduce((a, b) => a * b)))]
  })
  return Object.fromEntries(entries)
}

const weighing = (model: Model): Model => transform(model, weighStates({ encoder })).model
const weighingMerged = weighing(open('whisper-merged'))

/** Logits of three tokens, and of one more by keys and values of the first three; of the files for either. */
async function logits([first, next]: readonly [Model, Model], states: TensorLike): Promise<number[][]> {
  const prompt = await run(first, feeds(first, states, [5, 6, 7]))
  const step = await run(next, feeds(next, states, [9], prompt))
  return [numbers(prompt.logits), numbers(step.logits)]
}

describe('a decoder of thinned states', async () => {
  const { weighed, plain, repeated, counts } = await thinnedStates(sound(700))
  const forms = {
    'without past, then with past': [open('whisper-decoder'), open('whisper-past')],
    'merged, in both branches': [open('whisper-merged'), open('whisper-merged')],
  } as const

  test('gets a row for each position that was kept, and the number that it stands for', () => {
    expect(counts.length).toBeLessThan(500)
    expect(new Set(counts)).toEqual(new Set([1, 16]))
  })

  test.each(Object.entries(forms))('%s, gives what it gave to repeated rows', async (form, files) => {
    const weigh = (model: Model): Model => (form.startsWith('merged') ? weighingMerged : weighing(model))
    const expected = await logits(files, repeated)
    const got = await logits([weigh(files[0]), weigh(files[1])], weighed)
    for (const [i, values] of got.entries()) expect(difference(values, expected[i] as number[])).toBeLessThan(5e-5)
    // Rows that count once each are something else.
    expect(difference((await logits(files, plain))[0] as number[], expected[0] as number[])).toBeGreaterThan(1e-2)
  })

  test('gives it in 8 bits, too, whichever is done first', async () => {
    const dense = transform(open('whisper-merged'), quantize()).model
    const expected = await logits([dense, dense], repeated)
    const after = transform(weighingMerged, quantize()).model
    for (const model of [after, weighing(dense)]) {
      const got = await logits([model, model], weighed)
      for (const [i, values] of got.entries()) expect(difference(values, expected[i] as number[])).toBeLessThan(1e-3)
    }
  })

  test('does not read the rows that pad a shorter example of its batch', async () => {
    const model = weighingMerged
    const both = (await run(weighedEncoder, sound(700, 2400))).last_hidden_state as TensorLike
    const [first, next] = await logits([model, model], both)
    const [alone, nextAlone] = await logits([model, model], weighed)
    expect(difference((first as number[]).slice(0, (first as number[]).length / 2), alone as number[])).toBeLessThan(
      5e-5,
    )
    expect(difference((next as number[]).slice(0, (next as number[]).length / 2), nextAlone as number[])).toBeLessThan(
      5e-5,
    )
  })

  test('keeps the shapes of its caches, and has one input more where it read keys and values of states alone', () => {
    for (const name of ['whisper-decoder', 'whisper-past', 'whisper-merged'] as const) {
      const [before, after] = [new Graph(open(name)), new Graph(weighing(open(name)))]
      expect(after.outputs).toEqual(before.outputs)
      expect(after.inputs.slice(0, before.inputs.length)).toEqual(before.inputs)
      const added = after.inputs.slice(before.inputs.length)
      const states = {
        name: 'encoder_hidden_states',
        type: 'float32',
        dims: ['batch_size', 'encoder_sequence_length', WIDTH],
      }
      expect(added).toEqual(name === 'whisper-past' ? [states] : [])
    }
  })
})

test('a decoder that weighs reads states of an encoder that prunes nothing as it did', async () => {
  const whole = transform(encoder, prune({ method: none(), schedule: new Map(), restore: 'weighed' })).model
  const decoder = open('whisper-decoder')
  const read = async (from: Model, by: Model): Promise<number[]> => {
    const states = (await run(from, sound(900))).last_hidden_state as TensorLike
    return numbers((await run(by, feeds(by, states, [5, 6, 7]))).logits)
  }
  expect(difference(await read(whole, weighing(decoder)), await read(encoder, decoder))).toBeLessThan(5e-5)
})

describe('an encoder that thins padding, of frames without silence', () => {
  const loud = ({ input_features: frames }: NamedTensors): NamedTensors => ({
    input_features: withoutSilence(frames as TensorLike),
  })

  test('gives a decoder that weighs what all positions give one that does not', async () => {
    const decoder = open('whisper-decoder')
    const sounds = sound(700, 0)
    const outputs = await run(weighedEncoder, loud(sounds))
    expect([hasAllPositions(outputs), hasAllPositions(await run(weighedEncoder, sounds))]).toEqual([true, false])
    const dense = (await run(encoder, sounds)).last_hidden_state as TensorLike
    const states = outputs.last_hidden_state as TensorLike
    expect(states.dims).toEqual(dense.dims)
    const logitsOf = async (by: Model, read: TensorLike): Promise<number[]> =>
      numbers((await run(by, feeds(by, read, [5, 6, 7]))).logits)
    expect(difference(await logitsOf(weighing(decoder), states), await logitsOf(decoder, dense))).toBeLessThan(5e-5)
  })

  test('changes a frame only where its bands are alike, and there by a millionth', () => {
    const sounds = sound(700)
    const [before, after] = [sounds, loud(sounds)].map(({ input_features }) => numbers(input_features)) as [
      number[],
      number[],
    ]
    const differences = after.map((value, i) => Math.abs(value - (before[i] as number)))
    expect(differences.filter((own) => own > 0)).toHaveLength(FRAMES - 700)
    expect(Math.max(...differences)).toBeLessThan(2e-6)
  })
})

describe('where a method drops tokens and says nothing of weights', () => {
  const dropping: PruneOptions = { method: stride(), schedule: schedule(2, { layers: [0, 1], keep: 0.4 }) }

  test('a decoder gives what it gives to the row of its nearest kept neighbor at each position', async () => {
    const [near, weighed] = await Promise.all(
      (['nearest', 'weighed'] as const).map(async (restore) => {
        const { last_hidden_state } = await run(transform(encoder, prune({ ...dropping, restore })).model, sound(900))
        return last_hidden_state as TensorLike
      }),
    )
    expect([near?.dims[1], weighed?.dims[1]]).toEqual([1500, 240])
    const files = [open('whisper-merged'), open('whisper-merged')] as const
    const expected = await logits(files, near as TensorLike)
    const got = await logits([weighingMerged, weighingMerged], weighed as TensorLike)
    for (const [i, values] of got.entries()) expect(difference(values, expected[i] as number[])).toBeLessThan(5e-5)
  })

  const texts: TestEncoderOptions = { ...plainEncoder, layerCount: 3, pooling: 'none', head: (x) => x }

  test.each([
    ['by a number', { keep: 0.5 }, 'added'],
    ['by a share that differs by example', { mass: 0.6 }, 'added'],
    ['without a mask', { keep: 0.5 }, 'none'],
  ] as const)('rows count for the attended tokens that they are nearest to, %s', async (_, amount, mask) => {
    const options: TestEncoderOptions = { ...texts, mask }
    const model = decodeModel(emitModel({ states: statesOf(options).logits }, { opset: 17 }))
    const inputs = inputsOf(options, 3, 11, mask === 'none' ? 0 : 4)
    const pruned = async (restore: NonNullable<PruneOptions['restore']>): Promise<NamedTensors> => {
      const how = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], ...amount }), restore }
      return await run(transform(model, prune(how)).model, inputs)
    }
    const [near, none, weighed] = await Promise.all([pruned('nearest'), pruned('none'), pruned('weighed')])
    const width = near.states?.dims[2] as number
    const rowsOf = (tensor: TensorLike | undefined): string[][] =>
      rows(tensor).map((own) =>
        Array.from({ length: own.length / width }, (_, i) =>
          own
            .slice(i * width, (i + 1) * width)
            .map((value) => value.toFixed(4))
            .join(' '),
        ),
      )
    const attended = inputs.attention_mask && rows(inputs.attention_mask)
    const [whole, compact] = [rowsOf(near.states), rowsOf(none.states)]
    const isToken = rows(weighed['tp.mask'])
    for (const [example, weights] of rows(weighed['tp.weights']).entries()) {
      const counts = compact[example]?.map(
        (row, slot) =>
          isToken[example]?.[slot] === 1 &&
          whole[example]?.filter((own, i) => own === row && attended?.[example]?.[i] !== 0).length,
      )
      expect(weights.map((weight) => weight > -100 && Math.round(Math.exp(weight)))).toEqual(counts)
    }
  })

  test('a row counts for those that are merged into it, however far away', async () => {
    const model = decodeModel(emitModel({ states: statesOf({ ...texts, mask: 'none' }).logits }, { opset: 17 }))
    const inputs = inputsOf({ ...texts, mask: 'none' }, 2, 11, 0)
    // Token 1 is merged into the last one; 2 is dropped.
    const merging: Method = {
      name: 'merging',
      family: 'hybrid',
      reduce: ({ budget, attended, position }) => {
        if (budget === undefined) return { keep: attended }
        const isAt = (token: number): Tensor => equal(position, token)
        return {
          keep: budget.select(where(or(isAt(1), isAt(2)), -1, 1)),
          into: where(isAt(1), 10, -1),
          mass: 'none',
        }
      },
    }
    const how = { method: merging, schedule: schedule(3, { layers: [1], remove: 2 }), restore: 'weighed' } as const
    const { 'tp.weights': weights } = await run(transform(model, prune(how)).model, inputs)
    const counts = rows(weights).map((own) => own.map((weight) => Math.round(Math.exp(weight))))
    expect(counts).toEqual([
      [1, 2, 1, 1, 1, 1, 1, 1, 2],
      [1, 2, 1, 1, 1, 1, 1, 1, 2],
    ])
  })
})

test.each([
  ['whisper-fixed', 30],
  ['whisper-merged-fixed', 16],
] as const)('%s, which was exported for %d states, weighs them after it was repaired', async (name, count) => {
  const weights = [1, 3, 2]
  const rows = numbers((await dense900()).last_hidden_state)
  const row = (i: number): number[] => rows.slice(i * WIDTH, (i + 1) * WIDTH)
  const kept = Array.from({ length: count / 2 }, (_, i) => weights[i % 3] as number)
  const weighed = kept.flatMap((weight, i) => row(i).map((value, at) => (at === channel ? Math.log(weight) : value)))
  const repeated = kept.flatMap((weight, i) => Array.from({ length: weight }, () => row(i)).flat())
  const any = transform(open(name), readAnyStates()).model
  const { model } = transform(open(name), readAnyStates(), weighStates({ encoder }))
  const read = async (by: Model, values: number[]): Promise<number[]> =>
    numbers((await run(by, feeds(by, float32([1, values.length / WIDTH, WIDTH], values), [5, 6, 7]))).logits)
  expect(difference(await read(model, weighed), await read(any, repeated))).toBeLessThan(5e-5)
})

describe('the channel', () => {
  const [scale, shift] = [
    [0.5, 2, -0.1, 1],
    [0.3, 0, 1, -1],
  ]
  const x = input('x', 'float32', ['b', 'n', 4])
  const normal = layerNormalization(x, constant(scale, 'float32', [4]), constant(shift, 'float32', [4]), 1e-5)
  // Four heads of states of four channels.
  const decoder = open('whisper-decoder')
  const channelOf = (opset: number): number | undefined =>
    readsWeights(
      transform(
        decoder,
        weighStates({ encoder: decodeModel(emitModel({ last_hidden_state: wide(normal) }, { opset })) }),
      ).model,
    )
  const wide = (states: typeof normal): typeof normal => states

  test('a norm is found as one operator, and written out', () => {
    // Those of the encoder itself.
    expect(readsWeights(weighing(decoder))).toBe(channel)
    expect(() => channelOf(17)).toThrow(expect.objectContaining({ code: 'TP_STATES' }))
    expect(() => channelOf(14)).toThrow(/reads states of 16 channels, and the encoder gives 4/)
  })

  test('states that are not centered are refused', () => {
    const plain = mul(div(x, mean(mul(x, x), 2, { keepDims: true })), constant(scale, 'float32', [4]))
    const other = decodeModel(emitModel({ last_hidden_state: plain }, { opset: 17 }))
    expect(() => transform(decoder, weighStates({ encoder: other }))).toThrow(
      expect.objectContaining({ code: 'TP_STATES', message: expect.stringContaining('LayerNorm') }),
    )
  })
})

test('models that cannot be changed are refused, with the reason', () => {
  const refused = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'done'
  }
  expect(refused(() => weighing(weighingMerged))).toBe('TP_WEIGHED')
  expect(refused(() => weighing(encoder))).toBe('TP_DECODER')
  expect(refused(() => transform(open('whisper-decoder'), weighStates({ encoder: open('whisper-past') })))).toBe(
    'TP_STATES',
  )
  expect(refused(() => transform(open('whisper-decoder'), weighStates({ encoder: 'file' as never })))).toBe('TP_OPTION')
  expect(refused(() => transform(weighedEncoder, prune({ method: none(), schedule: new Map() })))).toBe('TP_PRUNED')
})
