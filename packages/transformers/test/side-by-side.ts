import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Plan, transform, transformsOf } from '@tp/compiler'
import { decodeModel, encodeModel } from '@tp/onnx'
import { type ModelReport, pruneModels } from '@tp/transformers'
import { expect } from 'vitest'
import { half, methods } from './plans.ts'

export interface SideBySide<Result> {
  readonly dense: Result
  readonly pruned: Result
  /** Of the file that the compiler makes with the same plan. */
  readonly beforehand: Result
  readonly reports: readonly ModelReport[]
}

/** The results of the same lines of a program without `pruneModels`, with it, and without it on a file that was pruned beforehand. */
export async function sideBySide<Result>(
  { folder, name, plan = half }: { readonly folder: string; readonly name: string; readonly plan?: Plan },
  run: (name: string) => Promise<Result>,
): Promise<SideBySide<Result>> {
  const dense = await run(name)
  const reports: ModelReport[] = []
  const pruning = pruneModels({ methods, plans: { [name]: plan }, onModel: (report) => reports.push(report) })
  const pruned = await run(name)
  pruning.dispose()
  await cp(join(folder, name), join(folder, `${name}-beforehand`), { recursive: true })
  await pruneInPlace(join(folder, `${name}-beforehand/onnx/model.onnx`), plan)
  return { dense, pruned, beforehand: await run(`${name}-beforehand`), reports }
}

export async function pruneInPlace(file: string, plan: Plan): Promise<void> {
  const result = transform(decodeModel(await readFile(file)), ...transformsOf(plan, methods))
  await writeFile(file, encodeModel(result.model))
}

/**
 * Tokens were pruned, the outputs are those of the pruned file to the last bit, and they have the form that they had.
 * @param others layers of a second encoder in the file
 */
export function expectPruned(
  { dense, pruned, beforehand, reports }: SideBySide<unknown>,
  cuts: readonly number[],
  others?: readonly number[],
): void {
  const encoders = [{ cuts }, ...(others === undefined ? [] : [{ cuts: others }])]
  expect(reports).toMatchObject([{ outcome: 'pruned', encoders }])
  expect(pruned).toEqual(beforehand)
  expect(pruned).not.toEqual(dense)
  expect(formOf(pruned)).toEqual(formOf(dense))
}

/** A value with every number and text in it replaced by that word. */
function formOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, inner) => (typeof inner === 'object' ? inner : typeof inner))
}
