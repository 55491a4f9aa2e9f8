// Entry of the worker that holds one model and prunes it on each request.
import { countFlops, inspect, isRefused, type Plan, type Sizes, transform, transformsOf } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import { substituteDim } from '@tp/core/expression'
import { sendError } from '@tp/core/runtime'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import type { CompileAnswer, CompileRefusal, CompileRequest, CompileResults } from './compile-protocol.ts'
import { type DataFiles, inlineWeights, readFrom } from './inline-weights.ts'
import { ownMethods } from './methods.ts'
import { importMethods } from './plugins.ts'

let opened: { readonly model: Model; readonly inspection: CompileResults['open'] } | undefined

async function answer(request: CompileRequest): Promise<CompileResults[CompileRequest['kind']]> {
  switch (request.kind) {
    case 'open':
      return open(request.model, request.data)
    case 'count':
      return { ok: true, tokens: count(request.sizes) }
    case 'prune':
      return pruned(request.plan, await methodsFor(request), request.trace)
    case 'work':
      return work(request.plan, await methodsFor(request), request.sizes)
  }
}

function open(bytes: Uint8Array, data: DataFiles): CompileResults['open'] {
  const model = decodeModel(bytes, { external: readFrom(data) })
  inlineWeights(model, data)
  const inspection = inspect(model)
  opened = { model, inspection }
  return inspection
}

/** Here, because sizes in words are known only where they were worked out. */
function count(sizes: Readonly<Record<string, number>>): number | undefined {
  const { inspection } = known()
  const tokens = inspection.ok ? substituteDim(inspection.tokens, sizes) : undefined
  return typeof tokens === 'number' ? tokens : undefined
}

/** Modules are imported only where the plan names none of our own methods, and each only once. */
async function methodsFor({
  plan,
  plugins,
}: {
  readonly plan: Plan
  readonly plugins: readonly string[]
}): Promise<readonly MethodEntry[]> {
  if (ownMethods.some(({ name }) => name === plan.method)) return ownMethods
  const added = await Promise.all(plugins.map((address) => importMethods(address, address)))
  return added.flat()
}

function pruned(plan: Plan, methods: readonly MethodEntry[], trace: boolean): CompileResults['prune'] {
  return orRefusal(() => {
    const { model } = transform(known().model, ...transformsOf(plan, methods, { trace }))
    // Never a shared buffer: the encoder allocates it.
    return { ok: true, model: encodeModel(model) as Uint8Array<ArrayBuffer> }
  })
}

function work(plan: Plan, methods: readonly MethodEntry[], sizes: Sizes): CompileResults['work'] {
  const { model } = known()
  return orRefusal(() => {
    const changed = transform(model, ...transformsOf(plan, methods)).model
    return { ok: true, share: countFlops(changed, sizes) / countFlops(model, sizes) }
  })
}

/** A refusal as a value: errors lose it on their way between threads. */
function orRefusal<T>(work: () => T): T | CompileRefusal {
  try {
    return work()
  } catch (error) {
    if (isRefused(error)) return { ok: false, refusal: error.refusal }
    throw error
  }
}

function known(): NonNullable<typeof opened> {
  if (opened === undefined) throw new TpError('TP_MODEL_LOAD', 'demo', 'no model has been opened')
  return opened
}

const worker = globalThis as unknown as {
  postMessage(message: CompileAnswer, transfer: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent<CompileRequest>) => void): void
}

worker.addEventListener('message', async ({ data }) => {
  try {
    const value = await answer(data)
    worker.postMessage({ ok: true, value }, 'model' in value ? [value.model.buffer] : [])
  } catch (error) {
    worker.postMessage({ ok: false, error: sendError(error) }, [])
  }
})
