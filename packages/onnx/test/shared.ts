import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Folder with the exported encoders and trained models that are not part of the repository. */
export const shared: string = process.env.TP_SHARED ?? join(root, '../shared')

export interface OnnxFile {
  /** `bert-cls-optimum/model.onnx` */
  readonly name: string
  readonly path: string
}

/** Every ONNX file of the fixtures and models; empty where the folder is missing. */
export function onnxFiles(...kinds: ('fixtures' | 'models')[]): OnnxFile[] {
  const found: OnnxFile[] = []
  for (const kind of kinds.length === 0 ? (['fixtures', 'models'] as const) : kinds) {
    const folder = join(shared, kind)
    if (!existsSync(folder)) continue
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(folder, entry)
      if (entry.endsWith('.onnx')) found.push({ name: `${basename(dirname(path))}/${basename(path)}`, path })
    }
  }
  return found
}

export function fixture(name: string): Uint8Array {
  return readFileSync(join(shared, 'fixtures', name, 'model.onnx'))
}

/** Registers a test that reads the shared folder; where it is missing, the test's name says that it was left out. */
export const sharedTest: typeof test | typeof test.skip = (
  existsSync(join(shared, 'fixtures'))
    ? test
    : (name: string) => test.skip(`${name} (left out: the folder of shared fixtures is not here)`, () => {})
) as typeof test
