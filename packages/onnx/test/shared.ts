import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isTpError } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { test } from 'vitest'
import { decodeModel, decodeTensor, Graph, type NamedTensor, type ReadExternal } from '../src/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Folder with trained models that are not part of the repository. */
const shared: string = process.env.TP_SHARED ?? join(root, '../shared')
/** Of packages that depend on this one, so that it is read by its path. */
export const fixtures: string = join(root, 'tools/exported-encoders/fixtures')

export interface OnnxFile {
  /** `bert-cls-optimum/model.onnx`, below the kind's folder */
  readonly name: string
  readonly path: string
}

/** Every ONNX file of the fixtures and models; empty where the folder is missing. */
export function onnxFiles(...kinds: ('fixtures' | 'models')[]): OnnxFile[] {
  const found: OnnxFile[] = []
  for (const kind of kinds.length === 0 ? (['fixtures', 'models'] as const) : kinds) {
    const folder = kind === 'fixtures' ? fixtures : join(shared, kind)
    if (!existsSync(folder)) continue
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(folder, entry)
      if (entry.endsWith('.onnx')) found.push({ name: `${basename(dirname(path))}/${basename(path)}`, path })
    }
  }
  return found
}

/** Where a file of `onnxFiles` is. */
export function pathOf(file: string): string {
  const found = onnxFiles().find(({ name }) => name === file)
  if (found === undefined) throw new RangeError(`there is no file ${file}`)
  return found.path
}

export function fixture(name: string): Uint8Array {
  return readFileSync(join(fixtures, name, 'model.onnx'))
}

/** Registers a test of a trained model; where these are missing, the test's name says that it was left out. */
export const trainedTest: typeof test | typeof test.skip = (
  existsSync(join(shared, 'models'))
    ? test
    : (name: string) => test.skip(`${name} (left out: the shared folder is not here)`, () => {})
) as typeof test

/** One test for each name; where there are none, one that is left out and says so. */
export function testsOfFiles(
  names: readonly string[],
  what: string,
  body: (name: string) => void | Promise<void>,
): void {
  if (names.length === 0) test.skip(`${what} (left out: the shared folder is not here)`, () => {})
  for (const name of names) test(`${name}: ${what}`, () => body(name))
}

export interface StoredData {
  readonly name: string
  readonly inputs: Readonly<Record<string, NamedTensor>>
  readonly outputs: Readonly<Record<string, NamedTensor>>
}

/** Inputs of a fixture with the outputs that onnxruntime gave for them. */
export function dataSets(name: string): StoredData[] {
  const folder = join(fixtures, name)
  const sets = readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_'))
  return sets.sort().map((set) => {
    const read = (kind: string): Record<string, NamedTensor> => {
      const files = readdirSync(join(folder, set)).filter((file) => file.startsWith(kind))
      const tensors = files.map((file) => decodeTensor(readFileSync(join(folder, set, file))))
      return Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor]))
    }
    return { name: set, inputs: read('input'), outputs: read('output') }
  })
}

export function fixtureNames(): string[] {
  return onnxFiles('fixtures').map(({ name }) => dirname(name))
}

/** Every second fixture in the order of their names. */
export function everySecondFixture(): ReadonlySet<string> {
  return new Set(fixtureNames().filter((_, i) => i % 2 === 0))
}

/** The fixture opened with its data file, where it has one. */
export function openFixture(name: string): Graph {
  return new Graph(decodeModel(fixture(name), { external: folderReader(join(fixtures, name)) }))
}

export function folderReader(folder: string): ReadExternal {
  return (location, offset, length) => {
    const file = openSync(join(folder, location), 'r')
    try {
      const bytes = new Uint8Array(length)
      readSync(file, bytes, 0, length, offset)
      return bytes
    } finally {
      closeSync(file)
    }
  }
}

/** Largest difference of two arrays of the same shape; infinite for different shapes. */
export function maxDifference(a: TensorLike, b: TensorLike): number {
  if (a.dims.join() !== b.dims.join()) return Number.POSITIVE_INFINITY
  const other = Array.from(b.data as ArrayLike<number>, Number)
  return Math.max(0, ...Array.from(a.data as ArrayLike<number>, (x, i) => Math.abs(Number(x) - (other[i] as number))))
}

export function errorCode(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return isTpError(error) ? error.code : `another exception: ${error}`
  }
  return 'none'
}
