import { type Method, none, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, type PruneOptions, prune, type Refusal, transform, whyRefused } from '../src/index.ts'
import {
  type DropGolden,
  dataSets,
  dropGoldens,
  type Fixture,
  type FixtureFacts,
  fixtures,
  openFixture,
} from './fixtures.ts'
import { difference, numbers, run, runOnEach } from './run.ts'

/** Half precision keeps three digits. */
function tolerance({ producerOptions }: FixtureFacts): number {
  return (producerOptions.post ?? []).some(({ post }) => post.includes('float16')) ? 5e-3 : 1e-5
}

/** Products of 8-bit numbers saturate on processors without instructions for them, so that their results differ by machine. */
function isEightBit({ proto }: Model): boolean {
  return (proto.graph?.node ?? []).some(({ opType }) => /Quantize|Integer|^QLinear/.test(opType))
}

for (const [row, fixture] of fixtures.entries()) {
  const { name, facts } = fixture
  describe(name, () => {
    const model = openFixture(fixture)
    if (!facts.prunable) {
      test('refuses the model', () => {
        const refusal = whyRefused(() => transform(model, prune({ method: none(), schedule: new Map() })))
        expectRefusal(model, refusal)
        expect(refusal?.message).toMatch(reasons[facts.architecture] as RegExp)
      })
    } else {
      testPruning(fixture, model, row)
    }
  })
}

/** The words that the sentence must have where a model can never be pruned. */
const reasons: Readonly<Record<string, RegExp>> = {
  swin: /window/,
  pvt: /spatial reduction/,
  resnet: /convolution/,
  convnext: /convolution/,
  fnet: /Fourier/,
}

function expectRefusal(model: Model, refusal: Refusal | undefined): void {
  const seen = inspect(model)
  expect(seen.ok).toBe(false)
  if (seen.ok) return
  expect(seen.refusal).toEqual(refusal)
  expect(seen.refusal.code).toMatch(/^TP_[A-Z_]+$/)
  expect(seen.refusal.message).toMatch(/^[^\n]{20,}$/)
  expect(seen.refusal.node).toMatch(/^.+ \(\w+\)$/)
}

function testPruning(fixture: Fixture, model: Model, row: number): void {
  const { facts } = fixture
  const sets = dataSets(fixture)
  const folder = facts.external ? fixture.folder : undefined
  const feeds = sets.map(({ inputs }) => inputs)
  const layers = Array.from({ length: facts.layers }, (_, layer) => layer)
  /** The outputs of the dense model: as it was stored, or, with products of 8-bit numbers, on this machine. */
  let denseOutputs: Promise<readonly NamedTensors[]> | undefined
  const dense = (): Promise<readonly NamedTensors[]> => {
    denseOutputs ??= isEightBit(model)
      ? runOnEach(model, feeds, folder)
      : Promise.resolve(sets.map(({ outputs }) => outputs))
    return denseOutputs
  }

  const expectKeepsAll = async (deadTokens: boolean): Promise<void> => {
    const everything = schedule(facts.layers, { layers: layers, tokens: 9999 })
    const { model: kept, cuts } = pruned(model, {
      method: receivedAttention(),
      schedule: everything,
      trace: true,
      deadTokens,
    })
    // Behind the last cut a class-token head reads its token alone, so that the cut itself can be dead.
    const dead = deadTokens && cuts.length < layers.length ? 1 : 0
    expect(cuts.map(({ layer }) => layer)).toEqual(layers.slice(0, facts.layers - dead))
    for (const [i, results] of (await runOnEach(kept, feeds, folder)).entries()) {
      expectOutputs(results, (await dense())[i] as NamedTensors, tolerance(facts), sets[i]?.name as string)
      for (const layer of layers) {
        const indices = results[`tp.trace.${layer}.indices`] as TensorLike
        const [batch, count] = indices.dims as [number, number]
        // Padding comes last, also where it was on the left.
        const rows = Array.from({ length: batch }, (_, row) => numbers(indices).slice(row * count, (row + 1) * count))
        const rising = Array.from({ length: count }, (_, i) => i)
        expect(rows.map((row) => row.sort((a, b) => a - b))).toEqual(rows.map(() => rising))
      }
    }
  }
  const unchanged = {
    'without dead tokens it gives what the dense model gives': async () => {
      const { model: lean, layerCount: found } = pruned(model, { method: none(), schedule: new Map() })
      expect(found).toBe(facts.layers)
      for (const [i, results] of (await runOnEach(lean, feeds, folder)).entries()) {
        expectOutputs(results, (await dense())[i] as NamedTensors, tolerance(facts), sets[i]?.name as string)
      }
    },
    'keeping everything changes nothing (with dead tokens)': () => expectKeepsAll(false),
    'keeping everything changes nothing (without dead tokens)': () => expectKeepsAll(true),
  }
  const goldens = [...dropGoldens(fixture).entries()]
  const kinds = inTurn(['golden', 'unchanged'], row, 1)
  if (goldens.length === 0 || kinds.includes('unchanged')) {
    for (const [what, check] of inTurn(Object.entries(unchanged), row, 1)) test(what, check)
  }
  for (const [i, golden] of kinds.includes('golden') ? inTurn(goldens, row >> 1, 1) : []) {
    test(`golden: ${golden.name}`, async () => {
      const inputs = sets.find(({ name }) => name === golden.inputs)?.inputs as NamedTensors
      for (const trace of inTurn([true, false], (row >> 2) + i, 1)) {
        const results = await run(pruned(model, { ...optionsOf(golden, facts), trace }).model, inputs, folder)
        for (const [output, { shape, data }] of Object.entries(golden.outputs)) {
          expect(results[output]?.dims).toEqual(shape)
          expect(difference(numbers(results[output]), data)).toBeLessThan(1e-4)
        }
        if (trace) expectKept(results, golden)
      }
    })
  }
}

function optionsOf({ rule }: DropGolden, { layers }: FixtureFacts): PruneOptions {
  const method: Method = rule.score === 'cls' ? clsAttention() : receivedAttention()
  return {
    method,
    schedule: schedule(layers, { layers: Object.keys(rule.keep).map(Number), tokens: Object.values(rule.keep) }),
    protect: rule.protect,
    restore: rule.restore ? 'all' : 'none',
  }
}

function expectKept(results: NamedTensors, { kept }: DropGolden): void {
  for (const [layer, expected] of Object.entries(kept)) {
    const indices = results[`tp.trace.${layer}.indices`]
    const width = indices?.dims[1] as number
    const all = numbers(indices)
    expect(expected.map((_, row) => all.slice(row * width, (row + 1) * width))).toEqual(expected)
  }
}

function pruned(model: Model, options: PruneOptions) {
  const { model: small, reports } = transform(model, prune(options))
  return { ...reports[0], model: small }
}

function expectOutputs(results: NamedTensors, expected: NamedTensors, limit: number, what: string): void {
  for (const [name, output] of Object.entries(expected)) {
    expect(results[name]?.dims, `${what}: ${name}`).toEqual(output.dims)
    expect(difference(numbers(results[name]), numbers(output)), `${what}: ${name}`).toBeLessThan(limit)
  }
}
