import { isRefused, type PruneOptions, prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import type { Model } from '@tp/onnx'
import { dataSets, difference, type Fixture, type Golden, goldens, numbers, rows, runModel } from 'exported-encoders'

/** How the outputs compare with those of a run with tokens really pruned, computed without ONNX. */
export interface GoldenRun {
  readonly name: string
  /** Pruned tokens were restored before the head. */
  readonly restores: boolean
  /** The compared outputs: `logits [2,12,5]`. */
  readonly outputs: readonly string[]
  readonly difference: number
  readonly problem?: string
}

const LIMIT = 1e-4

/** Every recorded pruning and merging of a fixture. */
export async function checkGoldens(fixture: Fixture, model: Model): Promise<GoldenRun[]> {
  const runs: GoldenRun[] = []
  for (const golden of goldens(fixture)) runs.push(await checkGolden(golden, fixture, model))
  return runs
}

async function checkGolden(golden: Golden, fixture: Fixture, model: Model): Promise<GoldenRun> {
  const run = {
    name: golden.name,
    restores: golden.rule.method === 'prune' && golden.rule.restore,
    outputs: Object.entries(golden.outputs).map(([name, { shape }]) => `${name} [${shape.join()}]`),
  }
  let pruned: Model
  try {
    pruned = transform(model, prune({ ...optionsOf(golden, fixture.facts.layers), trace: true })).model
  } catch (error) {
    if (!isRefused(error)) throw error
    return { ...run, difference: Number.NaN, problem: `is refused: ${error.refusal.message}` }
  }
  const inputs = dataSets(fixture).find(({ name }) => name === golden.inputs)?.inputs as NamedTensors
  const results = await runModel(pruned, inputs, fixture.folder)
  const differences = Object.entries(golden.outputs).map(([name, { shape, data }]) =>
    results[name]?.dims.join() === shape.join() ? difference(numbers(results[name]), data) : Number.POSITIVE_INFINITY,
  )
  const largest = Math.max(...differences)
  if (!(largest < LIMIT)) return { ...run, difference: largest, problem: `differs by ${largest}` }
  return { ...run, difference: largest, ...(!keepsTheSame(golden, results) && { problem: 'keeps other tokens' }) }
}

function optionsOf({ rule }: Golden, layers: number): PruneOptions {
  if (rule.method === 'tome') {
    const { r, proportionalAttention, protect } = rule
    const amounts = schedule(layers, { layers: r.map((_, layer) => layer), remove: r })
    return { method: tome({ proportionalAttention }), schedule: amounts, protect }
  }
  return {
    method: rule.score === 'cls' ? clsAttention() : receivedAttention(),
    schedule: schedule(layers, { layers: Object.keys(rule.keep).map(Number), tokens: Object.values(rule.keep) }),
    protect: rule.protect,
    restore: rule.restore ? 'all' : 'none',
  }
}

/** Dropped: the same indices; merged: each kept token is one of its group. */
function keepsTheSame(golden: Golden, results: NamedTensors): boolean {
  const keptAt = (layer: string): number[][] => rows(results[`tp.trace.${layer}.indices`])
  if ('kept' in golden) {
    return Object.entries(golden.kept).every(([layer, kept]) => JSON.stringify(kept) === JSON.stringify(keptAt(layer)))
  }
  return Object.entries(golden.groups).every(([layer, groups]) => {
    const kept = keptAt(layer)
    return groups.every(
      (row, b) => row.length === kept[b]?.length && row.every((group, i) => group.includes(kept[b]?.[i] as number)),
    )
  })
}
