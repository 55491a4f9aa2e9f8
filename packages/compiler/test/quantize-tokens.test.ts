import { type Method, none, schedule } from '@tp/core'
import { clsAttention } from '@tp/method-attention'
import { createModel, createNode, Graph, type Model, type NodeProto, readTensor } from '@tp/onnx'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { productsSaturate, prune, type QuantizeOptions, quantize, transform } from '../src/index.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, float32, numbers, open, run } from './run.ts'
import { mailModel, plainRow, type RowResult, runRows } from './texts.ts'

const reduceRange = await productsSaturate(run)

function quantized(model: Model, options: QuantizeOptions = {}): Model {
  return transform(model, quantize({ reduceRange, ...options })).model
}

const [WIDTH, COLUMNS] = [6, 3]
const weights = Float32Array.from({ length: WIDTH * COLUMNS }, (_, i) => Math.sin(5 * i) / (1 + (i % COLUMNS)))

/** x [tokens, 6] · W [6, 3] = y; `before` computes what is multiplied. */
function product({ opset = 17, before = [], read = 'x' }: ProductOptions = {}): Model {
  const model = createModel(opset)
  const graph = new Graph(model)
  graph.addInput('x', 'float32', ['tokens', WIDTH])
  graph.addInitializer('w', { type: 'float32', dims: [WIDTH, COLUMNS], data: weights })
  graph.insert([...before, createNode({ type: 'MatMul', name: 'product', inputs: [read, 'w'], outputs: ['y'] })])
  graph.addOutput('y', 'float32', ['tokens', COLUMNS])
  return model
}

interface ProductOptions {
  readonly opset?: number
  readonly before?: readonly NodeProto[]
  readonly read?: string
}

/** Numbers of 8 bits that a row is multiplied as, in a file for x [1, 6]. */
async function bytesOf(model: Model, row: readonly number[]): Promise<number[]> {
  const result = quantized(model)
  const graph = new Graph(result)
  const rounding = graph.nodes.find(({ opType }) => opType === 'QuantizeLinear')
  graph.addOutput(rounding?.output[0] as string, 'uint8', ['tokens', WIDTH])
  return numbers((await run(result, { x: float32([1, WIDTH], row) }))[rounding?.output[0] as string])
}

describe('a product', () => {
  test.each([11, 17, 21])('rounds each row by its largest number: opset %i', async (opset) => {
    const rows = fc.array(fc.tuple(...Array<fc.Arbitrary<number>>(WIDTH).fill(number)), { minLength: 1, maxLength: 4 })
    const model = quantized(product({ opset }))
    await using session = await open(model)
    const read = (name: string): number[] => numbers(readTensor(new Graph(model).initializer(name) as never))
    const [levels, scales] = [read('w_quantized'), read('w_scale')]
    await fc.assert(
      fc.asyncProperty(rows, async (values) => {
        const { y } = await session.run({ x: float32([values.length, WIDTH], values.flat()) })
        const expected = values.flatMap((row) => {
          const own = row.map(Math.fround)
          const largest = Math.max(...own.map(Math.abs))
          const steps = own.map((x) => (largest === 0 ? 0 : (127 * x) / largest))
          // Where a number is half way between two levels, float32 decides.
          const slack = steps.some((step) => Math.abs(Math.abs(step % 1) - 0.5) < 1e-4)
          return scales.map((scale, column) => {
            const sum = steps.reduce(
              (all, step, i) => all + Math.round(step) * (levels[COLUMNS * i + column] as number),
              0,
            )
            return { value: (largest / 127) * scale * sum, slack: slack ? 130 * scale * (largest / 127) : 0 }
          })
        })
        for (const [i, { value, slack }] of expected.entries()) {
          expect(Math.abs((numbers(y)[i] as number) - value)).toBeLessThanOrEqual(slack + 1e-5 * Math.abs(value) + 1e-6)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('leaves nearly all 8 bits to positive numbers after a ReLU or a GELU', async () => {
    const after = (type: string, domain = ''): Model =>
      product({ before: [createNode({ type, domain, inputs: ['x'], outputs: ['h'] })], read: 'h', opset: 20 })
    expect(await bytesOf(after('Relu'), [-9, 0, 1, 2, 3, 5])).toEqual([0, 0, 51, 102, 153, 255])
    for (const model of [after('Gelu'), after('Gelu', 'com.microsoft'), writtenOutGelu()]) {
      // −0.17, the least of all, at −0.75; rows of small numbers are not spread.
      expect(await bytesOf(model, [-0.7518, -30, 0, 10, 23.5, 1])).toEqual([18, 20, 20, 120, 255, 28])
      expect(await bytesOf(model, [-0.7518, -30, 0, 0, 0, 1])).toEqual([0, 20, 20, 20, 20, 119])
    }
    for (const model of [after('Tanh'), writtenOutGelu(1.5)]) {
      expect((await bytesOf(model, [0, 0, 0, 0, 0, 1])).slice(0, 5)).toEqual([128, 128, 128, 128, 128])
    }
  })
})

const number = fc.float({ min: -8, max: 8, noNaN: true })

/** x · (1 + erf(x / √2)) · 0.5, as PyTorch exports it. */
function writtenOutGelu(divisor = Math.SQRT2): Model {
  const model = product({
    before: [
      createNode({ type: 'Div', inputs: ['x', 'root'], outputs: ['a'] }),
      createNode({ type: 'Erf', inputs: ['a'], outputs: ['b'] }),
      createNode({ type: 'Add', inputs: ['b', 'one'], outputs: ['c'] }),
      createNode({ type: 'Mul', inputs: ['x', 'c'], outputs: ['d'] }),
      createNode({ type: 'Mul', inputs: ['d', 'half'], outputs: ['h'] }),
    ],
    read: 'h',
  })
  const graph = new Graph(model)
  for (const [name, value] of Object.entries({ root: divisor, one: 1, half: 0.5 })) {
    graph.addInitializer(name, { type: 'float32', dims: [], data: Float32Array.of(value) })
  }
  return model
}

/**
 * So many random batches of mails, padded by up to 8 tokens more than needed: each answer has the bits of the one alone. The head
 * of a pruned file computes one row for each mail, and adds in another order for one row than for several, in float32, too.
 */
async function checkBatches(count: number, method?: Method): Promise<void> {
  const { model: dense, texts } = mailModel(24, 60)
  const model = method ? transform(dense, prune({ method, schedule: schedule(6, { keep: 0.7 }) })).model : dense
  await using session = await open(quantized(model))
  const answers = async (ids: readonly (readonly number[])[], more: number) =>
    await runRows(session, ids.map(plainRow), Math.max(...ids.map(({ length }) => length)) + more)
  const alone = new Map<readonly number[], RowResult | undefined>()
  for (const ids of texts) alone.set(ids, (await answers([ids], 0))[0])
  const batch = fc.uniqueArray(fc.constantFrom(...texts), { minLength: 2, maxLength: 16 })
  await fc.assert(
    fc.asyncProperty(batch, fc.integer({ min: 0, max: 8 }), async (ids, more) => {
      for (const [row, { logits }] of (await answers(ids, more)).entries()) {
        const own = alone.get(ids[row] as readonly number[])?.logits ?? []
        if (method === undefined) expect(logits).toEqual(own)
        else expect(difference(logits, own)).toBeLessThan(1e-6)
      }
    }),
    { numRuns: count },
  )
}

test('a mail gets the same bits in each of 20 random batches', () => checkBatches(20))

test('a mail that is padded on the left gets the bits that it gets alone, as much padded', async () => {
  const { model: dense, texts } = mailModel(12, 60)
  await using session = await open(quantized(dense))
  const width = Math.max(...texts.map(({ length }) => length)) + 5
  const padded = texts.map((ids) => {
    const padding = Array<number>(width - ids.length).fill(0)
    return { ids: [...padding, ...ids], attended: [...padding.map(() => false), ...ids.map(() => true)] }
  })
  const together = await runRows(session, padded, width)
  for (const [i, row] of padded.entries()) {
    expect((await runRows(session, [row], width))[0]?.logits).toEqual(together[i]?.logits)
  }
})

test('a mail gets the same answer in each of 10 random batches, with tokens pruned before', () =>
  checkBatches(10, clsAttention()))

describe('a text encoder', () => {
  const source = openFixture(fixture('bert-cls-eager-ts11'))

  test('answers nearer to float32 than with one scale for a tensor', async () => {
    const [data] = dataSets(fixture('bert-cls-eager-ts11'))
    const dense = numbers(Object.values(await run(source, data?.inputs ?? {}))[0])
    const far = async (activations: 'token' | 'tensor'): Promise<number> => {
      const seen = numbers(Object.values(await run(quantized(source, { activations }), data?.inputs ?? {}))[0])
      return Math.hypot(...seen.map((x, i) => x - (dense[i] as number)))
    }
    expect(await far('token')).toBeLessThan(await far('tensor'))
  })

  test('computes the dense model in 8 bits if every token is kept', async () => {
    const keepAll = { method: clsAttention(), schedule: schedule(3, { keep: 1 }) }
    const dense = transform(source, prune({ method: none(), schedule: new Map() }), quantize({ reduceRange }))
    const pruned = transform(source, prune(keepAll), quantize({ reduceRange }))
    for (const { inputs } of dataSets(fixture('bert-cls-eager-ts11'))) {
      expect(await run(pruned.model, inputs)).toEqual(await run(dense.model, inputs))
    }
  })
})
