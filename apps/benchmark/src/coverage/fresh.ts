import { type Inspection, inspect, prune, type Refusal, transform } from '@tp/compiler'
import { isTpError, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { dataSets, difference, type Fixture, openFixture, openModel, rows } from 'exported-encoders'
import { unlikeHiding } from './hidden-keys.ts'
import { checkDeadTokens, checkKeepAll } from './nothing-lost.ts'

/** The findings about one of the exports of `tools/fresh-exports`. */
export interface FreshReport {
  readonly fixture: Fixture
  readonly refusal?: Refusal
  /** The parts of the last layer that heads read, in words. */
  readonly reads?: string
  /** Largest differences: to the dense answers with every token kept, and without dead tokens; to hidden keys; of an example in a batch to itself alone. */
  readonly keepAll?: number
  readonly deadTokens?: number
  readonly hiddenKeys?: number | undefined
  readonly alone?: number
  /** The faults, in sentences. */
  readonly problems: readonly string[]
}

/** A few sums in another order. */
const LIMIT = 2e-5

/** Prunes an export, and compares it with itself in every way that needs no recorded run. */
export async function checkFresh(fixture: Fixture): Promise<FreshReport> {
  const { prunable } = fixture.facts
  try {
    const model = openFixture(fixture)
    const seen = inspect(model)
    if (!seen.ok) {
      const { refusal } = seen
      return { fixture, refusal, problems: prunable ? [`is refused: ${refusal.message}`] : [] }
    }
    const inputs = dataSets(fixture)[0]?.inputs as NamedTensors
    const keepAll = await checkKeepAll(fixture, model, seen)
    const deadTokens = await checkDeadTokens(fixture, model)
    const hiddenKeys = await likeHidden(model, seen, inputs)
    const alone = await aloneAndTogether(model, seen, inputs)
    return {
      ...{ fixture, keepAll: keepAll.difference, deadTokens: deadTokens.difference, hiddenKeys, alone },
      reads: readsText(seen),
      problems: [
        ...(seen.layers.length === fixture.facts.layers
          ? []
          : [`${seen.layers.length} sites in ${fixture.facts.layers} layers`]),
        ...[...keepAll.problems, ...deadTokens.problems],
        ...((hiddenKeys ?? 0) < LIMIT ? [] : [`dropping tokens is not like hiding them: ${hiddenKeys}`]),
        ...(alone < LIMIT ? [] : [`an example says another thing in a batch: ${alone}`]),
      ],
    }
  } catch (error) {
    if (isTpError(error)) return { fixture, problems: [`${error.code}: ${error.message}`] }
    throw error
  }
}

async function likeHidden(model: Model, seen: Inspection, inputs: NamedTensors): Promise<number | undefined> {
  if (seen.layers.length < 2 || seen.layers.some(({ fused }) => fused !== undefined)) return undefined
  const tokens = typeof seen.tokens === 'number' ? seen.tokens : inputs.input_ids?.dims[1]
  return tokens === undefined ? undefined : await unlikeHiding(model, { seen, inputs, tokens, amounts: { keep: 0.6 } })
}

/** Largest difference between the first example of a batch and the same alone, pruned. */
async function aloneAndTogether(model: Model, seen: Inspection, inputs: NamedTensors): Promise<number> {
  const layers = seen.layers.slice(0, 2).map(({ layer }) => layer)
  const own = schedule(seen.layers.length, { layers, keep: 0.6 })
  await using session = await openModel(transform(model, prune({ method: receivedAttention(), schedule: own })).model)
  const first = Object.entries(inputs).map(([name, { type, dims, data }]) => {
    const size = data.length / (dims[0] as number)
    return [name, { type, dims: dims.with(0, 1), data: data.slice(0, size) } as TensorLike] as const
  })
  const [together, alone] = [await session.run(inputs), await session.run(Object.fromEntries(first))]
  const differences = Object.keys(alone).map((name) =>
    difference(rows(alone[name])[0] as number[], rows(together[name])[0] as number[]),
  )
  return Math.max(...differences)
}

function readsText({ head }: Inspection): string {
  const kinds = head.flatMap(({ reads }) => reads.map(({ kind }) => kind.replaceAll('-', ' ')))
  return [...new Set(kinds)].join(', ')
}
