import { axisSize, constant, matmul, reshape, schedule, slice, type Tensor } from '@tp/core'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform, whyRefused } from '../src/index.ts'
import { inputsOf, statesOf, type TestEncoderOptions } from './encoders.ts'
import { pruned } from './pruned.ts'
import { difference, numbers, rows, run } from './run.ts'

const plain: TestEncoderOptions = {
  ...{ layerCount: 4, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17, seed: 1 },
}

/** With the stream between the layers as outputs, as `output_hidden_states` exports it. */
function withHiddenStates(options: TestEncoderOptions): Model {
  const { logits, streams } = statesOf(options)
  return decodeModel(
    emitModel({ logits, ...Object.fromEntries(streams.map((x, i) => [`hidden_states.${i}`, x])) }, { opset: 17 }),
  )
}

describe('hidden states as outputs', () => {
  test.each(['pre', 'post'] as const)('%s-norm: are what the layers read and pass on', (norm) => {
    const found = inspect(withHiddenStates({ ...plain, norm }))
    const streams = found.ok ? found.layers.map(({ input, output }) => [input, output]) : []
    expect(streams).toEqual([0, 1, 2, 3].map((i) => [`hidden_states.${i}`, `hidden_states.${i + 1}`]))
  })

  for (const norm of ['pre', 'post'] as const) {
    for (const amounts of [norm === 'pre' ? { keep: 0.6 } : { mass: 0.7 }]) {
      test(`${norm}-norm, ${JSON.stringify(amounts)}: keep the last state of a pruned token`, async () => {
        const options = { ...plain, norm }
        const model = withHiddenStates(options)
        const inputs = inputsOf(options, 2, 9, 4)
        const layers = [0, 2]
        const all = { method: receivedAttention(), schedule: schedule(4, { layers, ...amounts }) }
        const cut = await run(pruned(model, { ...all, trace: true, restore: 'all' }), inputs)
        const dense = await run(model, inputs)
        const compact = await run(pruned(model, { ...all, trace: true, restore: 'none' }), inputs)
        for (let i = 0; i <= 4; i++) {
          const name = `hidden_states.${i}`
          expect(cut[name]?.dims, name).toEqual(dense[name]?.dims)
        }
        // nothing is pruned before the second layer
        expect(difference(numbers(cut['hidden_states.0']), numbers(dense['hidden_states.0']))).toBeLessThan(1e-6)
        // kept tokens have the states of the run without the others
        for (const [i, traces] of [
          [1, [0]],
          [2, [0]],
          [3, [0, 2]],
          [4, [0, 2]],
        ] as const) {
          const name = `hidden_states.${i}`
          const layer = traces.at(-1) as number
          const indices = rows(cut[`tp.trace.${layer}.indices`])
          const valid = rows(cut[`tp.trace.${layer}.valid`])
          const [full, small] = [rows(cut[name]), rows(compact[name])]
          for (const [b, row] of indices.entries()) {
            for (const [slot, token] of row.entries()) {
              if (valid[b]?.[slot] !== 1) continue
              const at = (list: number[] | undefined, k: number): number[] => (list ?? []).slice(8 * k, 8 * k + 8)
              expect(difference(at(full[b], token), at(small[b], slot)), `${name} ${b} ${token}`).toBeLessThan(1e-5)
            }
          }
        }
        // and tokens pruned at layer 0 do not change any more
        const kept = rows(cut['tp.trace.0.indices'])
        const [one, last] = [rows(cut['hidden_states.1']), rows(cut['hidden_states.4'])]
        const valid = rows(cut['tp.trace.0.valid'])
        for (const [b, row] of kept.entries()) {
          const kept = row.filter((_, slot) => valid[b]?.[slot] === 1)
          const gone = Array.from({ length: 9 }, (_, i) => i).filter(
            (i) => !row.includes(i) || (amounts.mass !== undefined && !kept.includes(i)),
          )
          for (const token of gone) {
            const at = (list: number[] | undefined): number[] => (list ?? []).slice(8 * token, 8 * token + 8)
            expect(at(one[b])).toEqual(at(last[b]))
          }
        }
      })
    }
  }
})

describe('outputs with as many rows as the number of tokens says', () => {
  const weights = constant(
    Array.from({ length: 128 }, (_, i) => Math.sin(i)),
    'float32',
    [8, 16],
  )
  const heads: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    'two for each token': (x) => reshape(x, [axisSize(x, 0), -1, 8]),
    'all but the first': (x) => slice(x, { axis: 1, start: 1 }),
  }
  for (const [form, head] of Object.entries(heads)) {
    test(`restore tokens: ${form}`, async () => {
      const modelOf = (last: (x: Tensor) => Tensor): Model =>
        decodeModel(emitModel({ logits: statesOf({ ...plain, head: (x) => last(matmul(x, weights)) }).logits }))
      const options = {
        method: receivedAttention(),
        schedule: schedule(4, { layers: [0, 2], keep: 0.6 }),
        protect: [0],
      }
      const [model, whole] = [modelOf(head), modelOf((x) => x)]
      expect(inspect(model)).toMatchObject({ ok: true, tokenOutputs: [] })
      const inputs = inputsOf(plain, 2, 9, 4)
      const seen = (await run(pruned(model, options), inputs)).logits
      expect(seen?.dims).toEqual((await run(model, inputs)).logits?.dims)
      const states = rows((await run(pruned(whole, options), inputs)).logits)
      const expected = states.flatMap((row) => (form === 'all but the first' ? row.slice(16) : row))
      expect(difference(numbers(seen), expected)).toBeLessThan(1e-6)
      expect(() => transform(model, prune({ ...options, restore: 'none' }))).toThrow(
        expect.objectContaining({ code: 'TP_TOKEN_OUTPUT' }),
      )
    })
  }
})

describe('attentions as outputs', () => {
  const { logits, attentions } = statesOf(plain)
  const outputs = Object.fromEntries(attentions.map((x, i) => [`attentions.${i}`, x]))
  const model = decodeModel(emitModel({ logits, ...outputs }, { opset: 17 }))
  const options = { method: clsAttention(), schedule: schedule(4, { layers: [1], keep: 0.5 }) }

  test('refuses attentions with advice where tokens are pruned upstream of them', () => {
    const refusal = whyRefused(() => transform(model, prune(options)))
    expect(refusal?.code).toBe('TP_TOKEN_OUTPUT')
    expect(refusal?.message).toContain('the output attentions.2 was float32[batch,2,sequence,sequence]')
    expect(refusal?.message).toContain('attentions.3 likewise')
    expect(refusal?.message).toContain('--set outputs=logits,attentions.0,attentions.1')
  })

  test('removes attentions where others are requested', async () => {
    const result = pruned(model, { ...options, outputs: ['attentions.1', 'logits'] })
    expect(new Graph(result).outputs.map(({ name }) => name)).toEqual(['logits', 'attentions.1'])
    const only = pruned(decodeModel(emitModel({ logits }, { opset: 17 })), options)
    const inputs = inputsOf(plain, 2, 9, 4)
    const [one, other] = [await run(result, inputs), await run(only, inputs)]
    expect(difference(numbers(one.logits), numbers(other.logits))).toBeLessThan(1e-6)
    const dense = await run(model, inputs)
    expect(difference(numbers(one['attentions.1']), numbers(dense['attentions.1']))).toBeLessThan(1e-6)
  })

  test('refuses unknown names, with those that exist', () => {
    expect(() => transform(model, prune({ ...options, outputs: ['scores'] }))).toThrow(
      'no output scores; it has logits, attentions.0',
    )
    expect(() => transform(model, prune({ ...options, outputs: [] }))).toThrow('no output is named')
  })
})
