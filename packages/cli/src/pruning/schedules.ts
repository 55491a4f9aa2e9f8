import { ALL_TOKENS, flopsSizes, isText } from '@tp/compare'
import { fromPlan, type Inspection, keepForFlops, type Plan, type PlannedOptions } from '@tp/compiler'
import { type MethodEntry, type Schedule, TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import { usageError } from '../command/usage-error.ts'
import type { FlopsShare, OpenPlan } from './read-fields.ts'

/**
 * The schedules of a plan for one model, one for each encoder by its name.
 * @throws TpError TP_SCHEDULE, TP_FLOPS, TP_SIZES, TP_USAGE
 */
export function schedulesOf(
  { plan, methods }: { readonly plan: OpenPlan; readonly methods: readonly MethodEntry[] },
  model: Model,
  encoders: readonly Inspection[],
): ReadonlyMap<string, Schedule> {
  const { layers = [], flops } = plan
  const named = Array.isArray(layers) ? [] : Object.keys(layers)
  const names = encoders.map(({ encoder }) => encoder)
  const unknown = named.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw usageError(`--layers ${unknown}: there is no such encoder to prune; the model has ${names.join(' and ')}`)
  }
  if (flops !== undefined && encoders.length > 1) {
    throw usageError(`--flops goes with one encoder; name it: --encoder ${names.join(' or ')}`)
  }
  return new Map(
    encoders.map((inspection) => {
      if (plan.tokens !== undefined) checkTokens(plan.tokens, inspection.tokens)
      const found = flops === undefined ? plan : atFlops(plan, flops, { methods, model, inspection })
      return [inspection.encoder, scheduleFor(fromPlan(found, methods), inspection)]
    }),
  )
}

function scheduleFor({ schedule }: PlannedOptions, { encoder: name, layers, open }: Inspection): Schedule {
  return schedule({ name, layerCount: layers.length, open })
}

/** The plan with the keep ratio that takes a share of the FLOPs. */
function atFlops(
  plan: Plan,
  flops: FlopsShare,
  about: { readonly methods: readonly MethodEntry[]; readonly model: Model; readonly inspection: Inspection },
): Plan {
  const { methods, model, inspection } = about
  const { batch, encoder } = inspection
  const keep = keepForFlops(model, {
    method: fromPlan(plan, methods).method,
    encoder,
    share: flops.share,
    at: flopsSizes(model, inspection, {
      batch: typeof batch === 'number' ? batch : 1,
      tokens: lengthFor(flops, inspection),
    }),
    schedule: (ratio) => scheduleFor(fromPlan({ ...plan, keep: ratio }, methods), inspection),
  })
  return { ...plan, keep }
}

function checkTokens(values: number | readonly number[], tokens: Inspection['tokens']): void {
  if (typeof tokens !== 'number') return
  const beyond = [values].flat().find((count) => count > tokens && count !== ALL_TOKENS)
  if (beyond === undefined) return
  const advice = `give at most ${tokens}, or ${ALL_TOKENS} to insert the cuts and keep every token`
  throw new TpError('TP_SCHEDULE', 'tp', `tokens is ${beyond}, but the model always has ${tokens}; ${advice}`)
}

function lengthFor({ at }: FlopsShare, inspection: Inspection): number | undefined {
  if (isText(inspection)) {
    if (at === undefined) throw usageError('--flops needs the length that it is meant for: --at n=128')
    return at
  }
  if (at !== undefined && at !== inspection.tokens) {
    throw new TpError(
      'TP_SCHEDULE',
      'tp',
      `--at is n=${at}, but the model's own number of tokens is ${inspection.tokens}; leave it out`,
    )
  }
  return undefined
}
