import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schedule } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { describe, expect, test } from 'vitest'
import { tome } from '../src/index.ts'
import {
  difference,
  fixtureFolder,
  fixtureNames,
  inputsOf,
  numbers,
  openFixture,
  pruned,
  runModel,
} from './exported.ts'

/** Outputs of an exported encoder whose tokens were really merged, computed without ONNX. */
interface Golden {
  readonly inputs: string
  readonly rule: {
    readonly method: string
    readonly r: readonly number[]
    readonly proportionalAttention: boolean
    readonly protect: readonly number[]
  }
  /** By layer, row and kept token: the tokens of the input in it. */
  readonly groups: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>
  readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>
}

describe('ToMe in exported encoders', () => {
  for (const name of fixtureNames()) {
    const folder = fixtureFolder(name)
    const cases = join(folder, 'pruned')
    for (const file of existsSync(cases) ? readdirSync(cases) : []) {
      const golden = JSON.parse(readFileSync(join(cases, file), 'utf8')) as Golden
      if (golden.rule.method === 'tome') test(`${name}: ${file}`, () => compare(folder, golden))
    }
  }
})

async function compare(folder: string, { inputs, rule, groups, outputs }: Golden): Promise<void> {
  const { r, proportionalAttention, protect } = rule
  const model = pruned(openFixture(folder), {
    method: tome({ proportionalAttention }),
    schedule: schedule(r.length, { layers: r.map((_, layer) => layer), remove: r }),
    protect,
    trace: true,
  })
  const results = await runModel(model, inputsOf(folder, inputs))
  for (const [layer, rows] of Object.entries(groups)) {
    const indices = results[`tp.trace.${layer}.indices`] as TensorLike
    expect(indices.dims).toEqual([rows.length, rows[0]?.length])
    const kept = numbers(indices)
    for (const [i, group] of rows.flat().entries()) expect(group).toContain(kept[i])
  }
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    expect(results[name]?.dims).toEqual(shape)
    expect(difference(numbers(results[name]), data), name).toBeLessThan(1e-4)
  }
}
