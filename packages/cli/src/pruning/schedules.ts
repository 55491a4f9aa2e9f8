import { ALL_TOKENS, flopsSizes, type InputSizes, isText } from '@tp/compare'
import { fromPlan, type Inspection, keepForFlops, type Plan } from '@tp/compiler'
import { type MethodEntry, type Schedule, TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { FlopsShare, OpenPlan } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'

/**
 * The schedules of a plan for one model, one for each encoder by its name.
 * @throws TpError TP_SCHEDULE, TP_ENCODER, TP_FLOPS, TP_SIZES, TP_USAGE
 */
export function schedulesOf(
  { plan, methods }: { readonly plan: OpenPlan; readonly methods: readonly MethodEntry[] },
  model: Model,
  encoders: readonly Inspection[],
): ReadonlyMap<string, Schedule> {
  const { flops } = plan
  const among = encoders.map(({ encoder }) => encoder)
  if (flops !== undefined && among.length > 1)
    throw usageError(`--flops goes with one encoder; name it: --encoder ${among.join(' or ')}`)
  return new Map(
    encoders.map((inspection) => {
      const { encoder: name, layers, open, tokens } = inspection
      if (plan.tokens !== undefined) checkTokens(plan.tokens, tokens)
      const at = (own: Plan): Schedule =>
        fromPlan(own, methods).schedule({ name, layerCount: layers.length, open, among })
      if (flops === undefined) return [name, at(plan)]
      const keep = keepForFlops(model, {
        ...{ method: fromPlan(plan, methods).method, encoder: name, share: flops.share },
        at: flopsSizes(model, inspection, sizesFor(flops, inspection)),
        schedule: (ratio) => at({ ...plan, keep: ratio }),
      })
      return [name, at({ ...plan, keep })]
    }),
  )
}

function checkTokens(values: number | readonly number[], tokens: Inspection['tokens']): void {
  if (typeof tokens !== 'number') return
  const beyond = [values].flat().find((count) => count > tokens && count !== ALL_TOKENS)
  if (beyond === undefined) return
  const advice = `give at most ${tokens}, or ${ALL_TOKENS} to insert the cuts and keep every token`
  throw new TpError('TP_SCHEDULE', 'tp', `tokens is ${beyond}, but the model always has ${tokens}; ${advice}`)
}

function sizesFor({ share, at }: FlopsShare, inspection: Inspection): InputSizes {
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  if (isText(inspection)) {
    if (at === undefined)
      throw usageError(`--flops ${share} needs the length that it is meant for: --flops ${share}@128`)
    return { batch, tokens: at }
  }
  if (at === undefined || at === inspection.tokens) return { batch }
  const seen = `--flops is meant for ${at} tokens, but the model always has ${inspection.tokens}`
  throw new TpError('TP_SCHEDULE', 'tp', `${seen}; leave that out`)
}
