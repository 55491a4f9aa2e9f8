import { readFileSync } from 'node:fs'
import { type Amount, type Method, quasiRandom, random, streaming, stride, truncate } from '@tp/core'
import { keptCount } from '@tp/core/host'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { ats, clsAttention, keyDiff, lastQuery, receivedAttention, snapKv, valueAware } from '@tp/method-attention'
import { cloneModel, createNode, decodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath, nextFeeds, saidByTorch } from 'exported-decoders'
import { openModel } from 'exported-encoders'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findDecoder, residualOf } from '../src/analyze/decoder.ts'
import { inspectDecoder, lastLogits, prunePrompt, quantizeCaches, transform } from '../src/index.ts'
import { openModel as openProgram } from '../src/normalize/open.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

function pruned(model: Model, method: Method, amount: Amount, leastTokens = 0): Model {
  const result = transform(model, prunePrompt({ method, amount, layer: 0, leastTokens }))
  return result.model
}

const all: Amount = { kind: 'ratio', value: 1 }
const six: Amount = { kind: 'tokens', value: 6 }
const allButThree: Amount = { kind: 'remove', value: 3 }

/** Decoders with an input for positions: their later layers can be run alone. */
const withPositions = ['gpt2', 'llama', 'phi', 'qwen3'] as const
/** Decoders that count them, written out and by one operator. */
const counting = ['falcon', 'gemma3', 'llama-fused-fp32', 'llama-fused-int4'] as const

function expectClose(actual: NamedTensors, expected: NamedTensors): void {
  for (const [name, { dims, data }] of Object.entries(expected)) {
    expect(actual[name]?.dims, name).toEqual(dims)
    const now = actual[name]?.data as Float32Array
    const far = Array.from(data as Float32Array, (x, i) => Math.abs(x - (now[i] as number)))
    expect(Math.max(0, ...far), name).toBeLessThan(2e-5)
  }
}

describe.each([...withPositions, ...counting])('%s', (name) => {
  const isFused = name.includes('fused')

  test('gives the same where every token is kept: for a prompt, one token after it, and a further turn', async () => {
    const model = open(name)
    const exact = transform(model, lastLogits())
    await using dense = await openModel(exact.model)
    // The scored tokens are not the kept ones: two ways of scoring where attention is written out, and where it is one operator.
    for (const method of name.startsWith('llama') ? [lastQuery(), keyDiff(), snapKv({ window: 3 })] : [lastQuery()]) {
      await using kept = await openModel(pruned(model, method, all))
      let feeds = decoderFeeds(model, isFused ? { batch: 1, tokens: 9 } : { batch: 2, tokens: 9, padding: 3 })
      for (const tokens of [1, 3, 0]) {
        const expected = await dense.run(feeds)
        expectClose(await kept.run(feeds), expected)
        if (tokens > 0) feeds = nextFeeds(model, feeds, expected, tokens)
      }
    }
  })
})

/** The six of twelve tokens that `streaming` with two sinks keeps. */
const kept = [0, 1, 8, 9, 10, 11]

test.each(counting)(
  '%s gives later caches the keys and values of the kept tokens as they are, at their positions',
  async (name) => {
    const model = open(name)
    await using dense = await openModel(model)
    await using session = await openModel(pruned(model, streaming({ sinks: 2 }), six))
    const feeds = decoderFeeds(model, { batch: 1, tokens: 12 })
    const [expected, actual] = [await dense.run(feeds), await session.run(feeds)]
    for (const output of ['present.1.key', 'present.1.value']) {
      expectClose(
        { [output]: actual[output] as TensorLike },
        { [output]: ofTokens(expected[output] as TensorLike, kept) },
      )
    }
  },
)

test.each(withPositions)('%s computes in later layers what these compute of the kept tokens alone', async (name) => {
  const model = open(name)
  await using session = await openModel(pruned(model, streaming({ sinks: 2 }), six))
  const feeds = decoderFeeds(model, { batch: 1, tokens: 12 })
  expectClose(await session.run(feeds), await laterLayers(model, feeds))
})

describe.each(Object.entries(saidByTorch()))('%s in PyTorch', (name, { all: dense, some }) => {
  test.each([
    ['as it is', dense, (model: Model) => model],
    ['with some tokens in later layers', some, (model: Model) => pruned(model, streaming({ sinks: 2 }), six)],
  ])('says of a prompt, and of a token after it, what the file does: %s', async (_, said, change) => {
    const model = open(name as DecoderName)
    await using session = await openModel(change(model))
    let feeds = decoderFeeds(model, { batch: 1, tokens: 12 })
    for (const expected of said) {
      const answer = await session.run(feeds)
      const last = (answer.logits as TensorLike).data.slice(-expected.length) as Float32Array
      const far = Array.from(last, (logit, i) => Math.abs(logit - (expected[i] as number)))
      expect(Math.max(...far)).toBeLessThan(5e-6)
      feeds = nextFeeds(model, feeds, answer, 1)
    }
  })
})

/**
 * The results of the layers after the first for some tokens alone: the model's own graph, from the states after the first
 * attention on.
 */
async function laterLayers(source: Model, feeds: NamedTensors): Promise<NamedTensors> {
  const { program } = openProgram(source)
  const decoder = findDecoder(program)
  const stream = residualOf(program, decoder.layers[0].attention)?.sum as string
  const { dtype, dims } = program.tensor(stream)

  const first = new Graph(cloneModel(program.model))
  first.addOutput(stream, dtype, [undefined, undefined, undefined])
  await using front = await openModel(first.model)
  const states = (await front.run(feeds))[stream] as TensorLike

  const later = new Graph(cloneModel(program.model))
  later.addInput('states', dtype, [undefined, undefined, dims[2] as number])
  later.replaceAllUses(stream, 'states')
  for (const { present } of [decoder.layers[0].keys, decoder.layers[0].values]) later.removeOutput(present)
  later.removeDeadNodes()
  await using back = await openModel(later.model)
  const some = Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims.length === 2 ? rows(tensor, kept, 1) : tensor]),
  )
  const { logits, ...caches } = await back.run({ ...some, states: rows(states, kept, dims[2] as number) })
  return { ...caches, logits: rows(logits as TensorLike, [kept.length - 1], (logits as TensorLike).dims[2] as number) }
}

/** Rows of the one example of [1,n,·] or [1,n]. */
function rows({ type, dims, data }: TensorLike, chosen: readonly number[], width: number): TensorLike {
  const size = chosen.length * width
  const result = data.slice(0, size) as Float32Array
  for (const [i, row] of chosen.entries())
    result.set(data.slice(row * width, (row + 1) * width) as Float32Array, i * width)
  return { type, dims: dims.with(1, chosen.length), data: result } as TensorLike
}

/** Tokens of a cache [1,g,n,d]. */
function ofTokens({ type, dims, data }: TensorLike, chosen: readonly number[]): TensorLike {
  const [, heads = 1, tokens = 1, size = 1] = dims
  const picked = Array.from({ length: heads }, (_, head) =>
    chosen.map((token) => (head * tokens + token) * size),
  ).flat()
  const numbers = picked.flatMap((start) => Array.from(data.slice(start, start + size) as Float32Array))
  return { type, dims: dims.with(2, chosen.length), data: Float32Array.from(numbers) } as TensorLike
}

describe.each(['left', 'right'] as const)('padding on the %s', (side) => {
  const tokens = 12

  /** The last example alone, without its padding. */
  const alone = (feeds: NamedTensors, padding: number): NamedTensors =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims, data }]) => {
        const [, length = 0, ...others] = dims
        if (dims.length > 2) return [name, { type, dims: [1, length, ...others], data: data.slice(0, 0) } as TensorLike]
        const begin = data.length - length + (side === 'left' ? padding : 0)
        const own = data.slice(begin, begin + length - padding)
        return [name, { type, dims: [1, own.length], data: own } as TensorLike]
      }),
    )

  /** The last of two examples, of some lengths, says the same alone and in a batch: of a prompt, of tokens after it, and of a further turn. */
  async function expectSame(model: Model, amount: Amount, least = 0): Promise<void> {
    await using session = await openModel(model)
    for (const padding of [side === 'left' ? 3 : 8]) {
      let together = decoderFeeds(model, { batch: 2, tokens, padding, side })
      let single = alone(together, padding)
      for (const [step, next] of [1, 1, 5, 1].entries()) {
        const [many, one] = [await session.run(together), await session.run(single)]
        expectClose({ logits: ofLast(many.logits as TensorLike) }, { logits: one.logits as TensorLike })
        const real = tokens - padding
        if (step === 0 && amount !== all)
          expect(keptOfLast(many)).toBe(Math.max(keptCount(real, amount) as number, Math.min(real, least)))
        together = nextFeeds(model, together, many, next)
        const ids = (together.input_ids as TensorLike).data.slice(next)
        const own = { type: 'int64', dims: [1, next], data: ids } as TensorLike
        single = { ...nextFeeds(model, single, one, next), input_ids: own }
      }
    }
  }

  const half: Amount = { kind: 'ratio', value: 0.5 }
  /** Counts by caches are wrong there in the decoder itself. */
  const counted = side === 'left' ? (['falcon', 'gemma3'] as const) : []
  /** Every other method on this side, the others on the other. */
  const turn = side === 'left' ? 0 : 1
  const cases: readonly (readonly [DecoderName, Method, Amount])[] = [
    ...[...withPositions.filter((_, i) => i % 2 === turn), ...counted].map(
      (name) => [name, receivedAttention(), half] as const,
    ),
    ...[valueAware(), lastQuery(), snapKv({ window: 3 }), keyDiff(), random(), stride(), quasiRandom()].flatMap(
      (method, i) => (i % 2 === turn ? [['llama', method, [half, six, allButThree][i % 3] as Amount] as const] : []),
    ),
    ['qwen3', truncate(), half],
    ['phi', streaming({ sinks: 2 }), six],
    ['gpt2', clsAttention(), half],
    ['llama', lastQuery(), all],
  ]
  const titled = cases.map(([name, method, amount]) => ({
    title: `${name}, ${method.name}, ${amount.kind} ${amount.value}`,
    model: () => pruned(open(name), method, amount),
    amount,
  }))

  test('changes nothing where a least number of tokens is kept', () =>
    expectSame(pruned(open('llama'), lastQuery(), half, 5), half, 5))

  test.each(titled)('changes neither the kept tokens nor the answers: $title', ({ model, amount }) =>
    expectSame(model(), amount),
  )

  test('changes nothing where a window counts real tokens', () =>
    expectSame(pruned(withWindow(open('llama'), 3), lastQuery(), half), half))

  test('changes nothing where caches are of 8 bits', async () => {
    const stored = transform(pruned(open('llama'), lastQuery(), half), quantizeCaches())
    await expectSame(stored.model, half)
  })
})

/** A decoder in which a token sees the last `width` real ones alone, by positions that are counted in the mask. */
function withWindow(model: Model, width: number): Model {
  const graph = new Graph(cloneModel(model))
  const shown = graph.nodes.findLast(({ opType }) => opType === 'And') as NodeProto
  for (const [name, value] of Object.entries({ axis: 1, rows: 2, heads: 1, width }))
    graph.addInitializer(`window/${name}`, { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(value)) })
  const add = (type: string, ...inputs: string[]): string => {
    const name = graph.uniqueName(`window/${type}`)
    graph.insert([createNode({ type, name, inputs, outputs: [name] })])
    return name
  }
  // Counted from 1, so that the last real token is as far as the position is, and one.
  const keys = add('Unsqueeze', add('CumSum', 'attention_mask', 'window/axis'), 'window/heads')
  const queries = add('Unsqueeze', 'position_ids', 'window/rows')
  const isNear = add('Greater', add('Add', keys, 'window/width'), add('Add', queries, 'window/heads'))
  const [whole] = shown.output as [string]
  const seen = add('And', whole, add('Unsqueeze', isNear, 'window/heads'))
  graph.replaceAllUses(whole, seen, { except: [graph.producer(seen) as NodeProto] })
  graph.sortTopologically()
  return graph.model
}

/** Of two examples the last one. */
function ofLast({ type, dims, data }: TensorLike): TensorLike {
  return { type, dims: dims.with(0, 1), data: data.slice(data.length / 2) } as TensorLike
}

/** How many tokens of the last example the cache after the cut holds: other slots have keys of zeros. */
function keptOfLast(answer: NamedTensors): number {
  const { dims, data } = ofLast(answer['present.1.key'] as TensorLike)
  const [, heads = 1, slots = 1, size = 1] = dims
  const numbers = Array.from(data as Float32Array).slice((heads - 1) * slots * size)
  return Array.from({ length: slots }, (_, slot) => numbers.slice(slot * size, (slot + 1) * size)).filter((key) =>
    key.some((x) => x !== 0),
  ).length
}

test.each(['left', 'right'] as const)(
  'an operator that counts tokens refuses to run a pruned prompt with padding on the %s',
  async (side) => {
    for (const name of ['llama-fused-fp32', 'llama-fused-int4'] as const) {
      const model = open(name)
      await using session = await openModel(pruned(model, streaming({ sinks: 2 }), six))
      const feeds = decoderFeeds(model, { batch: 2, tokens: 12, padding: 1, side })
      await expect(session.run(feeds)).rejects.toThrow(/seqlens_k\[1\] = -\d+ is out of range/)
      await session.run(decoderFeeds(model, { batch: 2, tokens: 12 }))
    }
  },
)

describe('a least number of tokens', () => {
  const half: Amount = { kind: 'ratio', value: 0.5 }

  test('limits what is pruned of each prompt and of each turn', async () => {
    const model = open('llama')
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(half, six, allButThree),
        fc.integer({ min: 0, max: 16 }),
        fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 3 }),
        async (amount, least, turns) => {
          await using session = await openModel(pruned(model, lastQuery(), amount, least))
          let feeds = decoderFeeds(model, { batch: 1, tokens: turns[0] as number })
          let held = 0
          for (const [turn, count] of turns.entries()) {
            const answer = await session.run(feeds)
            held += Math.max(keptCount(count, amount) as number, Math.min(count, least))
            expect(answer['present.1.key']?.dims[2]).toBe(held)
            feeds = nextFeeds(model, feeds, answer, turns[turn + 1] ?? 1)
          }
        },
      ),
      { numRuns: 8 },
    )
  })

  test('equals 512 by default, so that a prompt of 512 tokens is computed as by the decoder', async () => {
    const model = open('llama')
    const byDefault = transform(model, prunePrompt({ method: lastQuery(), amount: half, layer: 0 })).model
    expect(inspectDecoder(byDefault)).toMatchObject({ prompt: { leastTokens: 512 } })
    await using dense = await openModel(transform(model, lastLogits()).model)
    await using session = await openModel(byDefault)
    const feeds = decoderFeeds(model, { batch: 1, tokens: 512 })
    expectClose(await session.run(feeds), await dense.run(feeds))
    const longer = await session.run(decoderFeeds(model, { batch: 1, tokens: 513 }))
    expect(longer['present.1.key']?.dims[2]).toBe(512)
  })

  test.each([-1, 0.5, '512'])('refuses %j as a least number', (leastTokens) => {
    const pruning = { method: lastQuery(), amount: half, layer: 0, leastTokens } as never
    expect(() => transform(open('llama'), prunePrompt(pruning))).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  })
})

test('inspectDecoder reports a pruned prompt, which is pruned no further', () => {
  const model = pruned(open('llama'), random({ seed: 3 }), { kind: 'ratio', value: 0.5 })
  expect(inspectDecoder(model)).toMatchObject({
    ok: true,
    logitsOf: 'the last token',
    prompt: { method: 'random', layer: 0, amount: { kind: 'ratio', value: 0.5 } },
  })
  expect(() => transform(model, prunePrompt({ method: lastQuery(), amount: all, layer: 0 }))).toThrow(
    expect.objectContaining({ code: 'TP_PRUNED' }),
  )
})

describe('refusals of prompts', () => {
  test.each([
    ['a layer after which no caches follow', 'llama', { layer: 1 }, 'TP_LAYERS'],
    [
      'a method that reads what an operator hides',
      'llama-fused-int4',
      { method: receivedAttention() },
      'TP_UNSUPPORTED_OP',
    ],
    ['heads in the batch', 'bloom', {}, 'TP_HEADS'],
  ] as const)('%s', (_, name, options, code) => {
    expect(() =>
      transform(open(name), prunePrompt({ method: lastQuery(), amount: all, layer: 0, ...options })),
    ).toThrow(expect.objectContaining({ code }))
  })

  test.each([
    ['a method that does more than score', { method: ats() }, 'TP_METHOD'],
    ['amounts by scores', { amount: { kind: 'mass', value: 0.5 } }, 'TP_OPTION'],
    ['a ratio above 1', { amount: { kind: 'ratio', value: 2 } }, 'TP_SCHEDULE'],
  ] as const)('%s, as the caller mistook it', (_, options, code) => {
    const pruning = { method: lastQuery(), amount: all, layer: 0, ...options }
    expect(() => transform(open('llama'), prunePrompt(pruning))).toThrowError(expect.objectContaining({ code }))
  })
})
