import { prune } from '@tp/compiler'
import { type MethodEntry, schedule } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'
import { largestDifference, rowsThatDiffer } from '../measure/compare-outputs.ts'
import type { Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'
import type { ChromiumPage } from './chromium-page.ts'

/** A model with a method in it, in Node and in Chromium. */
export interface Case {
  readonly model: string
  readonly method: string
  /** Why it was not run: the compiler's refusal. */
  readonly refusal?: string
  /** Largest difference of a logit from Node. */
  readonly difference: number
  readonly rows: number
  /** Rows for which the two kept different tokens. */
  readonly differing: number
  /** Those of them for which Node alone decides otherwise, too, when its input moves by a millionth. */
  readonly onTheEdge: number
}

/** Runs a model with a method in it on both, on the same inputs. */
export async function compareRuntimes(
  { runtime: node }: Context,
  page: ChromiumPage,
  subject: Subject,
  method: MethodEntry,
  feeds: readonly NamedTensors[],
  runtime: 'wasm' | 'webgpu',
): Promise<Case> {
  const found = { model: subject.name, method: method.name, rows: 0, differing: 0, onTheEdge: 0, difference: 0 }
  const at = schedule(subject.layerCount, { keep: 0.7 })
  const result = prune(subject.model, { method: method.create(), schedule: at, trace: true })
  if (!result.ok) return { ...found, refusal: result.refusal.message }
  const file = encodeModel(result.model)
  await using session = await node.load(file, { threads: 1 })
  await page.load(method.name, file, runtime, { threads: 1 })
  for (const inputs of feeds) {
    const [expected, outputs] = [await session.run(inputs), await page.run(method.name, inputs)]
    found.rows += rowsOf(inputs)
    const rows = rowsThatDiffer(expected, outputs)
    found.differing += rows.size
    if (rows.size > 0) found.onTheEdge += (await rowsOnTheEdge(session, inputs, expected, rows)).size
    found.difference = Math.max(found.difference, largestDifference(expected, outputs))
  }
  await page.clear()
  return found
}

/** How often an input is moved, and by how much of its largest number: what rounding does, too. */
const MOVES = 20
const MILLIONTH = 1e-6

/** Of these rows, those whose tokens change in Node when its input moves a little: their scores all but tie. */
async function rowsOnTheEdge(
  session: Session,
  inputs: NamedTensors,
  expected: NamedTensors,
  rows: ReadonlySet<number>,
): Promise<Set<number>> {
  const changed = new Set<number>()
  for (let move = 0; move < MOVES; move++) {
    for (const row of rowsThatDiffer(expected, await session.run(moved(inputs, move)))) {
      if (rows.has(row)) changed.add(row)
    }
  }
  return changed
}

/** Token numbers cannot move; images and sounds can. */
function moved(inputs: NamedTensors, seed: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      if (!(tensor.data instanceof Float32Array)) return [name, tensor]
      const most = tensor.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      const data = tensor.data.map((value, i) => value + MILLIONTH * most * Math.sin(i * 12.9898 + seed * 78.233))
      return [name, { ...tensor, data }]
    }),
  )
}

function rowsOf(inputs: NamedTensors): number {
  return Object.values(inputs)[0]?.dims[0] ?? 0
}
