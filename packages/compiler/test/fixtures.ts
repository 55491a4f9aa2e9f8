import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NamedTensors, TensorLike } from '@tp/core'
import { decodeModel, decodeTensor, type Model } from '@tp/onnx'

const here = fileURLToPath(new URL('../fixtures', import.meta.url))
/** Folder with exported encoders, trained models and data that are not part of the repository. */
export const shared: string = process.env.TP_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url))

/** What `fixture.json` says of an exported encoder (`goldens` are names of files in `pruned/`). */
export interface FixtureFacts {
  readonly architecture: string
  readonly opset: number
  readonly attnImplementation: string
  readonly producerOptions: { readonly post?: readonly { readonly post: string }[] }
  readonly position: string
  readonly layers: number
  readonly tokens: number
  readonly maskInput: string | null
  readonly outputKind: 'pooled' | 'embedding' | 'token-level'
  readonly external: boolean
  readonly prunable: boolean
  readonly refusal?: string
  readonly goldens?: readonly string[]
}

export interface Fixture {
  readonly name: string
  readonly folder: string
  readonly facts: FixtureFacts
}

export interface DataSet {
  readonly name: string
  readonly inputs: NamedTensors
  readonly outputs: NamedTensors
}

/** Outputs of a run in which tokens were really removed, computed without ONNX. */
export interface Golden {
  readonly inputs: string
  readonly rule: {
    readonly method: string
    readonly score: 'cls' | 'received'
    readonly protect: readonly number[]
    readonly keep: Readonly<Record<string, number>>
    readonly restore: boolean
  }
  /** By block and row: indices in the model's input of what stays. */
  readonly kept: Readonly<Record<string, readonly (readonly number[])[]>>
  readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>
}

/** The fixtures of this package, and those of the shared folder where it is there. */
export const fixtures: readonly Fixture[] = [...foldersIn(here), ...foldersIn(join(shared, 'fixtures'))].filter(
  (fixture, i, all) => all.findIndex(({ name }) => name === fixture.name) === i,
)

function foldersIn(parent: string): Fixture[] {
  if (!existsSync(parent)) return []
  const names = readdirSync(parent).filter((name) => existsSync(join(parent, name, 'fixture.json')))
  return names.sort().map((name) => {
    const folder = join(parent, name)
    return { name, folder, facts: JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as FixtureFacts }
  })
}

export function fixture(name: string): Fixture {
  const found = fixtures.find((candidate) => candidate.name === name)
  if (found === undefined) throw new RangeError(`there is no fixture ${name}`)
  return found
}

export function openFixture({ folder }: Fixture): Model {
  return decodeModel(readFileSync(join(folder, 'model.onnx')), {
    external: (location, offset, length) => {
      const bytes = readFileSync(join(folder, location))
      return bytes.subarray(Number(offset), Number(offset) + Number(length))
    },
  })
}

export function dataSets({ folder }: Fixture): DataSet[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('test_data_set_'))
  return names.sort().map((name) => ({
    name,
    inputs: tensorsIn(join(folder, name), 'input'),
    outputs: tensorsIn(join(folder, name), 'output'),
  }))
}

function tensorsIn(folder: string, kind: string): NamedTensors {
  const tensors: Record<string, TensorLike> = {}
  for (const file of readdirSync(folder).filter((name) => name.startsWith(kind))) {
    const { name, type, dims, data } = decodeTensor(readFileSync(join(folder, file)))
    tensors[name] = { type, dims, data }
  }
  return tensors
}

/** Goldens of a fixture in which tokens were dropped (others merge them). */
export function goldens({ folder, facts }: Fixture): (Golden & { readonly name: string })[] {
  return (facts.goldens ?? []).flatMap((name) => {
    const path = join(folder, 'pruned', `${name}.json`)
    if (!existsSync(path)) return []
    const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden
    return golden.rule.method === 'prune' ? [{ ...golden, name }] : []
  })
}
