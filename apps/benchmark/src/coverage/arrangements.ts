import { type Arrangement, type Loadable, verify } from '@tp/compare'
import { inspect, isPacked, pack, prune, type QuantizeOptions, quantize, transform } from '@tp/compiler'
import { isTpError, none, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { quantizeFormFor } from '@tp/optimize'
import { nativeRuntime } from '@tp/runtime-native'
import { nodeRuntime } from '@tp/runtime-node'
import { type Fixture, openFixture } from 'exported-encoders'

/** The changes to a model, and how its answers compare with those before. */
export interface Changed<Name extends string = ChangeName> {
  readonly change: Name
  /** The largest difference of any number, or of a file in 8 bits the largest distance as a share of its size. */
  readonly difference?: number
  /** Where answers were compared. */
  readonly arrangements?: readonly Arrangement[]
  /** Why it was not done. */
  readonly refused?: string
  readonly wrong?: string
}

const node = nodeRuntime()
const native = nativeRuntime()
/** As `tp quantize` stores weights on this processor. */
export const eightBitForm: QuantizeOptions = await quantizeFormFor(node)

type Compared = Pick<Changed, 'difference' | 'arrangements'>

export const changeNames = [
  'pruned, exact',
  'pruned',
  'packed',
  '8 bits',
  'pruned, packed',
  '8 bits, packed',
  'exact, 8 bits',
] as const
type ChangeName = (typeof changeNames)[number]

/** The changes to an encoder. Each refuses by throwing, or compares. */
const changes: Readonly<Record<ChangeName, (source: Loadable) => Promise<Compared>>> = {
  'pruned, exact': async (source) => await compared(exact(modelOf(source)), source),
  pruned: async (source) => await compared(pruned(modelOf(source)), source),
  packed: async (source) => await compared(transform(modelOf(source), pack()).model, source),
  '8 bits': async (source) => await compared(transform(modelOf(source), quantize(eightBitForm)).model, source),
  'pruned, packed': async (source) => await packed(pruned(modelOf(source))),
  '8 bits, packed': async (source) => await packed(transform(modelOf(source), quantize(eightBitForm)).model),
  'exact, 8 bits': async (source) => {
    const model = exact(modelOf(source))
    return await compared(transform(model, quantize(eightBitForm)).model, model)
  },
}

/** Changes an encoder in every way, and compares it with what it was, alone, in a batch, and padded on either side. */
export async function checkArrangements(fixture: Fixture): Promise<readonly Changed[]> {
  const model = openFixture(fixture)
  // A file with data next to it is loaded by its path.
  const source = fixture.facts.external ? { model, path: `${fixture.folder}/model.onnx` } : model
  const found: Changed[] = []
  for (const change of changeNames) {
    try {
      found.push({ change, ...(await changes[change](source)) })
    } catch (error) {
      if (!isTpError(error)) throw error
      found.push(error.code === 'TP_VERIFY' ? { change, wrong: error.message } : { change, refused: error.code })
    }
  }
  return found
}

const method = receivedAttention()

function exact(model: Model): Model {
  return transform(model, prune({ method: none(), schedule: new Map() })).model
}

function pruned(model: Model): Model {
  const seen = inspect(model)
  const layers = seen.ok ? seen.layers.map(({ layer }) => layer) : [0]
  return transform(model, prune({ method, schedule: schedule(layers.length, { layers, keep: 0.5 }) })).model
}

function modelOf(source: Loadable): Model {
  return 'path' in source ? source.model : source
}

async function packed(model: Model): Promise<Compared> {
  return await compared(transform(model, pack()).model, model)
}

async function compared(changed: Model, source: Loadable): Promise<Compared> {
  const changedRuntime = isPacked(changed) ? native : node
  const { difference, rounding, arrangements } = await verify(changed, source, {
    ...{ runtime: node, changedRuntime, methods: [{ method }] },
  })
  const largest = rounding ?? difference
  return { arrangements, ...(largest !== undefined && { difference: largest }) }
}
