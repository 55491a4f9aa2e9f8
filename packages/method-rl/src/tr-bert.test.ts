import { gradients } from '@tp/autodiff'
import { type PruneOptions, prune, type SoftModel, soften, transform } from '@tp/compiler'
import {
  add,
  constantOf,
  div,
  evaluate,
  input,
  type Method,
  matmul,
  mul,
  type Scorer,
  type Site,
  sub,
  sum,
  type Tensor,
  type Values,
} from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { arrayOf, expectClose, type GoldenArray, type GoldenCase, rowOf, rowsOf, tensorOf } from '@tp/core/testing'
import { encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { crossEntropy, policyLoss } from '@tp/train'
import { run } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { classState, feedOf, goldenEncoder, goldenPolicy, policyNames, transposed } from '../test/golden-encoder.ts'
import { trBert } from './index.ts'

const method = trBert()
const layers = [1, 2]

function policyAt(golden: GoldenCase, layer: number): Record<string, ConstantData> {
  return goldenPolicy(golden, layers.indexOf(layer))
}

function constants(policy: Record<string, ConstantData>): Values {
  return Object.fromEntries(Object.entries(policy).map(([name, value]) => [name, constantOf(value, () => value.data)]))
}

/** Place among `tokens` of each of `rows`, by equal states. */
function positionsOf(rows: readonly (readonly number[])[], tokens: readonly (readonly number[])[]): number[] {
  const distance = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))))
  return rows.map((row) => tokens.findIndex((token) => distance(row, token) < 1e-4))
}

/** [1,N,D] as one list for each token. */
function tokensOf({ shape, data }: GoldenArray): number[][] {
  return rowsOf({ dtype: 'float32', shape: shape.slice(1), data })
}

/** The states after layer 0 of example `row`, by token: the input of the first selection. */
function firstStates(golden: GoldenCase, row: number): number[][] {
  const { first } = goldenEncoder(golden)
  const feeds = {
    hidden: feedOf(rowOf(arrayOf(golden.inputs, 'hidden'), row)),
    mask: feedOf(rowOf(arrayOf(golden.inputs, 'valid'), row)),
  }
  const [{ dims, data } = { dims: [], data: [] }] = evaluate([first], feeds) as unknown as readonly GoldenStates[]
  return tokensOf({ dtype: 'float32', shape: dims, data: Array.from(data) })
}

interface GoldenStates {
  readonly dims: readonly number[]
  readonly data: ArrayLike<number>
}

function pruned(model: Model, options: Partial<PruneOptions> & Pick<PruneOptions, 'schedule'>): Model {
  const result = transform(model, prune({ method, ...options }))
  return result.model
}

describe('inference of the authors’ code', () => {
  for (const name of ['single', 'keep-all', 'keep-cls-only', 'batch-pad']) {
    test(`tr_bert/infer-${name}`, async () => {
      const golden = goldenCase(`tr_bert/infer-${name}`)
      const threshold = new Map(layers.map((layer) => [layer, { kind: 'threshold', value: 0.5 } as const]))
      const model = pruned(goldenEncoder(golden).model, {
        schedule: threshold,
        protect: [0],
        restore: 'none',
        trace: true,
        params: (layer) => constants(policyAt(golden, layer)),
      })
      await using session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
      const examples = rowsOf(arrayOf(golden.inputs, 'valid')).length
      for (let row = 0; row < examples; row++) {
        const states = firstStates(golden, row)
        const score = (method as Scorer).score({
          hidden: tensorOf({
            dtype: 'float32',
            shape: [1, states.length, states[0]?.length as number],
            data: states.flat(),
          }),
          param: constants(policyAt(golden, 1)),
        } as unknown as Site)
        const attended = rowsOf(arrayOf(golden.inputs, 'valid'))[row]?.filter((mark) => mark === 1).length as number
        const [seen] = evaluate([score], {}) as readonly TensorLike[]
        const probabilities = rowsOf(arrayOf(golden.outputs, 'policy_prob_0'))[row] as number[]
        const upTo = (list: ArrayLike<number | bigint>): number[] => Array.from(list, Number).slice(0, attended)
        expectClose(upTo(seen?.data as Float32Array), upTo(probabilities), 'π')

        const outputs = await session.run({
          hidden: feedOf(rowOf(arrayOf(golden.inputs, 'hidden'), row)),
          mask: feedOf(rowOf(arrayOf(golden.inputs, 'valid'), row)),
        })
        const kept = (layer: number): number[] => keptAt(outputs, layer)
        const share = (selection: number): number =>
          (arrayOf(golden.outputs, `kept_fraction_${selection}`).data[row] as number) * states.length
        expect(kept(1)).toHaveLength(Math.round(share(0)))
        // In a batch, theirs fills rows up to the longest with tokens that are to be pruned, and shows them to the others: here
        // only the first row is whole, up to the second selection.
        if (examples > 1 && row > 0) continue
        const order = positionsOf(tokensOf(rowOf(arrayOf(golden.outputs, 'layer_input_1'), row)), states)
        expect(kept(1)).toEqual(order.toSorted((a, b) => a - b))
        const again = golden.outputs.policy_prob_1 && rowsOf(golden.outputs.policy_prob_1)[row]
        const expected = order.filter((_, slot) => slot === 0 || (again?.[slot] ?? 0) >= 0.5)
        expect(kept(2)).toEqual(expected.toSorted((a, b) => a - b))
        if (again !== undefined) expect(kept(2)).toHaveLength(Math.round(share(1)))
        if (examples > 1) continue
        const last = tokensOf(rowOf(arrayOf(golden.outputs, 'last_hidden'), row))
        const { dims, data } = outputs.last as unknown as GoldenStates
        const own = tokensOf({ dtype: 'float32', shape: dims, data: Array.from(data) })
        const positions = positionsOf(last, own)
        expect(positions.toSorted((a, b) => a - b)).toEqual(last.map((_, i) => i))
        positions.forEach((position, i) => {
          expectClose(own[position] as number[], last[i] as number[], `state ${i}`)
        })
      }
    })
  }
})

function keptAt(outputs: Readonly<Record<string, TensorLike>>, layer: number): number[] {
  const numbers = (what: string): number[] => Array.from(outputs[`tp.trace.${layer}.${what}`]?.data ?? [], Number)
  const valid = numbers('valid')
  return numbers('indices').filter((_, slot) => valid[slot] === 1)
}

describe('training of the authors’ code', () => {
  for (const name of ['policy-gradient', 'policy-gradient-k2']) {
    test(`tr_bert/${name}`, async () => {
      const golden = goldenCase(`tr_bert/${name}`)
      const { samples_K: copies, alpha } = golden.params as { samples_K: number; alpha: number }
      const { model } = goldenEncoder(golden)
      const learned = new Map<string, { readonly tensor: Tensor; readonly value: ConstantData }>()
      const params = (layer: number): Values =>
        Object.fromEntries(
          Object.entries(policyAt(golden, layer)).map(([key, value]) => {
            const tensor = input(`${layer}.${key}`, 'float32', value.dims)
            learned.set(`${layer}.${key}`, { tensor, value })
            return [key, tensor]
          }),
        )
      // The model has no head that reads the class token: as in the authors' code it is decided on like any other, and
      // the recorded action is to keep it.
      const soft = softened(model, { method: trBert({ samples: copies }), layers, params })
      const [batch = 0, tokens = 0] = arrayOf(golden.inputs, 'hidden').shape
      const labels = input('labels', 'int64', ['B'])
      const logits = matmul(classState(soft.value('last')), tensorOf(arrayOf(golden.inputs, 'classifier')))
      const task = crossEntropy(logits, labels)
      // theirs is of the padded length
      const kept = layers.map((layer) => div(sum(soft.kept.get(layer) as Tensor, 1), tokens))
      const reward = sub(mul(task, -1), mul(add(kept[0] as Tensor, kept[1] as Tensor), alpha / 2))
      const logProb = add(soft.logProbs[0] as Tensor, soft.logProbs[1] as Tensor)
      const loss = policyLoss(reward, logProb, copies)
      const slopes = gradients(
        loss,
        [...learned.values()].map(({ tensor }) => tensor),
      )
      const outputs: Record<string, Tensor> = { logits, task, reward, logProb, loss }
      layers.forEach((layer, i) => {
        outputs[`kept.${layer}`] = kept[i] as Tensor
      })
      ;[...learned.keys()].forEach((key, i) => {
        outputs[`slope.${key}`] = slopes[i] as Tensor
      })

      const feeds: Record<string, TensorLike> = {
        hidden: feedOf(arrayOf(golden.inputs, 'hidden'), copies),
        mask: feedOf(arrayOf(golden.inputs, 'valid'), copies),
        labels: feedOf(arrayOf(golden.inputs, 'labels'), copies),
        'tp.noise.1.0': noiseFor(actionsOf(golden, 0)),
        'tp.noise.2.0': noiseFor(actionsOf(golden, 1)),
      }
      for (const [key, { value }] of learned) {
        feeds[key] = { type: 'float32', dims: value.dims, data: value.data as Float32Array }
      }
      const seen = await run(outputs, feeds)
      const numbers = (key: string): number[] => Array.from(seen[key]?.data ?? [], Number)
      const expected = (key: string): number[] => [...arrayOf(golden.outputs, key).data]
      expectClose(numbers('logits'), expected('logits'), 'logits')
      expectClose(numbers('task'), expected('cross_entropy'), 'cross-entropy')
      const fractions = rowsOf(arrayOf(golden.outputs, 'kept_fraction'))
      expectClose(numbers('kept.1'), fractions[0] as number[], 'kept by the first selection')
      expectClose(numbers('kept.2'), fractions[1] as number[], 'kept by the second')
      expectClose(
        numbers('logProb').map((x) => -x),
        expected('select_loss'),
        'log-probabilities',
      )
      expectClose(numbers('reward'), expected('reward'), 'rewards')
      const baselines = Array.from({ length: batch * copies }, (_, i) => expected('baseline')[i % batch] as number)
      expectClose(
        expected('reward').map((x, i) => x - (baselines[i] as number)),
        expected('advantage'),
        'advantages are rewards over the mean of the samples',
      )
      expectClose(numbers('loss'), expected('policy_loss'), 'policy loss')
      for (const [layer, selection] of layers.map((layer, i) => [layer, i] as const)) {
        for (const [own, theirs] of Object.entries(policyNames)) {
          const slope = arrayOf(golden.outputs, `grad_${theirs.replace('#', `${selection}`)}`)
          const [rows = 0, columns = 1] = slope.shape
          const by = slope.shape.length === 2 ? transposed(slope.data, rows, columns) : slope.data
          expectNearGradient(numbers(`slope.${layer}.${own}`), by, `${theirs} of selection ${selection}`)
        }
      }
    })
  }
})

test('keeps the likeliest token of a row that would lose all', async () => {
  const golden = goldenCase('tr_bert/infer-single')
  const { model } = goldenEncoder(golden)
  const params = (layer: number): Values => constants(policyAt(golden, layer))
  const soft = softened(model, { method, layers: [1], params })
  const hidden = feedOf(arrayOf(golden.inputs, 'hidden'))
  const feeds = { hidden, mask: feedOf(arrayOf(golden.inputs, 'valid')) }
  const outputs = { last: soft.value('last'), kept: soft.kept.get(1) as Tensor }
  const seen = await run(outputs, { ...feeds, 'tp.noise.1.0': noiseFor([new Array(hidden.dims[1] as number).fill(0)]) })
  const left = Array.from(seen.left?.data ?? [], Number)
  const probabilities = arrayOf(golden.outputs, 'policy_prob_0').data
  const best = probabilities.indexOf(Math.max(...probabilities))
  expect(left).toEqual(left.map((_, i) => Number(i === best)))
  const nothing = new Map([[1, { kind: 'threshold', value: 2 } as const]])
  const alone = pruned(model, { schedule: nothing, protect: [], restore: 'none', params })
  await using session = await nodeRuntime().load(encodeModel(alone), { threads: 1 })
  const expected = Array.from((await session.run(feeds)).last?.data ?? [], Number)
  const width = expected.length
  expectClose(Array.from(seen.last?.data ?? [], Number).slice(best * width, (best + 1) * width), expected, 'its state')
})

function softened(
  model: Model,
  options: { method: Method; layers: readonly number[]; params: (layer: number) => Values },
) {
  // The authors' code protects no token by position.
  const soft = soften(model, { protect: [], ...options })
  return soft satisfies SoftModel
}

/** Actions of a selection by token, [B·K,N]; those of the second are recorded by the rows that the first kept. */
function actionsOf(golden: GoldenCase, selection: number): number[][] {
  const actions = rowsOf(arrayOf(golden.inputs, `actions_${selection}`))
  if (selection === 0) return actions
  const examples = arrayOf(golden.inputs, 'hidden').shape[0] as number
  const states = Array.from({ length: examples }, (_, row) => firstStates(golden, row))
  const valid = rowsOf(arrayOf(golden.inputs, 'layer1_row_valid'))
  return actions.map((row, i) => {
    const own = states[i % examples] as number[][]
    const left = tokensOf(rowOf(arrayOf(golden.inputs, 'layer1_input_rows'), i))
    const positions = positionsOf(left, own)
    const byToken = own.map(() => 0)
    row.forEach((action, slot) => {
      if (valid[i]?.[slot] === 1) byToken[positions[slot] as number] = action
    })
    return byToken
  })
}

/** Noise below every probability where the action is to keep, above it elsewhere. */
function noiseFor(actions: readonly (readonly number[])[]): TensorLike {
  const data = Float32Array.from(actions.flat(), (action) => (action === 1 ? 0 : 0.9999999))
  return { type: 'float32', dims: [actions.length, actions[0]?.length as number], data }
}

/** Within 1e-5 + 1e-3·|b|, the tolerance of recorded gradients. */
function expectNearGradient(seen: readonly number[], expected: readonly number[], what: string): void {
  expect(seen.length, what).toBe(expected.length)
  const far = seen.filter(
    (x, i) => Math.abs(x - (expected[i] as number)) > 1e-5 + 1e-3 * Math.abs(expected[i] as number),
  )
  expect(far, what).toEqual([])
}
