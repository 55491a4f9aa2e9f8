import { isTpError } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { isTrace, tracedTokens } from '@tp/metrics'
import { cloneModel, dtypeOf, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedPath } from '../files.ts'
import { prepare } from '../measure/prepare.ts'
import { type MeasuredSubject, openSubject } from '../measure/subject.ts'
import { scheduledMethods } from '../registry/methods.ts'
import { pruned } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import { type ChromiumPage, openChromiumPage } from './chromium-page.ts'

const node = nodeRuntime()
const files = { runtime: node, shared: sharedPath }

let page: ChromiumPage
beforeAll(async () => {
  page = await openChromiumPage()
}, 120_000)
afterAll(() => page[Symbol.asyncDispose]())

/** Up to this logits are the same; scores of twelve layers of sounds add up more rounding. */
const limits: Partial<Record<SubjectName, number>> = { kwt1: 5e-4 }

const names = ['mail', 'digits-vit', 'minilm-imdb', 'fashion-vit', 'vit-mnist', 'kwt1'] as const

describe.each(names)('in Chromium %s gives the logits of Node, and keeps the same tokens', (name) => {
  if (!isPresent(name)) {
    test.skip('by every method (left out: the folder of shared models is not here)', () => {})
    return
  }
  let subject: MeasuredSubject
  beforeAll(async () => {
    subject = await openSubject(files, subjects[name], 'test', 4)
  }, 120_000)

  test.each(scheduledMethods.map((method) => method.name))('by %s', { timeout: 300_000 }, async (method) => {
    await expectSame(subject, method, 'wasm', limits[name] ?? 1e-4)
  })
})

describe('on WebGPU, computed by a processor, mail gives the logits of Node, and keeps the same tokens', () => {
  const methods = ['none', 'received-attention', 'cls-attention', 'random', 'ats', 'evit', 'tome']
  test.each(methods)('by %s', { timeout: 600_000 }, async (method) => {
    await expectSame(await openSubject(files, subjects.mail, 'test', 4), method, 'webgpu', 1e-4)
  })
})

function isPresent(name: SubjectName): boolean {
  try {
    return subjects[name].files(files) !== undefined
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_FILE_NOT_FOUND') return false
    throw error
  }
}

/** Four examples together, texts padded, and the first by itself, at keep 0.7 in each layer but the first. */
async function expectSame(
  subject: MeasuredSubject,
  method: string,
  runtime: 'wasm' | 'webgpu',
  limit: number,
): Promise<void> {
  const setting = pruned(method, { keep: 0.7, layers: Array.from({ length: subject.layers - 1 }, (_, i) => i + 1) })
  const { model } = await prepare(subject, setting, { trace: true })
  const file = encodeModel(model)
  await using session = await node.load(file, { threads: 1 })
  await page.load(method, file, runtime, { threads: 1 })
  try {
    for (const rows of [[0, 1, 2, 3], [0]]) {
      const inputs = await subject.inputs.feeds(rows)
      const [expected, outputs] = [await session.run(inputs), await page.run(method, inputs)]
      const others = rowsThatDiffer(expected, outputs)
      if (others.size > 0)
        expect([...(await onTheEdge(session, model, inputs, expected))]).toEqual(expect.arrayContaining([...others]))
      expect(largestDifference(expected, outputs, others)).toBeLessThan(limit)
    }
  } finally {
    await page.clear()
  }
}

/** Rows of a batch for which two runs kept different tokens; merged ones may stand in another order than they came in. */
function rowsThatDiffer(one: NamedTensors, other: NamedTensors): Set<number> {
  const theirs = tracedTokens(other)
  const listed = (tokens: readonly number[] = []): string => tokens.toSorted((a, b) => a - b).join()
  const differing = [...tracedTokens(one)].flatMap(([layer, tokens]) =>
    tokens.flatMap((kept, row) => (listed(kept) === listed(theirs.get(layer)?.[row]) ? [] : [row])),
  )
  return new Set(differing)
}

/** Of all outputs but traces, in all rows but these. */
function largestDifference(one: NamedTensors, other: NamedTensors, except: ReadonlySet<number>): number {
  const differences = Object.entries(one).flatMap(([name, { data, dims }]) => {
    if (isTrace(name)) return []
    const theirs = (other[name] as TensorLike).data as Float32Array
    const width = data.length / (dims[0] as number)
    return Array.from(data as Float32Array, (value, i) =>
      except.has(Math.floor(i / width)) ? 0 : Math.abs(value - (theirs[i] as number)),
    )
  })
  return Math.max(...differences)
}

/**
 * Rows whose tokens change in Node alone when its input moves by a millionth, as rounding moves it: their scores all but tie. Token numbers cannot
 * move: of texts, weights do.
 */
async function onTheEdge(
  session: Session,
  model: Model,
  inputs: NamedTensors,
  expected: NamedTensors,
): Promise<Set<number>> {
  const changed = new Set<number>()
  const isText = !Object.values(inputs).some(({ data }) => data instanceof Float32Array)
  for (let move = 0; move < 20; move++) {
    await using own = isText ? await node.load(encodeModel(withMovedWeights(model, move)), { threads: 1 }) : undefined
    const outputs = await (own ?? session).run(isText ? inputs : moved(inputs, move))
    for (const row of rowsThatDiffer(expected, outputs)) changed.add(row)
  }
  return changed
}

function withMovedWeights(source: Model, seed: number): Model {
  const model = cloneModel(source)
  for (const tensor of new Graph(model).initializers) {
    const { dataType, rawData } = tensor
    if (dtypeOf(dataType) !== 'float32' || rawData.length < 4096) continue
    const values = new Float32Array(rawData.slice().buffer)
    tensor.rawData = new Uint8Array(
      values.map((value, i) => value * (1 + 1e-6 * Math.sin(i * 12.9898 + seed * 78.233))).buffer,
    )
  }
  return model
}

function moved(inputs: NamedTensors, seed: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      if (!(tensor.data instanceof Float32Array)) return [name, tensor]
      const most = tensor.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      const data = tensor.data.map((value, i) => value + 1e-6 * most * Math.sin(i * 12.9898 + seed * 78.233))
      return [name, { ...tensor, data }]
    }),
  )
}
