import { readFileSync } from 'node:fs'
import { input, isTpError, type Method, schedule, scorer } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { digitsData, modelPath } from '@tp/models'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { dataSets, type Fixture, fixtures, openFixture } from '../../test/fixtures.ts'
import { positionEncoder } from '../../test/position-encoders.ts'
import { difference, float32, numbers, run } from '../../test/run.ts'
import { softMask, softNothing } from '../../test/soft-methods.ts'
import { batchOf, mailModel, plainRow } from '../../test/texts.ts'
import { inspect, prune, Refused, type SoftModel, soften, transform } from '../index.ts'

/** Models with inputs to run them on. */
interface Example {
  readonly model: Model
  readonly inputs: NamedTensors
}

const shipped: Readonly<Record<string, () => Example>> = {
  mail: () => {
    const { model, texts } = mailModel(3, 40)
    const longest = Math.max(...texts.map((ids) => ids.length))
    return { model, inputs: batchOf([...texts, texts[0]?.slice(0, 5) ?? []].map(plainRow), longest + 2) }
  },
  'digits-vit': () => {
    const model = decodeModel(readFileSync(modelPath('digits-vit')))
    const digits = digitsData('calibration').slice(0, 2)
    const pixels = digits.flatMap((digit) => Array.from(digit.pixels, (x) => 2 * x - 1))
    return { model, inputs: { [new Graph(model).inputs[0]?.name ?? '']: float32([2, 1, 28, 28], pixels) } }
  },
}
const exported = [
  'bert-cls-sdpa-ts14',
  'bert-cls-ortfused',
  'distilbert-cls-eager-ts14',
  'albert-cls-eager-ts14',
  'roberta-preln-cls-ts14',
  'deit-distilled-ts17',
  'vit-cls-sdpa-ts17',
  'timm-vit-registers-dynamo20',
]

/** Of the exported models every other one, from `first` on. */
function everyExample(first: 0 | 1, check: (example: () => Example, row: number) => Promise<void>): void {
  for (const [row, [name, example]] of Object.entries(shipped).entries()) {
    test(name, { timeout: 60_000 }, () => check(example, row))
  }
  for (const [row, name] of exported.entries()) {
    if (row % 2 !== first) continue
    const fixture = fixtures.find((candidate) => candidate.name === name)
    if (fixture === undefined) test.skip(`${name} (left out: the shared folder is not here)`, () => {})
    else test(name, { timeout: 60_000 }, () => check(() => exampleOf(fixture), row))
  }
}

describe('a soft form that keeps everything gives the dense model’s answer', () => {
  everyExample(0, async (example, row) => {
    const { model, inputs } = example()
    const dense = await run(model, inputs)
    for (const site of inTurn(['attention', 'input'] as const, row, 1)) {
      const soft = softened(model, softNothing(site), all(layerCountOf(model)))
      expectSame(await runSoft(model, soft, inputs), dense, 1e-5)
    }
  })
})

describe('masked tokens give the answer of the pruned model', () => {
  everyExample(1, async (example) => {
    const { model, inputs } = example()
    const method = softMask(0.6)
    const layers = all(layerCountOf(model)).slice(0, -1)
    const pruned = transform(model, prune({ method, schedule: schedule(layers.length + 1, { layers, keep: 0.6 }) }))
    const soft = softened(model, method, layers)
    expectSame(await runSoft(model, soft, inputs), await run(pruned.model, inputs), 1e-4)
  })
})

describe('a soft form is refused', { timeout: 60_000 }, () => {
  const mail = decodeModel(readFileSync(modelPath('mail')))

  test('for a layer that does not exist', () => {
    expect(codeOf(() => softened(mail, softMask(0.5), [6]))).toBe('TP_SCHEDULE')
    expect(codeOf(() => softened(mail, softMask(0.5), [-1]))).toBe('TP_SCHEDULE')
  })

  test('for a method that has nothing to learn', () => {
    const method = scorer({ name: 'plain', family: 'baseline', score: (site) => site.received })
    expect(codeOf(() => softened(mail, method, [1]))).toBe('TP_METHOD')
  })

  test('for a model that is pruned already', () => {
    const pruned = transform(mail, prune({ method: softMask(0.5), schedule: schedule(6, { keep: 0.5 }) }))
    expect(codeOf(() => softened(pruned.model, softMask(0.5), [1]))).toBe('TP_PRUNED')
  })

  test('for other probabilities where the heads are folded into the batch', () => {
    const model = decodeModel(positionEncoder({ term: 'none', fold: 'rows outside', masked: false }))
    expect(codeOf(() => softened(model, softMask(0.5), [0]))).toBe('TP_HEADS')
  })

  test('for a model that cannot be pruned', () => {
    const model = decodeModel(emitModel({ logits: input('x', 'float32', ['B', 3]) }))
    expect(() => softened(model, softMask(0.5), [0])).toThrow(Refused)
  })
})

function softened(model: Model, method: Method, layers: readonly number[]): SoftModel {
  return soften(model, { method, layers, params: () => ({}) })
}

function layerCountOf(model: Model): number {
  const seen = inspect(model)
  if (!seen.ok) throw new Error(seen.refusal.message)
  return seen.layers.length
}

/** The outputs of a model with a soft form in it. */
async function runSoft(model: Model, soft: SoftModel, inputs: NamedTensors): Promise<NamedTensors> {
  const outputs = new Graph(model).outputs.map(({ name }) => [name, soft.value(name)] as const)
  return await run(decodeModel(emitModel(Object.fromEntries(outputs))), inputs)
}

function expectSame(seen: NamedTensors, expected: NamedTensors, tolerance: number): void {
  for (const [name, { dims, data }] of Object.entries(expected)) {
    expect(seen[name]?.dims, name).toEqual(dims)
    expect(difference(numbers(seen[name]), numbers({ dims, data } as TensorLike)), name).toBeLessThan(tolerance)
  }
}

function all(layerCount: number): number[] {
  return Array.from({ length: layerCount }, (_, layer) => layer)
}

function codeOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return isTpError(error) ? error.code : error
  }
}

function exampleOf(fixture: Fixture): Example {
  const [first] = dataSets(fixture)
  if (first === undefined) throw new Error(`${fixture.name} has no inputs`)
  return { model: openFixture(fixture), inputs: first.inputs }
}
