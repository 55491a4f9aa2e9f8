import { readFileSync } from 'node:fs'
import { inspect, isRefused, type PruneOptions, pack, prune, type Refused, transform } from '@tp/compiler'
import { isTpError, none, type Schedule, schedule, type Values } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { unlearnedValues } from '@tp/core/testing'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { isTrace, tracedTokens } from '@tp/metrics'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import {
  dataSets,
  difference,
  type Fixture,
  fixturesFolder,
  fixturesIn,
  inTurn,
  numbers,
  openFixture,
  thorough,
} from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { nativeRuntime } from '../src/index.ts'
import { describeNative } from './native.ts'

const node = nodeRuntime()
const native = nativeRuntime()

describeNative('packed models', () => {
  describe('mails in a batch of different lengths', async () => {
    const model = decodeModel(readFileSync(modelPath('mail')))
    const feeds = await mails(8)
    // Not at the last layer: after it only the class token is read.
    const layers = [1, 2, 3, 4]
    const amounts: readonly (readonly [string, Schedule])[] = [
      ['a share', schedule(6, { keep: 0.6, layers })],
      ['a threshold', schedule(6, { threshold: 0.004, layers })],
      ['a mass', schedule(6, { mass: 0.8, layers })],
    ]
    test('pack every attention and give the logits of onnxruntime-node', async () => {
      const packed = transform(model, pack())
      expect(packed.reports[0].attentions).toBe(6)
      expectClose(await both(model, packed.model, feeds))
    })

    for (const [row, { name, create }] of [...attentionMethods, ...hybridMethods].entries()) {
      for (const [words, amount] of inTurn(amounts, row, 1)) {
        const method = create()
        const pruned = pruneIfPossible(model, { method, schedule: amount, trace: true })
        if (pruned === undefined) continue
        const result = packedOrRefused(pruned)
        if (isRefused(result)) {
          test(`refuses ${name} by ${words}, since its tokens are restored between the layers`, () => {
            expect(result.refusal).toMatchObject({
              code: 'TP_PRUNED',
              message: expect.stringContaining('brings tokens back'),
            })
          })
          continue
        }
        test(`give the same logits and kept tokens by ${name} by ${words}`, async () => {
          const { padded, packed } = await both(pruned, result, feeds)
          expectClose({ padded, packed })
          const [seen, expected] = [tracedTokens(packed), tracedTokens(padded)]
          const differing = new Set<number>()
          for (const [layer, rows] of expected) {
            rows.forEach((tokens, row) => {
              if (sorted(seen.get(layer)?.[row]) !== sorted(tokens)) differing.add(row)
            })
          }
          // Which of two equally similar tokens joins the other, rounding decides.
          expect(differing.size).toBeLessThanOrEqual(method.reduces === 'pair' ? 1 : 0)
        })
      }
    }

    test('give a mail alone what it gets among others', async () => {
      const pruned = transform(
        model,
        prune({
          method: attentionMethods[0]?.create() as never,
          schedule: schedule(6, { keep: 0.5 }),
        }),
      )
      await using session = await native.load(encodeModel(transform(pruned.model, pack()).model))
      const together = numbers((await session.run(feeds)).logits)
      for (let row = 0; row < 8; row++) {
        const { logits } = await session.run(oneRow(feeds, row))
        expect(difference(numbers(logits), together.slice(2 * row, 2 * row + 2))).toBeLessThan(1e-5)
      }
    })
  })

  const all = fixturesIn(fixturesFolder).filter(({ facts }) => facts.prunable && !facts.external)
  // Parity of everything is a slow proof.
  const [few, others] = [true, false].map((isFew) => all.filter(({ name }) => everyDay.includes(name) === isFew))
  for (const [row, fixture] of [...(few ?? []), ...inTurn(others ?? [], 0, 0)].entries()) {
    describe(`fixture ${fixture.name}`, () => testFixture(fixture, row))
  }
})

/** Exporters, architectures and precisions that differ most. */
const everyDay: readonly string[] = [
  ...['bert-cls-eager-ts11', 'bert-cls-sdpa-dynamo18', 'bert-qa-sdpa-ts17', 'distilbert-cls-eager-ts14'],
  ...['timm-vit-avgpool-ts17', 'vit-cls-ortfused', 'vit-cls-static-ts11'],
]

/**
 * Half precision, and products that are quantized by the range of all tokens, padding included, give other roundings; packed
 * scores between QuantizeLinear and DequantizeLinear are not rounded at all.
 */
function isInexact({ facts }: Fixture): boolean {
  return (facts.producerOptions.post ?? []).some(({ post }) => /float16|dynamic|QDQ/.test(post))
}

function testFixture(fixture: Fixture, row: number): void {
  const model = openFixture(fixture)
  const { layers } = fixture.facts
  const cases: Readonly<Record<string, PruneOptions>> = {
    dense: { method: none(), schedule: new Map() },
    ...Object.fromEntries(
      [...attentionMethods, ...hybridMethods].flatMap(({ name, create }) =>
        packable.includes(name) ? [[name, { method: create(), schedule: schedule(layers, { keep: 0.6 }) }]] : [],
      ),
    ),
    'cls-attention by mass': {
      method: attentionMethods.find(({ name }) => name === 'cls-attention')?.create() as never,
      schedule: schedule(layers, { mass: 0.7 }),
    },
  }
  const [dense, ...prunings] = Object.entries(cases)
  for (const [name, options] of [dense as (typeof prunings)[number], ...inTurn(prunings, row, 1)]) {
    // Where rounding differs, other tokens may be kept, and everything differs.
    if (name !== 'dense' && isInexact(fixture)) continue
    const pruned = name === 'dense' ? model : pruneIfPossible(model, options)
    if (pruned === undefined) continue
    const packed = packedOrRefused(pruned)
    if (isRefused(packed)) {
      test(`${name} is refused with a reason`, () => {
        expect(packed.refusal.code).toMatch(/^TP_(PACK|PRUNED|MASK|UNSUPPORTED_OP|TOKEN_INDEX)$/)
        expect(packed.refusal.message).toMatch(/^[^\n]{20,}$/)
      })
      continue
    }
    test(`${name}: attended tokens give the same`, async () => {
      for (const { inputs } of dataSets(fixture)) {
        const answers = await both(pruned, packed, inputs)
        expectClose(answers, isInexact(fixture) ? 0.2 : 2e-5, inputs[fixture.facts.maskInput ?? ''])
      }
    })
  }
}

const packable = ['cls-attention', 'received-attention', 'key-norm', 'evit', 'tome']

/** Undefined where the model, or the method with this rule, is refused: others test that. */
function pruneIfPossible(model: Model, options: PruneOptions): Model | undefined {
  try {
    const seen = inspect(model)
    const params = (layer: number): Values => unlearnedValues(options.method, layer, { D: seen.ok ? seen.hidden : 0 })
    return transform(model, prune({ ...(options.method.params !== undefined && { params }), ...options })).model
  } catch (error) {
    if (isRefused(error) || (isTpError(error) && error.code === 'TP_SCHEDULE')) return undefined
    throw error
  }
}

function packedOrRefused(model: Model): Model | Refused {
  try {
    return transform(model, pack()).model
  } catch (error) {
    if (isRefused(error)) return error
    throw error
  }
}

interface Answers {
  readonly padded: NamedTensors
  readonly packed: NamedTensors
}

async function both(padded: Model, packed: Model, feeds: NamedTensors): Promise<Answers> {
  await using one = await node.load(encodeModel(padded))
  await using other = await native.load(encodeModel(packed))
  const answers = { padded: await one.run(feeds), packed: await other.run(feeds) }
  if (packed.proto.functions.length > 0) {
    await using functions = await node.load(encodeModel(packed))
    expectClose({ padded: answers.packed, packed: await functions.run(feeds) }, 1e-4)
  }
  return answers
}

/** Outputs of one row for every token are compared where the mask says that there is one. */
function expectClose({ padded, packed }: Answers, tolerance = 1e-4, mask?: TensorLike): void {
  expect(Object.keys(packed)).toEqual(Object.keys(padded))
  for (const [name, expected] of Object.entries(padded)) {
    if (isTrace(name)) continue
    expect(packed[name]?.dims).toEqual(expected.dims)
    const isAttended = realElements(expected, mask)
    const [seen, reference] = [packed[name], expected].map((tensor) => numbers(tensor).filter((_, i) => isAttended(i)))
    expect(difference(seen as number[], reference as number[]), name).toBeLessThan(tolerance)
  }
}

function realElements({ dims }: TensorLike, mask: TensorLike | undefined): (index: number) => boolean {
  const [rows, tokens] = dims
  if (mask === undefined || rows !== mask.dims[0] || tokens !== mask.dims[1]) return () => true
  const width = dims.slice(2).reduce((a, b) => a * b, 1)
  const marks = numbers(mask)
  return (index) => marks[Math.floor(index / width)] !== 0
}

/** A method may sort tokens by scores that are nearly equal. */
function sorted(positions: readonly number[] = []): string {
  return positions.toSorted((a, b) => a - b).join()
}

async function mails(count: number): Promise<NamedTensors> {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  await using session = await node.load(modelPath('mail'))
  const inputs = await textInputs(textDataset('mails', mailData('test').slice(0, count)), session.inputs, tokenizer, {
    maxTokens: thorough(96, 256),
  })
  return inputs.feeds(Array.from({ length: count }, (_, i) => i))
}

function oneRow(feeds: NamedTensors, row: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => {
      const width = dims[1] as number
      return [name, { type, dims: [1, width], data: data.slice(row * width, (row + 1) * width) as TensorLike['data'] }]
    }),
  )
}
