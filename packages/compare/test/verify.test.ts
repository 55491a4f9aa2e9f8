import { readFileSync } from 'node:fs'
import { inspect, leaveOut, type PruneOptions, prune, quantize, transform } from '@tp/compiler'
import {
  abs,
  add,
  cast,
  input,
  mean,
  mul,
  neg,
  none,
  type Schedule,
  schedule,
  scorer,
  sin,
  sub,
  sum,
  type Tensor,
  TpError,
} from '@tp/core'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import {
  cloneModel,
  createNode,
  decodeModel,
  emitModel,
  encodeModel,
  Graph,
  type Model,
  readTensor,
  writeTensor,
} from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { type Verification, type VerifyOptions, verify } from '../src/index.ts'
import { inputRoles } from '../src/inputs/input-shapes.ts'
import { trialsFor } from '../src/verify/trials.ts'

const node = nodeRuntime()
/** Sessions have one thread: a pool for each would wait busily for its next run. */
const runtime: Runtime = { ...node, load: (model, options) => node.load(model, { threads: 1, ...options }) }
/** The first half of the mail model. */
const source = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [3, 4, 5] })).model

type Change = (outputs: NamedTensors, inputs: NamedTensors) => NamedTensors

/** A runtime of sessions whose outputs are changed on the way. */
function changing(change: Change): Pick<Runtime, 'load'> {
  return {
    async load(from, options): Promise<Session> {
      const session = await runtime.load(from, options)
      return { ...session, run: async (inputs, how) => change(await session.run(inputs, how), inputs) }
    },
  }
}

/** The verification of a model of which nothing is changed but its answers. */
async function same(
  changedRuntime: Pick<Runtime, 'load'>,
  options: Partial<VerifyOptions> = {},
): Promise<Verification> {
  return await verify(cloneModel(source), source, { runtime, changedRuntime, ...options })
}

/** Logits of all rows but the longest. */
function spoilShort(value: number): (outputs: NamedTensors, inputs: NamedTensors) => NamedTensors {
  return ({ logits }, { attention_mask: mask }) => {
    if (logits === undefined || mask === undefined) throw new Error('not the mail model')
    const data = Float32Array.from(logits.data as Float32Array)
    const [rows = 1, tokens = 1] = mask.dims
    for (let row = 0; row < rows; row++) {
      const isPadded = Array.from(mask.data.slice(row * tokens, (row + 1) * tokens), Number).includes(0)
      if (isPadded) data.fill(value, 2 * row, 2 * row + 2)
    }
    return { logits: { ...logits, data } }
  }
}

describe('trials of a text encoder', () => {
  const trials = trialsFor(source, inputRoles(source))

  test('hold every example alone, in a batch where lengths are equal, and padded on either side', () => {
    expect(trials.map(({ arrangement, examples }) => [arrangement, examples.length])).toEqual([
      ...Array.from({ length: 6 }, () => ['alone', 1]),
      ['padded right', 6],
      ['padded left', 6],
      ['in a batch', 2],
    ])
  })

  test('have the same tokens at the end of a row that is padded on the left', () => {
    const { inputs: left = {}, examples = [] } = trials[7] ?? {}
    const [short] = examples.filter(({ length }) => length === 3)
    const alone = trials.find(
      ({ examples: [only], arrangement }) => arrangement === 'alone' && only?.example === short?.example,
    )
    const row = left.input_ids?.data.slice(4 * 16, 5 * 16)
    expect(row?.slice(13)).toEqual(alone?.inputs.input_ids?.data)
    expect(left.attention_mask?.data.slice(4 * 16, 5 * 16)).toEqual(
      BigInt64Array.from([...Array(13).fill(0), 1, 1, 1], BigInt),
    )
  })
})

test('the mask of a recording has an entry for each sample, whatever its axis is called', () => {
  const samples = input('input_values', 'float32', ['batch', 'samples'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const model = decodeModel(emitModel({ loudness: mul(mean(samples, 1), mean(cast(mask, 'float32'), 1)) }))
  const [trial] = trialsFor(model, inputRoles(model))
  expect(trial?.inputs.attention_mask?.dims).toEqual(trial?.inputs.input_values?.dims)
})

describe('verify, of a change that is exact', () => {
  test('compares texts of many lengths, of one token and of as many as the model takes', async () => {
    const { model } = transform(source, prune({ method: none(), schedule: new Map() }))
    const verification = await verify(model, source, { runtime, budget: 60_000 })
    expect(verification).toMatchObject({
      // The class token is at position 0, which is padding in a row that is padded on the left.
      arrangements: ['alone', 'in a batch', 'padded right'],
      lengths: [1, 3, 4, 5, 7, 9, 11, 13, 16, 512],
    })
    expect(verification.difference).toBeLessThan(1e-5)
  })

  test('begins no further examples when time is over', async () => {
    const { examples, arrangements } = await same(runtime, { budget: 0 })
    expect(arrangements).toContain('padded right')
    expect(examples).toBe(6)
  })

  test('refuses a model that is wrong in padded rows alone', async () => {
    await expect(same(changing(spoilShort(0.5)))).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(
        /output "logits" of example \d, padded right, differs from .* defect of the toolkit/,
      ),
    })
  })

  test('refuses a model that gives NaN in padded rows alone', async () => {
    await expect(same(changing(spoilShort(Number.NaN)))).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('output "logits" is NaN'),
    })
  })

  test('refuses a model that does not run where its source does', async () => {
    const failing = changing(() => {
      throw new TpError('TP_RUN', 'node', 'a size does not fit')
    })
    await expect(same(failing)).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('does not run on an example alone, where its source does'),
    })
  })

  test('expects minus infinity where the source has it, and nowhere else', async () => {
    const hidden = changing(spoilShort(Number.NEGATIVE_INFINITY))
    await expect(same(hidden, { runtime: hidden })).resolves.toMatchObject({ difference: 0 })
    await expect(same(runtime, { runtime: hidden })).rejects.toMatchObject({ code: 'TP_VERIFY' })
    await expect(same(hidden)).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('output "logits" is -Infinity'),
    })
  })

  test('refuses a row of padding that is 0 in the source and not in the changed model', async () => {
    const { model } = addedOutput()
    const withRows = (atPadding: number): Pick<Runtime, 'load'> =>
      changing((outputs, { attention_mask: mask }) => {
        const real = Array.from(mask?.data as BigInt64Array, Number)
        const data = Float32Array.from(real, (isReal) => (isReal === 1 ? 0.5 : atPadding))
        return { ...outputs, vectors: { type: 'float32', dims: [...(mask?.dims ?? []), 1], data } }
      })
    const rows = (before: number, after: number) =>
      verify(cloneModel(model), model, { runtime: withRows(before), changedRuntime: withRows(after) })
    await expect(rows(0, 0)).resolves.toBeDefined()
    await expect(rows(0.1, 0.2)).resolves.toBeDefined()
    await expect(rows(0, 0.2)).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/output "vectors" is 0.2\d* at padding, where the source has 0/),
    })
  })

  test('compares nothing where the source itself is not finite, and blames it where that is everywhere', async () => {
    const broken = changing(spoilShort(Number.NaN))
    expect((await same(runtime, { runtime: broken })).arrangements).toEqual(['alone', 'in a batch'])
    const all = changing(({ logits }) => ({
      logits: { ...logits!, data: new Float32Array(logits!.data.length).fill(Number.NaN) },
    }))
    await expect(same(runtime, { runtime: all })).rejects.toMatchObject({ code: 'TP_DENSE' })
  })

  test('holds a file in 8 bits to what its own answers change by', async () => {
    const eightBits = decodeModel(readFileSync(modelPath('mail', 'int8')))
    const { rounding } = await verify(cloneModel(eightBits), eightBits, { runtime })
    expect(rounding).toBe(0)
    await expect(
      verify(cloneModel(eightBits), eightBits, { runtime, changedRuntime: changing(spoilShort(5)) }),
    ).rejects.toMatchObject({ code: 'TP_VERIFY', message: expect.stringContaining('rounding in 8 bits') })
  })
})

/** The mail model with a further output that has a row for each token. */
function addedOutput(): { readonly model: Model } {
  const model = cloneModel(source)
  const graph = new Graph(model)
  graph.addOutput('vectors', 'float32', ['batch', 'sequence', 1])
  const [states] = graph.nodes.flatMap(({ opType, output }) =>
    opType === 'LayerNormalization' ? [output[0] as string] : [],
  )
  graph.insert([
    createNode({
      type: 'ReduceMean',
      name: 'vectors',
      inputs: [states as string],
      outputs: ['vectors'],
      attributes: { axes: [-1] },
    }),
  ])
  graph.sortTopologically()
  return { model }
}

/** The mail model, whose output are the states of its last layer. */
function embedder(): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const found = inspect(model)
  const states = found.ok ? (found.layers.at(-1)?.output as string) : ''
  for (const { name } of graph.outputs) graph.removeOutput(name)
  graph.addOutput(states, 'float32', ['batch', 'sequence', 128])
  graph.removeDeadNodes()
  return model
}

describe('verify, of a file in 8 bits', () => {
  const eightBits = (activations: 'token' | 'tensor'): Model => transform(source, quantize({ activations })).model

  test('refuses one whose padded rows are far from those alone', async () => {
    const { rounding } = await verify(eightBits('tensor'), source, { runtime })
    expect(rounding).toBeGreaterThan(1e-3)
    await expect(
      verify(eightBits('tensor'), source, { runtime, changedRuntime: changing(spoilShort(100)) }),
    ).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/^\[compare\].* padded right, outputs/),
    })
  })

  test('refuses one whose answers are far from those of its source', async () => {
    const reversed = changing(({ logits }) => ({
      logits: { ...logits!, data: Float32Array.from(logits!.data as Float32Array, (x) => -x) },
    }))
    // Not of those that are the source, but for rounding.
    const isEight = ({ proto }: Model): boolean =>
      proto.graph?.initializer.some(({ dataType }) => dataType === 3) ?? false
    const load: VerifyOptions['load'] = (model) => (isEight(model) ? reversed : runtime).load(encodeModel(model))
    await expect(verify(eightBits('token'), source, { runtime, load })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('which rounding does not explain'),
    })
  })

  test('takes one that keeps other tokens, where the source does so with its numbers changed a little', async () => {
    const method = scorer({
      name: 'mine',
      family: 'attention',
      signed: true,
      score: ({ key }) => sin(mul(mean(key, [1, 3]), 1e8)),
    })
    const pruned = transform(
      embedder(),
      prune({ method, schedule: schedule(3, { keep: 0.1, layers: [1] }), restore: 'none' }),
    ).model
    const { rounding } = await verify(transform(pruned, quantize()).model, pruned, { runtime, budget: 0 })
    expect(rounding).toBeGreaterThan(0.25)
  })

  test('refuses one whose weights are not those of the source, rounded', async () => {
    const model = eightBits('token')
    const weights = model.proto.graph?.initializer.find(
      ({ name, dims }) => name.endsWith('_quantized') && dims.length === 2,
    )
    if (weights === undefined) throw new Error('no weights are in 8 bits')
    weights.rawData = weights.rawData.map((byte, i) => (i === 0 ? byte ^ 2 : byte))
    await expect(verify(model, source, { runtime })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('these 8-bit weights are not those of the source, rounded'),
    })
  })

  test('holds one that rounds each token by itself to the answers that it gives alone', async () => {
    expect(await verify(eightBits('token'), source, { runtime })).toHaveProperty('rounding')
    const byBatch: Pick<Runtime, 'load'> = {
      load: (_, options) => runtime.load(encodeModel(eightBits('tensor')), options),
    }
    await expect(verify(eightBits('token'), source, { runtime, changedRuntime: byBatch })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/answers differ from those alone by .* although each token is rounded by itself/),
    })
  })
})

describe('verify, of pruned tokens', () => {
  type Score = Parameters<typeof scorer>[0]['score']
  const amount: Schedule = schedule(3, { keep: 0.6, layers: [1] })

  async function verified(model: Model, score: Score, options: Partial<PruneOptions> = {}): Promise<Verification> {
    const method = scorer({ name: 'mine', family: 'attention', score })
    const changed = transform(model, prune({ method, schedule: amount, ...options })).model
    return await verify(changed, model, { runtime, methods: [{ method }], budget: 60_000 })
  }

  test('compares them with every token kept, and counts the examples that get the same answer in a batch', async () => {
    const verification = await verified(source, (site) => site.received)
    expect(verification.difference).toBeLessThan(1e-5)
    expect(verification.invariance).toEqual({ 'in a batch': 4, 'padded right': 14 })
  })

  test('refuses a method that reads other examples', async () => {
    await expect(
      verified(source, (site) => mul(site.received, mean(site.received, 0, { keepDims: true }))),
    ).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/\[plugin mine\] \d of \d+ examples get other answers .* than alone/),
    })
  })

  describe('where another change follows', () => {
    /** The mail model, pruned by what a method makes of keys; `nudged`: its norms by as much as sums in another order differ. */
    function prunedBy(byKeys: (mean: Tensor) => Tensor, nudged: boolean): Model {
      const method = scorer({
        name: 'mine',
        family: 'attention',
        signed: true,
        score: ({ key }) => mean(byKeys(key), [1, 3]),
      })
      const { model } = transform(source, prune({ method, schedule: amount }))
      for (const tensor of model.proto.graph?.initializer ?? []) {
        if (!nudged || tensor.dims.length !== 1 || tensor.dataType !== 1) continue
        const { dims, data } = readTensor(tensor)
        const moved = Float32Array.from(data as Float32Array, (value, i) => value * (1 + (i % 2 === 0 ? 4e-7 : -4e-7)))
        Object.assign(tensor, writeTensor({ type: 'float32', dims, data: moved }, tensor.name))
      }
      return model
    }
    /** Depends on the last bits alone. */
    const lastBits = (key: Tensor): Tensor => sin(mul(key, 1e8))

    test('takes other tokens where rounding decides which are kept', async () => {
      const { nearTies } = await verify(prunedBy(lastBits, true), prunedBy(lastBits, false), { runtime })
      expect(nearTies).toBeGreaterThan(0)
      const steady = await verify(prunedBy(neg, true), prunedBy(neg, false), { runtime })
      expect(steady).not.toHaveProperty('nearTies')
    })

    test.each([
      ['', neg],
      ['farther than rounding moves them, ', lastBits],
    ])('refuses answers that are %swrong', async (_, byKeys) => {
      const changedRuntime = changing(spoilShort(100))
      const same = verify(prunedBy(byKeys, false), prunedBy(byKeys, false), { runtime, changedRuntime })
      await expect(same).rejects.toMatchObject({
        code: 'TP_VERIFY',
        message: expect.stringContaining('differs from that'),
      })
    })
  })

  describe('where rows of pruned tokens are left out', () => {
    const source = embedder()
    test('compares the rows of real tokens, which the mask shows', async () => {
      const { invariance } = await verified(source, (site) => site.received, { restore: 'none' })
      expect(invariance).toEqual({ 'in a batch': 4, 'padded right': 14 })
    })

    test('refuses a method that keeps others of them next to padding', async () => {
      // Those are kept that are as far from the start as padding is long.
      const score: Score = ({ position, padding }) =>
        neg(abs(sub(position, add(sum(cast(padding, 'float32'), 1, { keepDims: true }), 2))))
      await expect(verified(source, score, { restore: 'none' })).rejects.toMatchObject({
        code: 'TP_VERIFY',
        message: expect.stringContaining('padded right than alone'),
      })
    })
  })
})
