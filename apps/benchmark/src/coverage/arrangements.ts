import { readFileSync } from 'node:fs'
import { type Arrangement, verifyInvariance, verifyQuantized, verifySame } from '@tp/compare'
import { inspect, pack, prune, type QuantizeOptions, quantize, roundsByBatch, transform } from '@tp/compiler'
import { isTpError, none, schedule } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { encodeModel, type Model } from '@tp/onnx'
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

/** A model with what loads it: data files lie next to the fixture. */
interface Opened {
  readonly model: Model
  readonly session: Session
}

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
const changes: Readonly<Record<ChangeName, (source: Opened) => Promise<Compared>>> = {
  'pruned, exact': async (source) =>
    await exactly(source, transform(source.model, prune({ method: none(), schedule: new Map() })).model, node),
  pruned: async (source) => await invariant(source, pruned(source.model, true)),
  packed: async (source) => await exactly(source, transform(source.model, pack()).model, native),
  '8 bits': async (source) => await rounded(source, transform(source.model, quantize(eightBitForm)).model),
  'pruned, packed': async (source) => {
    const model = pruned(source.model)
    await using session = await node.load(encodeModel(model))
    return await exactly({ model, session }, transform(model, pack()).model, native)
  },
  '8 bits, packed': async (source) => {
    const model = transform(source.model, quantize(eightBitForm)).model
    await using session = await node.load(encodeModel(model))
    return await exactly({ model, session }, transform(model, pack()).model, native)
  },
  'exact, 8 bits': async (source) => {
    const model = transform(source.model, prune({ method: none(), schedule: new Map() })).model
    await using session = await node.load(encodeModel(model))
    return await rounded({ model, session }, transform(model, quantize(eightBitForm)).model)
  },
}

/** Changes an encoder in every way, and compares it with what it was, alone, in a batch, and padded on either side. */
export async function checkArrangements(fixture: Fixture): Promise<readonly Changed[]> {
  const model = openFixture(fixture)
  await using session = await node.load(modelBytes(fixture))
  const found: Changed[] = []
  for (const change of changeNames) {
    try {
      found.push({ change, ...(await changes[change]({ model, session })) })
    } catch (error) {
      if (!isTpError(error)) throw error
      found.push(error.code === 'TP_VERIFY' ? { change, wrong: error.message } : { change, refused: error.code })
    }
  }
  return found
}

/** A file with data next to it is loaded by its path. */
function modelBytes({ folder, facts }: Fixture): string | Uint8Array {
  return facts.external ? `${folder}/model.onnx` : new Uint8Array(readFileSync(`${folder}/model.onnx`))
}

function pruned(model: Model, traced = false): Model {
  const seen = inspect(model)
  const layers = seen.ok ? seen.layers.map(({ layer }) => layer) : [0]
  const amount = schedule(layers.length, { layers, keep: 0.5 })
  return transform(
    model,
    prune({ method: receivedAttention(), schedule: amount, ...(traced && { trace: 'scores' as const }) }),
  ).model
}

async function exactly({ model, session }: Opened, changed: Model, runtime: typeof node): Promise<Compared> {
  await using after = await runtime.load(encodeModel(changed))
  const { difference, arrangements, quantized } = await verifySame({ source: model, dense: session, changed: after })
  return { difference: quantized?.distance ?? difference, arrangements }
}

async function rounded({ model, session }: Opened, changed: Model): Promise<Compared> {
  await using after = await node.load(encodeModel(changed))
  const { distances } = await verifyQuantized({
    ...{ source: model, dense: session, changed: after },
    roundsByBatch: roundsByBatch(changed),
  })
  return { difference: Math.max(0, ...Object.values(distances)), arrangements: Object.keys(distances) as Arrangement[] }
}

async function invariant({ model, session }: Opened, changed: Model): Promise<Compared> {
  await using after = await node.load(encodeModel(changed))
  const seen = await verifyInvariance({ source: model, dense: session, pruned: after, where: 'received-attention' })
  return { arrangements: Object.keys(seen ?? {}) as Arrangement[] }
}
