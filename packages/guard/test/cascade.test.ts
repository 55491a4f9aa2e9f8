import type { NamedTensors } from '@tp/core/runtime'
import { describe, expect, test } from 'vitest'
import { type CascadeRun, cascade, type Uncertainty } from '../src/index.ts'
import { noting, openSums, rowsOf, type SumsOptions } from './sums.ts'

/** The pruned model is wrong by 1, so answers for sums between −1 and 0 differ; logits are [s, −s], margins 2·|s|. */
const ERROR = 1

async function open(options: SumsOptions = {}, more: { threshold?: number | null; uncertainty?: Uncertainty } = {}) {
  const dense = noting(await openSums(options))
  const runs: CascadeRun[] = []
  const session = cascade({
    pruned: await openSums({ ...options, error: ERROR }),
    dense: dense.session,
    threshold: -2.5,
    uncertainty: 'margin',
    onRun: (run) => runs.push(run),
    ...more,
  })
  return { session, feeds: dense.feeds, runs }
}

const batch = [[1, 2, 3], [-0.5], [4], [-1, 0.4], [-3, -4]]
const scores = (outputs: NamedTensors): number[] =>
  Array.from(outputs.logits?.data as Float32Array).filter((_, i) => i % 2 === 0)

describe('the dense run of a cascade', () => {
  test('gives the rows that fall back, and the pruned run the others', async () => {
    const { session, feeds, runs } = await open()
    await using running = session
    const outputs = await running.run(rowsOf(batch))
    // pruned sums 7, 0.5, 5, 0.4, −6: margins 14, 1, 10, 0.8, 12
    expect(scores(outputs).map((score) => Math.round(10 * score) / 10)).toEqual([7, -0.5, 5, -0.6, -6])
    expect(feeds).toHaveLength(1)
    expect(runs).toMatchObject([{ dense: [1, 3] }])
    expect(runs[0]?.uncertainties.map((value) => Math.round(10 * value) / 10)).toEqual([-14, -1, -10, -0.8, -12])
    expect(running.statistics()).toEqual({ runs: 1, inputs: 5, dense: 2 })
  })

  test('cuts the dense run to its longest row where no output has an axis of tokens', async () => {
    const { session, feeds } = await open({ outputs: ['shares'] })
    await using running = session
    await running.run(rowsOf(batch, 9))
    expect(feeds[0]).toEqual(rowsOf([batch[1] as number[], batch[3] as number[]]))
  })

  test('keeps the padded length where an output has such an axis, and every output is merged', async () => {
    const { session, feeds } = await open({ outputs: ['masked', 'shares'] })
    await using running = session
    const outputs = await running.run(rowsOf(batch, 4))
    expect(feeds[0]?.x?.dims).toEqual([2, 4])
    expect(outputs.masked).toEqual(rowsOf(batch, 4).x)
    expect(Array.from(outputs.shares?.data as Float32Array)).toEqual([0.75, 0.25, 0.25, 0.5, 0.5])
  })

  test('does not cut the dense run where padding is at the start', async () => {
    const { session, feeds } = await open()
    await using running = session
    const { x } = rowsOf([[0, 0, -0.5]])
    const mask = { type: 'int64', dims: [1, 3], data: BigInt64Array.of(0n, 0n, 1n) }
    await running.run({ x: x as NonNullable<typeof x>, attention_mask: mask })
    expect(feeds[0]?.x?.dims).toEqual([1, 3])
  })

  test('takes the whole batch where its size is fixed', async () => {
    const { session, feeds } = await open({ dims: [2, 'tokens'] })
    await using running = session
    const outputs = await running.run(rowsOf([[-0.5], [4]]))
    expect(scores(outputs)).toEqual([-0.5, 5])
    expect(feeds[0]?.x?.dims).toEqual([2, 1])
  })

  test('skips the dense run where all rows are certain, but not for rows that are not a number', async () => {
    const { session, feeds } = await open({}, { threshold: null })
    await using running = session
    await running.run(rowsOf(batch))
    expect(feeds).toHaveLength(0)
    await running.run(rowsOf([[1], [Number.NaN]]))
    expect(feeds).toHaveLength(1)
    expect(running.statistics()).toEqual({ runs: 2, inputs: 7, dense: 1 })
  })

  test('finds logits under another name', async () => {
    const { session } = await open({ name: 'scores' })
    await using running = session
    await running.run(rowsOf(batch))
    expect(running.statistics().dense).toBe(2)
  })
})

test('a cascade has the checks, signals, warm-up and disposal of any session', async () => {
  const pruned = await openSums({ error: ERROR })
  const dense = noting(await openSums())
  const session = cascade({ pruned, dense: dense.session, threshold: 0.5 })
  await session.warmUp(rowsOf([[1]]))
  expect(session.statistics()).toEqual({ runs: 0, inputs: 0, dense: 0 })
  await expect(session.run({})).rejects.toMatchObject({ code: 'TP_INPUT' })
  await expect(session.run(rowsOf(batch), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'TP_ABORTED',
  })
  await session.dispose()
  await session.dispose()
  const disposed = { code: 'TP_DISPOSED' }
  await expect(session.run(rowsOf(batch))).rejects.toMatchObject(disposed)
  await expect(pruned.run(rowsOf(batch))).rejects.toMatchObject(disposed)
  await expect(dense.session.run(rowsOf(batch))).rejects.toMatchObject(disposed)
})

describe('a cascade of models that are not two forms of one', () => {
  const problem = (text: string) =>
    expect.objectContaining({ code: 'TP_CASCADE', message: expect.stringContaining(text) })
  test.each<[string, SumsOptions, SumsOptions]>([
    ['only the dense model has an output masked', {}, { outputs: ['masked'] }],
    ['only the pruned model has an output shares', { outputs: ['shares'] }, {}],
    [
      'the input attention_mask is int64[batch,5] of the pruned model and int64[batch,4] of the dense one',
      { dims: ['batch', 5] },
      { dims: ['batch', 4] },
    ],
    ['total float32[1] has no batch axis', { outputs: ['total'] }, { outputs: ['total'] }],
  ])('refuses two models where %s', async (text, first, second) => {
    await using pruned = await openSums(first)
    await using dense = await openSums(second)
    expect(() => cascade({ pruned, dense, threshold: 0 })).toThrow(problem(text))
  })

  test('refuses models without logits', async () => {
    await using pruned = await openSums()
    await using dense = await openSums()
    const noOutput = expect.objectContaining({ code: 'TP_OUTPUT' })
    expect(() => cascade({ pruned, dense, threshold: 0, output: 'scores' })).toThrow(noOutput)
  })
})
