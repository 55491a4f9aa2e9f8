// Rows, Pack, Unpack and PackedAttention on inputs and attributes that do not fit: an error with a sentence, and no crash.
import type { Attributes } from '@tp/core/expression'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { nativeRuntime } from '@tp/runtime-native'
import { describe, expect, test } from 'vitest'
import { describeNative } from './native.ts'
import { attentionModel, operatorModel } from './operator-model.mjs'

const { load } = nativeRuntime()

function float32(dims: readonly number[]): TensorLike {
  const size = dims.reduce((product, dim) => product * dim, 1)
  return { type: 'float32', dims, data: Float32Array.from({ length: size }, (_, i) => i) }
}

function int64(values: readonly (number | bigint)[], dims: readonly number[] = [values.length]): TensorLike {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

function bool(rows: readonly (readonly number[])[], length = rows[0]?.length ?? 0): TensorLike {
  return { type: 'bool', dims: [rows.length, length], data: Uint8Array.from(rows.flat()) }
}

async function run(model: Uint8Array, feeds: NamedTensors): Promise<NamedTensors> {
  await using session = await load(model, { threads: 2 })
  return await session.run(feeds)
}

async function refusesRun(model: Uint8Array, feeds: NamedTensors, message: RegExp): Promise<void> {
  await expect(run(model, feeds)).rejects.toMatchObject({
    name: 'TpError',
    code: 'TP_RUN',
    message: expect.stringMatching(message),
  })
}

async function refusesModel(model: Uint8Array, message: RegExp): Promise<void> {
  await expect(load(model)).rejects.toMatchObject({
    name: 'TpError',
    code: 'TP_MODEL_LOAD',
    message: expect.stringMatching(message),
  })
}

const most = 2n ** 63n - 1n
const sharedAxis = /where rows and tokens share an axis it has to be 1/

/** An empty tensor: next to a size of 0 onnxruntime lets the others be anything. */
function empty(dims: readonly number[]): TensorLike {
  return { type: 'float32', dims, data: new Float32Array() }
}

describeNative('Rows', () => {
  const model = (padding = 0, rank = 2): Uint8Array =>
    operatorModel('Rows', { attended: ['bool', rank] }, { positions: ['int64', 1], offsets: ['int64', 1] }, { padding })

  test('says where attended tokens are, even between others and marked by any number except 0', async () => {
    const { positions, offsets } = await run(model(), {
      attended: bool([
        [1, 0, 255],
        [0, 2, 0],
      ]),
    })
    expect(positions?.data).toEqual(BigInt64Array.of(0n, 2n, 4n))
    expect(offsets?.data).toEqual(BigInt64Array.of(0n, 2n, 3n))
  })

  test('keeps the first padding token of each row that has one, if asked to', async () => {
    const attended = bool([
      [1, 0, 1, 0],
      [0, 0, 1, 1],
      [1, 1, 1, 1],
    ])
    const { positions, offsets } = await run(model(1), { attended })
    expect(positions?.data).toEqual(BigInt64Array.of(0n, 1n, 2n, 4n, 6n, 7n, 8n, 9n, 10n, 11n))
    expect(offsets?.data).toEqual(BigInt64Array.of(0n, 3n, 6n, 10n))
  })

  test.each<[string, TensorLike, RegExp]>([
    [
      'a row without tokens',
      bool([
        [1, 1],
        [0, 0],
      ]),
      /row 1 of the batch has no attended token; remove it/,
    ],
    ['no rows', bool([], 3), /the batch has no rows/],
    ['rows without positions', bool([[], []], 0), /row 0 of the batch has no attended token/],
  ])('refuses %s', (_, attended, message) => refusesRun(model(), { attended }, message))

  // They take no memory themselves; their offsets would take 64 GiB.
  test('refuses more rows without positions than there is memory for', () =>
    refusesRun(
      model(),
      { attended: { type: 'bool', dims: [2 ** 33, 0], data: new Uint8Array() } },
      /row 0 of the batch/,
    ))

  test.each([1, 3])('refuses %i axes', async (rank) => {
    const dims = [4, 1, 1].slice(0, rank)
    const attended: TensorLike = { type: 'bool', dims, data: Uint8Array.of(1, 1, 1, 1) }
    await refusesRun(model(0, rank), { attended }, /attended has \d axes, not 2/)
  })
})

describeNative('Pack', () => {
  const model = (attributes: Attributes, rank = 3, ranks = 1): Uint8Array =>
    operatorModel('Pack', { x: ['float32', rank], positions: ['int64', ranks] }, { y: ['float32', rank] }, attributes)
  const plain = { rows: 0, axis: 1, folded: 1 }
  const x = float32([2, 3, 2])

  test('takes tokens in their order, or none', async () => {
    const { y } = await run(model(plain), { x, positions: int64([0, 4, 5]) })
    expect(y).toMatchObject({ dims: [1, 3, 2], data: Float32Array.of(0, 1, 8, 9, 10, 11) })
    expect((await run(model(plain), { x, positions: int64([]) })).y?.dims).toEqual([1, 0, 2])
  })

  test.each<[string, readonly (number | bigint)[], RegExp]>([
    ['below 0', [-1, 2], /token 0 is at -1/],
    ['that decrease', [0, 4, 3], /have to rise.*token 2 is at 3/],
    ['that repeat', [1, 1], /token 1 is at 1/],
    ['beyond the last', [0, 6], /below 6: token 1 is at 6/],
    ['far beyond the last', [0, most], /below 6/],
    ['far below 0', [-most], /token 0 is at -/],
  ])('refuses positions %s', async (_, positions, message) => {
    await refusesRun(model(plain), { x, positions: int64(positions) }, message)
    await refusesRun(
      model({ rows: 0, axis: 0, folded: 1 }),
      { x: float32([6, 1, 1]), positions: int64(positions) },
      message,
    )
  })

  test.each<[string, TensorLike, Attributes, RegExp]>([
    [
      'rows that do not divide the batch',
      float32([5, 3, 2]),
      { ...plain, folded: 2 },
      /does not hold whole rows: 5 is no multiple of folded, 2/,
    ],
    ['x without tokens', float32([1, 0, 2]), plain, /x has no tokens to take/],
    ['x without rows', float32([0, 3, 2]), plain, /below 0/],
    ['an axis that does not exist', x, { ...plain, axis: 3 }, /there is no axis 3 for tokens/],
    ['an axis far out of range', x, { ...plain, axis: 2 ** 40 }, /there is no axis/],
  ])('refuses %s', (_, value, attributes, message) =>
    refusesRun(model(attributes), { x: value, positions: int64([0, 1]) }, message),
  )

  test('refuses positions of two axes, and tokens that are text', async () => {
    await refusesRun(model(plain, 3, 2), { x, positions: int64([0, 1], [1, 2]) }, /positions has 2 axes, not 1/)
    const texts: TensorLike = { type: 'string', dims: [1, 2, 1], data: ['a', 'b'] }
    const ofTexts = operatorModel('Pack', { x: ['string', 3], positions: ['int64', 1] }, { y: ['string', 3] }, plain)
    await refusesRun(ofTexts, { x: texts, positions: int64([0]) }, /cannot be moved/)
  })

  test.each<[string, Attributes, RegExp]>([
    ['negative rows', { ...plain, rows: -1 }, /rows is -1 and axis is 1; axes are counted from 0/],
    ['tokens before rows', { ...plain, rows: 2 }, /rows is 2 and axis is 1; tokens have to be along/],
    ['nothing folded', { ...plain, folded: 0 }, /folded is 0; it has to be at least 1/],
    ['less than nothing folded', { ...plain, folded: -3 }, /folded is -3/],
    ['rows and tokens along one axis, folded', { rows: 0, axis: 0, folded: 2 }, sharedAxis],
    ['rows and tokens along a later axis, folded', { rows: 2, axis: 2, folded: 100_000 }, sharedAxis],
    ['more folded than can be counted', { rows: 1, axis: 1, folded: Number.MAX_SAFE_INTEGER }, sharedAxis],
    ['a missing attribute', { rows: 0, axis: 1 }, /folded/],
    ['an attribute of another type', { ...plain, folded: [1] }, /folded/],
  ])('refuses a model with %s', (_, attributes, message) => refusesModel(model(attributes), message))

  test('names node, operator and contradiction of a refused model', () =>
    refusesModel(
      model({ rows: 0, axis: 0, folded: 2 }),
      /Pack node "Pack_0": rows is 0 and axis is 0, and folded is 2; where rows and tokens share an axis it has to be 1$/,
    ))

  test('names node, operator and contradiction of a refused run', () =>
    refusesRun(
      model({ ...plain, folded: 2 }),
      { x: float32([5, 3, 2]), positions: int64([0]) },
      /Pack node.*'Pack_0'.*x does not/,
    ))

  test('takes empty tensors with any other sizes in bounded time', async () => {
    const axes = { rows: 1, axis: 3, folded: 1 }
    const { y } = await run(model(axes, 5), { x: empty([2 ** 40, 1, 0, 5, 2]), positions: int64([0]) })
    expect(y?.dims).toEqual([2 ** 40, 1, 0, 1, 2])
    await refusesRun(
      model(axes, 5),
      { x: empty([2 ** 40, 1, 2 ** 40, 5, 0]), positions: int64([0]) },
      /sizes|overflow/i,
    )
    await refusesRun(
      model(axes, 5),
      { x: empty([0, 1, 2 ** 40, 2 ** 40, 2]), positions: int64([0]) },
      /more than any tensor/,
    )
  })

  test('refuses a model with positions of another type', async () => {
    const other = operatorModel('Pack', { x: ['float32', 3], positions: ['int32', 1] }, { y: ['float32', 3] }, plain)
    await refusesModel(other, /type/i)
  })
})

describeNative('Unpack', () => {
  const model = (attributes: Attributes, rank = 3): Uint8Array =>
    operatorModel(
      'Unpack',
      { x: ['float32', rank], positions: ['int64', 1], attended: ['bool', 2] },
      { y: ['float32', rank] },
      attributes,
    )
  const plain = { rows: 0, axis: 1, folded: 1 }
  const x = float32([1, 2, 2])
  const attended = bool([
    [1, 0],
    [0, 1],
  ])

  test('writes 0 between tokens', async () => {
    const { y } = await run(model(plain), { x, positions: int64([0, 3]), attended })
    expect(y).toMatchObject({ dims: [2, 2, 2], data: Float32Array.of(0, 1, 0, 0, 0, 0, 2, 3) })
  })

  test('repeats a token of padding where its row has more of it', async () => {
    const rows = bool([
      [1, 0, 0],
      [0, 1, 1],
      [0, 1, 0],
    ])
    const packed = float32([1, 6, 1])
    const { y } = await run(model(plain), { x: packed, positions: int64([0, 1, 3, 4, 5, 7]), attended: rows })
    expect(y).toMatchObject({ dims: [3, 3, 1], data: Float32Array.of(0, 1, 1, 2, 3, 4, 0, 5, 0) })
  })

  test.each<[string, TensorLike, readonly (number | bigint)[], Attributes, RegExp]>([
    ['positions beyond the last', x, [0, 4], plain, /below 4: token 1 is at 4/],
    ['positions below 0', x, [-1, 3], plain, /token 0 is at -1/],
    ['positions that decrease', x, [3, 0], plain, /token 1 is at 0/],
    ['fewer tokens than positions', x, [0, 1, 2], plain, /x does not hold 3 packed tokens along axis 1/],
    ['more tokens than positions', x, [0], plain, /x does not hold 1 packed tokens/],
    ['x of two rows', float32([2, 2, 2]), [0, 3], plain, /x does not hold/],
    ['x with less folded', x, [0, 3], { ...plain, folded: 2 }, /folded 2 times, along axis 0, but 1/],
    ['an axis that does not exist', x, [0, 3], { ...plain, axis: 7 }, /there is no axis 7/],
    [
      'positions beyond the last of a flat axis',
      float32([2, 2, 1]),
      [0, 4],
      { rows: 0, axis: 0, folded: 1 },
      /below 4/,
    ],
  ])('refuses %s', (_, value, positions, attributes, message) =>
    refusesRun(model(attributes), { x: value, positions: int64(positions), attended }, message),
  )

  test.each<[string, Attributes]>([
    ['rows and tokens along one axis, folded', { rows: 0, axis: 0, folded: 2 }],
    ['rows and tokens along a later axis, folded', { rows: 1, axis: 1, folded: 100_000 }],
  ])('refuses a model with %s', (_, attributes) => refusesModel(model(attributes), sharedAxis))

  test('refuses no tokens where their positions would take memory', () =>
    refusesRun(model(plain), { x: empty([1, 0, 2 ** 40]), positions: int64([]), attended }, /positions name no token/))

  test('refuses positions without a batch', async () => {
    await refusesRun(model(plain), { x, positions: int64([0, 3]), attended: bool([], 5) }, /below 0/)
    await refusesRun(model(plain), { x, positions: int64([0, 3]), attended: bool([[], []], 0) }, /below 0/)
    const { y } = await run(model(plain), { x: float32([1, 0, 2]), positions: int64([]), attended: bool([], 5) })
    expect(y?.dims).toEqual([0, 5, 2])
  })
})

describeNative('PackedAttention', () => {
  const [query, value] = [float32([1, 2, 5, 3]), float32([1, 2, 5, 4])]
  const good: NamedTensors = { query, key: query, value, offsets: int64([0, 2, 5]) }
  const full: NamedTensors = {
    ...good,
    keyBias: float32([1, 5]),
    bias: float32([2, 2, 3, 3]),
    positions: int64([0, 1, 3, 4, 5]),
    queryWeights: float32([1, 5]),
  }
  const optional = Object.keys(full).slice(4)

  test('takes every optional input', async () => {
    expect((await run(attentionModel(optional), full)).context?.dims).toEqual([1, 2, 5, 4])
    expect((await run(attentionModel(), good)).context?.dims).toEqual([1, 2, 5, 4])
  })

  test('takes no heads and no features', async () => {
    const none = float32([1, 0, 5, 3])
    expect((await run(attentionModel(), { ...good, query: none, key: none, value: none })).context?.dims).toEqual([
      1, 0, 5, 3,
    ])
    const flat = float32([1, 2, 5, 0])
    const { context } = await run(attentionModel(), { ...good, query: flat, key: flat, value: float32([1, 2, 5, 4]) })
    // Without features all scores are 0: the mean of each row's values.
    expect(context?.data.slice(0, 4)).toEqual(Float32Array.of(2, 3, 4, 5))
    expect((await run(attentionModel(), { ...good, value: flat })).context?.dims).toEqual([1, 2, 5, 0])
  })

  test.each<[string, readonly (number | bigint)[], RegExp]>([
    ['that decrease', [0, 3, 2, 5], /offsets do not rise: row 1 goes from 3 to 2/],
    ['of an empty row', [0, 2, 2, 5], /row 1 goes from 2 to 2/],
    ['that begin after 0', [1, 5], /offsets begin with 1, not with 0/],
    ['that begin below 0', [-1, 5], /offsets begin with -1/],
    ['that end beyond the last token', [0, 6], /offsets end with 6, and there are 5 tokens/],
    ['that end before the last token', [0, 4], /offsets end with 4/],
    ['that go far and return', [0, most, 5], /offsets do not rise/],
    ['of no row', [0], /offsets name no row/],
    ['of nothing', [], /offsets name no row/],
  ])('refuses offsets %s', async (_, offsets, message) => {
    await refusesRun(attentionModel(), { ...good, offsets: int64(offsets) }, message)
    await refusesRun(attentionModel(optional), { ...full, offsets: int64(offsets) }, message)
  })

  // They take no memory, and would take a task each.
  test('refuses heads without features', async () => {
    const none = empty([1, 2 ** 40, 5, 0])
    await refusesRun(
      attentionModel(),
      { ...good, query: none, key: none, value: none },
      /neither query nor value has features/,
    )
  })

  test('refuses a batch without tokens', async () => {
    const none = float32([1, 2, 0, 3])
    const feeds = { query: none, key: none, value: none, offsets: int64([0, 0]) }
    await refusesRun(attentionModel(), feeds, /row 0 goes from 0 to 0/)
  })

  test.each<[string, string, TensorLike, RegExp]>([
    ['keys of other tokens', 'key', float32([1, 2, 4, 3]), /do not have the same heads, tokens and features/],
    ['keys of other heads', 'key', float32([1, 1, 5, 3]), /do not have the same/],
    ['keys of other features', 'key', float32([1, 2, 5, 4]), /do not have the same/],
    ['values of other tokens', 'value', float32([1, 2, 6, 4]), /do not have the same/],
    ['values of other heads', 'value', float32([1, 3, 5, 4]), /do not have the same/],
    ['queries of two batches', 'query', float32([2, 2, 5, 3]), /query has more than heads, tokens and features/],
    ['values of two batches', 'value', float32([2, 2, 5, 4]), /value has more than/],
    ['a key bias of fewer tokens', 'keyBias', float32([1, 4]), /keyBias does not have one number for each token/],
    ['weights of more tokens', 'queryWeights', float32([1, 6]), /queryWeights does not have one number for each token/],
    ['a bias of other rows', 'bias', float32([3, 2, 3, 3]), /bias is not \[rows\|1, heads\|1, N, N\]/],
    ['a bias of no rows', 'bias', float32([0, 2, 3, 3]), /bias is not/],
    ['a bias of other heads', 'bias', float32([2, 3, 3, 3]), /bias is not/],
    ['a bias that is not square', 'bias', float32([2, 2, 3, 4]), /bias is not/],
    ['a bias of fewer keys for all queries', 'bias', float32([2, 2, 1, 3]), /bias is not/],
    ['a bias of no tokens', 'bias', float32([2, 2, 0, 0]), /bias is not/],
    ['a bias of shorter rows', 'bias', float32([2, 2, 2, 2]), /below 4|do not agree/],
    ['fewer positions', 'positions', int64([0, 1, 3, 4]), /positions are 4, and there are 5 tokens/],
    ['positions beyond the last', 'positions', int64([0, 1, 3, 4, 6]), /below 6: token 4 is at 6/],
    ['positions that decrease', 'positions', int64([0, 1, 4, 3, 5]), /token 3 is at 3/],
    ['positions of another row', 'positions', int64([0, 1, 2, 4, 5]), /positions and offsets do not agree/],
    ['positions below 0', 'positions', int64([-3, 1, 3, 4, 5]), /token 0 is at -3/],
  ])('refuses %s', (_, name, tensor, message) =>
    refusesRun(attentionModel(optional), { ...full, [name]: tensor }, message),
  )

  test('refuses a bias without positions', () =>
    refusesRun(attentionModel(['bias']), { ...good, bias: float32([1, 1, 3, 3]) }, /positions is missing/))

  test.each(['query', 'key', 'value', 'bias', 'offsets', 'positions'])('refuses %s of other axes', async (name) => {
    const inputs: Record<string, ['float32' | 'int64', number]> = {}
    for (const [key, { type, dims }] of Object.entries(full)) inputs[key] = [type as 'float32' | 'int64', dims.length]
    const { type, dims, data } = full[name]!
    const isInteger = type === 'int64'
    inputs[name] = [type as 'float32' | 'int64', isInteger ? 2 : 3]
    const axes = { queryAxes: [1, 2, 3], keyAxes: [1, 2, 3], valueAxes: [1, 2, 3], contextAxes: [1, 2, 3] }
    const outputs = { context: ['float32', 4], received: ['float32', 4] } as const
    const model = operatorModel('PackedAttention', inputs, outputs, { scale: 1, ...axes })
    const other = isInteger ? [1, ...dims] : [dims[0]! * dims[1]!, ...dims.slice(2)]
    await refusesRun(model, { ...full, [name]: { type, dims: other, data } as TensorLike }, new RegExp(`${name} has`))
  })

  test.each<[string, Attributes]>([
    ['below 0', { keyAxes: [-1, 2, 3] }],
    ['far out of range', { valueAxes: [1, 2 ** 40, 3] }],
    ['just out of range', { queryAxes: [1, 2, 8] }],
    ['that repeat', { queryAxes: [1, 1, 3] }],
    ['that are all the same', { contextAxes: [3, 3, 3] }],
    ['of two', { keyAxes: [1, 2] }],
    ['of four', { keyAxes: [0, 1, 2, 3] }],
    ['of none', { valueAxes: [] }],
    ['with features in the middle of the context', { contextAxes: [1, 3, 2] }],
    ['of another type', { queryAxes: 1 }],
    ['that overflow 32 bits', { queryAxes: [1, 2, 2 ** 32 + 3] }],
  ])('refuses a model with axes %s', (_, attributes) => refusesModel(attentionModel([], attributes), /Axes/))

  test('refuses axes beyond the last in the run', () =>
    refusesRun(attentionModel([], { queryAxes: [1, 2, 5] }), good, /query has too few axes/))

  test('refuses a model whose scale is not a number', () =>
    refusesModel(attentionModel([], { scale: Number.POSITIVE_INFINITY }), /scale is not a finite number/))

  test('refuses a model without scale', async () => {
    const inputs = { query: ['float32', 4], key: ['float32', 4], value: ['float32', 4], offsets: ['int64', 1] } as const
    await refusesModel(operatorModel('PackedAttention', inputs, { context: ['float32', 4] }, {}), /scale/)
  })

  test('takes weights of the queries for received attention', async () => {
    const inputs = { query: ['float32', 4], key: ['float32', 4], value: ['float32', 4], offsets: ['int64', 1] } as const
    const axes = { queryAxes: [1, 2, 3], keyAxes: [1, 2, 3], valueAxes: [1, 2, 3], contextAxes: [1, 2, 3] }
    const outputs = { context: ['float32', 4], received: ['float32', 4] } as const
    const model = operatorModel('PackedAttention', inputs, outputs, { scale: 1, ...axes })
    await refusesRun(model, good, /received takes queryWeights/)
  })

  describe('a session after an error', () => {
    test('continues', async () => {
      await using session = await load(attentionModel(), { threads: 2 })
      for (let i = 0; i < 20; i++) {
        await expect(session.run({ ...good, offsets: int64([0, 9]) })).rejects.toMatchObject({ code: 'TP_RUN' })
        expect((await session.run(good)).context?.dims).toEqual([1, 2, 5, 4])
      }
    })
  })
})
