import { prune, transform } from '@tp/compiler'
import {
  add,
  cast,
  constant,
  gather,
  gelu,
  input,
  layerNormalization,
  log,
  type Method,
  matmul,
  mean,
  mul,
  reshape,
  type Schedule,
  sigmoid,
  sum,
  type Tensor,
  type Values,
} from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import { arrayOf, expectClose, type GoldenArray, type GoldenCase, rowsOf, tensorOf, testMethod } from '@tp/core/testing'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { crossEntropy, distillation } from '@tp/train'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { attention, bertModel, computed, expectSlope, Feeds, softened } from '../test/golden-model.ts'
import { farthest } from '../test/numbers.ts'
import { denseOutput, feedsOf, prunedOutput, softOutput, startingValues } from '../test/soft-and-pruned.ts'
import { draw } from './draw.ts'
import { attendToKept, keepLogit, ratioLoss } from './dynamicvit.ts'
import { dynamicvit } from './index.ts'

testMethod(dynamicvit(), { run })

const part = (array: GoldenArray, rows: readonly number[], columns: readonly number[]): GoldenArray => {
  const width = array.shape[1] ?? 1
  const data = rows.flatMap((row) => columns.map((column) => array.data[row * width + column] as number))
  return { dtype: array.dtype, shape: array.shape.length === 1 ? [rows.length] : [rows.length, columns.length], data }
}
const upTo = (end: number, start = 0): number[] => Array.from({ length: end - start }, (_, i) => start + i)

function transposed({ dtype, shape: [rows = 0, columns = 0], data }: GoldenArray): GoldenArray {
  const swapped = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number)
  return { dtype, shape: [columns, rows], data: swapped }
}

/** The values of a predictor: theirs mixes both halves of the first layer in one matrix, and has two logits, keep first. */
function ours(
  of: (name: string) => GoldenArray,
  logit: (theirs: GoldenArray) => GoldenArray,
): Record<string, GoldenArray> {
  const [first, firstBias, second] = [of('in_conv_1_weight'), of('in_conv_1_bias'), of('out_conv_0_weight')]
  const width = first.shape[0] as number
  const [local, global, all] = [upTo(width / 2), upTo(width, width / 2), upTo(width)]
  return {
    norm: of('in_conv_0_weight'),
    normBias: of('in_conv_0_bias'),
    local: transposed(part(first, local, all)),
    localBias: part(firstBias, local, [0]),
    global: transposed(part(first, global, all)),
    globalBias: part(firstBias, global, [0]),
    fromLocal: transposed(part(second, local, local)),
    fromGlobal: transposed(part(second, local, global)),
    bias1: of('out_conv_0_bias'),
    weight2: transposed(of('out_conv_2_weight')),
    bias2: of('out_conv_2_bias'),
    weight3: transposed(logit(of('out_conv_4_weight'))),
    bias3: logit(of('out_conv_4_bias')),
  }
}

/** The noise on the logit of keeping less that on the other. */
function difference({ dtype, shape, data }: GoldenArray): GoldenArray {
  const half = data.length / 2
  const numbers = data.slice(0, half).map((keep, i) => keep - (data[half + i] as number))
  return { dtype, shape: [1, ...shape.slice(1)], data: numbers }
}

/** The slopes of the first logit are those of the difference. */
function firstOf({ dtype, shape, data }: GoldenArray): GoldenArray {
  return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(0, data.length / 2) }
}

const squeezed = ({ dtype, shape, data }: GoldenArray): GoldenArray => ({ dtype, shape: shape.slice(0, 2), data })

for (const name of ['predictor-train', 'predictor-train-first-stage']) {
  test(`agrees with the authors’ numbers: ${name}`, () => {
    const { inputs, outputs, params } = goldenCase(`dynamicvit/${name}`)
    const feeds = new Feeds()
    const hidden = feeds.input('x', arrayOf(inputs, 'x'))
    const before = feeds.input('before', squeezed(arrayOf(inputs, 'prev_decision')))
    const noise = arrayOf(inputs, 'gumbel_noise')
    const [batch = 0, tokens = 0] = noise.shape
    const uniform = upTo(batch * tokens).map(
      (i) => 1 / (1 + Math.exp((noise.data[2 * i + 1] as number) - (noise.data[2 * i] as number))),
    )
    const u = feeds.input('u', { dtype: 'float32', shape: [batch, tokens], data: uniform })
    const fed = ours((own) => arrayOf(inputs, own), difference)
    const param = Object.fromEntries(Object.entries(fed).map(([own, array]) => [own, feeds.input(own, array)]))
    // no class token among these
    const protectedTokens = cast(mul(before, 0), 'bool')
    const logit = keepLogit({ hidden, protectedTokens, param }, before)
    const decision = mul(before, draw(logit, { noise: () => u }))
    const count = constant(Array.from({ length: batch }, () => tokens))
    const ratio = mean(ratioLoss(decision, count, params.target_ratio as number), [0])
    const slope = feeds.input('slope', arrayOf(inputs, 'grad_decision'))
    const loss = add(mul(ratio, 2), sum(mul(decision, slope), [0, 1]))
    const seen = computed(
      { decision, logProbability: log(sigmoid(logit)), ratio, lossItself: loss },
      loss,
      { hidden, ...param },
      feeds,
    )
    expect(seen.decision?.map(Math.round)).toEqual(arrayOf(outputs, 'decision').data.map(Math.round))
    const keep = arrayOf(outputs, 'log_probs').data.filter((_, i) => i % 2 === 0)
    expectClose(seen.logProbability as number[], keep, 'log-probabilities')
    expectClose(seen.ratio as number[], arrayOf(outputs, 'ratio_loss').data, 'ratio loss')
    expectClose(seen.lossItself as number[], arrayOf(outputs, 'loss').data, 'loss')
    expectSlope(seen.hidden, arrayOf(outputs, 'grad_x'), 'x')
    const slopes = ours((own) => arrayOf(outputs, `grad_${own}`), firstOf)
    for (const [own, array] of Object.entries(slopes)) expectSlope(seen[own], array, own)
  })
}

/** Real tokens only, in their order. */
function tokensOf(batch: number, tokens: number) {
  const rows = <T>(row: readonly T[]): T[] => Array.from({ length: batch }, () => row).flat()
  return {
    index: constant(rows(upTo(tokens)), 'float32', [batch, tokens]),
    attended: cast(constant(rows(upTo(tokens).map(() => 1)), 'float32', [batch, tokens]), 'bool'),
    count: constant(rows([tokens])),
  }
}

for (const name of ['masked-softmax', 'masked-softmax-all', 'masked-softmax-only-cls']) {
  test(`agrees with the authors’ numbers: ${name}`, () => {
    const { inputs, outputs } = goldenCase(`dynamicvit/${name}`)
    const feeds = new Feeds()
    const logits = feeds.input('logits', arrayOf(inputs, 'logits'))
    const policy = feeds.input('policy', squeezed(arrayOf(inputs, 'policy')))
    const [batch = 0, tokens = 0] = arrayOf(inputs, 'policy').shape
    const probabilities = attendToKept(logits, policy, tokensOf(batch, tokens))
    const slope = feeds.input('slope', arrayOf(inputs, 'grad_out'))
    const loss = sum(mul(probabilities, slope), [0, 1, 2, 3])
    const seen = computed({ probabilities }, loss, { logits, policy }, feeds)
    expectClose(seen.probabilities as number[], arrayOf(outputs, 'probs').data, 'probabilities')
    expectSlope(seen.logits, arrayOf(outputs, 'grad_logits'), 'logits')
    expectSlope(seen.policy, arrayOf(outputs, 'grad_policy'), 'policy')
  })
}

/** The layers of a ViT whose weights are named `prefix(layer)norm1_weight` …: `x` [batch,sequence,D] → `y`, `class`. */
function vitModel(golden: GoldenCase, layerCount: number, prefix: (layer: number) => string): Model {
  const { heads, ln_eps: epsilon } = golden.params as Record<string, number>
  const width = arrayOf(golden.inputs, 'x').shape[2] as number
  let x = input('x', 'float32', ['batch', 'sequence', width])
  for (let layer = 0; layer < layerCount; layer++) {
    const array = (name: string): GoldenArray => arrayOf(golden.inputs, `${prefix(layer)}${name}`)
    const linear = (y: Tensor, name: string, rows?: readonly number[]): Tensor => {
      const [weight, bias] = [array(`${name}_weight`), array(`${name}_bias`)]
      const chosen = rows ?? upTo(weight.shape[0] as number)
      const matrix = transposed(part(weight, chosen, upTo(weight.shape[1] as number)))
      return add(matmul(y, tensorOf(matrix)), tensorOf(part(bias, chosen, [0])))
    }
    const norm = (y: Tensor, name: string): Tensor =>
      layerNormalization(y, tensorOf(array(`${name}_weight`)), tensorOf(array(`${name}_bias`)), epsilon as number)
    const positions = { query: 0, key: width, value: 2 * width }
    const context = attention(norm(x, 'norm1'), heads as number, (y, name) =>
      linear(y, 'attn_qkv', upTo(positions[name] + width, positions[name])),
    )
    x = add(x, linear(context, 'attn_proj'))
    x = add(x, linear(gelu(linear(norm(x, 'norm2'), 'mlp_fc1')), 'mlp_fc2'))
  }
  return decodeModel(emitModel({ y: x, class: gather(x, 0, 1) }, { opset: 17 }))
}

test('agrees with the authors’ numbers: block-with-policy', () => {
  const golden = goldenCase('dynamicvit/block-with-policy')
  const feeds = new Feeds()
  feeds.set('x', arrayOf(golden.inputs, 'x'))
  const policy = feeds.input('policy', squeezed(arrayOf(golden.inputs, 'policy')), ['batch', 'sequence'])
  const fixed: Method = {
    ...dynamicvit(),
    training: {
      soften(site) {
        const kept = site.param.policy as Tensor
        return { kept, attend: (scores) => attendToKept(scores, kept, site) }
      },
    },
  }
  const model = vitModel(golden, 1, () => '')
  const soft = softened(model, fixed, { layers: [0], params: () => ({ policy }), feeds })
  const y = soft.value('y')
  const loss = sum(mul(y, feeds.input('slope', arrayOf(golden.inputs, 'grad_y'), y.dims)), [0, 1, 2])
  const seen = computed({ y }, loss, { x: soft.learning('x'), policy }, feeds)
  expectClose(seen.y as number[], arrayOf(golden.outputs, 'y').data, 'y')
  expectSlope(seen.x, arrayOf(golden.outputs, 'grad_x'), 'x')
  expectSlope(seen.policy, arrayOf(golden.outputs, 'grad_policy'), 'policy')
})

for (const name of ['2stage', 'keep-all-then-1']) {
  test(`agrees with the authors’ numbers: infer-${name}`, async () => {
    const golden = goldenCase(`dynamicvit/infer-${name}`)
    const { inputs, outputs } = golden
    const stages = [0, 1]
    // theirs rank the patches, in descending order, and count the kept ones; the class token is first
    const kept: number[][][] = []
    for (const stage of stages) {
      const last = kept.at(-1)
      const ranked = rowsOf(arrayOf(outputs, `keep_idx_${stage}`))
      kept.push(ranked.map((row, example) => [0, ...row.map((i) => last?.[example]?.[i + 1] ?? i + 1)]))
    }
    const schedule: Schedule = new Map(
      stages.map((stage) => [stage, { kind: 'tokens', value: kept[stage]?.[0]?.length ?? 0 }] as const),
    )
    const params = (layer: number): Values => {
      const own = ours((value) => arrayOf(inputs, `predictor${layer}_${value}`), difference)
      return Object.fromEntries(Object.entries(own).map(([value, array]) => [value, tensorOf(array)]))
    }
    const model = vitModel(golden, 2, (layer) => `block${layer}_`)
    const pruned = transform(model, prune({ method: dynamicvit(), schedule, params, restore: 'all', trace: true }))
    await using session = await nodeRuntime().load(encodeModel(pruned.model), { threads: 1 })
    const { shape, data } = arrayOf(inputs, 'x')
    const [batch = 0, tokens = 0, width = 0] = shape
    const results = await session.run({ x: { type: 'float32', dims: shape, data: Float32Array.from(data) } })
    const y = Array.from(results.y?.data as Float32Array)
    const stateOf = (example: number, token: number): number[] =>
      y.slice((example * tokens + token) * width, (example * tokens + token + 1) * width)
    for (let example = 0; example < batch; example++) {
      for (const stage of stages) {
        const own = kept[stage]?.[example] as number[]
        const trace = results[`tp.trace.${stage}.indices`]
        const seen = Array.from(trace?.data as BigInt64Array, Number).slice(
          example * own.length,
          (example + 1) * own.length,
        )
        if (trace !== undefined) expect(seen, `kept ${stage}`).toEqual([...own].sort((a, b) => a - b))
        // a pruned token keeps its last state
        const gone = own.filter((token) => stage === 1 || !kept[1]?.[example]?.includes(token))
        const states = arrayOf(outputs, `x_${stage}`)
        for (const token of gone) {
          const slot = example * own.length + own.indexOf(token)
          expectClose(stateOf(example, token), states.data.slice(slot * width, (slot + 1) * width), `token ${token}`)
        }
      }
    }
  })
}

for (const name of ['mse', 'kl-token', 'batch-mean-ratio']) {
  test(`agrees with the authors’ classes, ratios and divergence: loss-${name}`, () => {
    const { inputs, outputs, params } = goldenCase(`dynamicvit/loss-${name}`)
    const ratios = params.keep_ratio as number[]
    const { clf_weight: own, ratio_weight: ofRatio, distill_weight: ofTeacher } = params as Record<string, number>
    const feeds = new Feeds()
    const logits = feeds.input('logits', arrayOf(inputs, 'logits'))
    const labels = feeds.input('labels', { ...arrayOf(inputs, 'labels'), dtype: 'int64' })
    const teacher = feeds.input('teacher', arrayOf(inputs, 'teacher_logits'))
    const decisions = ratios.map((_, i) => feeds.input(`decision_${i}`, arrayOf(inputs, `decision_${i}`)))
    const classes = mean(crossEntropy(logits, labels), [0])
    const divergence = mean(distillation(logits, teacher, 1), [0])
    const ratio = decisions
      .map((decision, i) => {
        // their dynamic loss has one share for a whole batch: as if that were one row
        const rows = params.dynamic === true ? reshape(decision, [1, -1]) : decision
        const count = mul(sum(add(mul(rows, 0), 1), 1), 1)
        return mean(ratioLoss(rows, count, ratios[i] as number), [0])
      })
      .reduce((a, b) => add(a, b))
    const loss = add(
      add(mul(classes, own as number), mul(ratio, (ofRatio as number) / ratios.length)),
      mul(divergence, ofTeacher as number),
    )
    const learning = { logits, ...Object.fromEntries(decisions.map((decision, i) => [`decision_${i}`, decision])) }
    const seen = computed({ classes, divergence, ratio, lossItself: loss }, loss, learning, feeds)
    expectClose(seen.classes as number[], arrayOf(outputs, 'class_loss').data, 'class loss')
    expectClose(seen.divergence as number[], arrayOf(outputs, 'class_kl').data, 'divergence')
    expectClose(seen.ratio as number[], arrayOf(outputs, 'ratio_loss_sum').data, 'ratio loss')
    expectSlope(seen.logits, arrayOf(outputs, 'grad_logits'), 'logits')
    decisions.forEach((_, i) => {
      expectSlope(seen[`decision_${i}`], arrayOf(outputs, `grad_decision_${i}`), `decision ${i}`)
    })
    // theirs also pulls the states of the tokens to the teacher's
    const [whole, ofTokens] = [arrayOf(outputs, 'loss').data[0], arrayOf(outputs, 'token_loss').data[0]] as [
      number,
      number,
    ]
    expectClose(seen.lossItself as number[], [whole - (ofTeacher as number) * ofTokens], 'loss')
  })
}

describe('dynamicvit in training', () => {
  const golden = goldenCase('transkimmer/train-grad-pad')
  const method = dynamicvit()
  const compared = (seed: number, bias: number) => {
    const learned = startingValues(method, [0, 1], seed, { D: 12 })
    for (const values of learned.values()) (values.bias3 as ConstantData).data[0] = bias
    return { model: bertModel(golden), method, learned, feeds: feedsOf(golden), output: 'class' }
  }
  const schedule = new Map([0, 1].map((layer) => [layer, { kind: 'threshold', value: 0.5 } as const]))

  test('answers like the pruned model, whatever is kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const both = compared(seed, 0)
        // ε counts against the largest score, even where that is of a pruned token
        expect(farthest((await softOutput(both)).values, await prunedOutput(both, schedule))).toBeLessThan(1e-3)
      }),
      { numRuns: 5 },
    )
  })

  test('answers like the dense model where all tokens are kept', async () => {
    const all = compared(1, 30)
    expectClose((await softOutput(all)).values, await denseOutput(all), 'class')
  })
})

testLearning(dynamicvit({ ratio: 0.5 }), { tags: ['exhaustive'] })
