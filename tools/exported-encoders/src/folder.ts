import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { decodeModel, decodeTensor, type Model } from '@tp/onnx'

/** Folder with trained models and data that are not part of the repository. */
export const sharedFolder: string =
  process.env.TP_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url))

/** Folder with small exported encoders; its README says what is in it. */
export const fixturesFolder: string = fileURLToPath(new URL('../fixtures', import.meta.url))

/** The contents of `fixture.json` for an exported encoder (`goldens` are names of files in `pruned/`). */
export interface FixtureFacts {
  readonly architecture: string
  readonly modality: string
  readonly exporter: string
  readonly opset: number
  readonly attnImplementation: string
  readonly producerOptions: { readonly post?: readonly { readonly post: string }[] }
  readonly position: string
  readonly layers: number
  /** In `test_data_set_0`, special ones included. */
  readonly tokens: number
  /** `null`: no token is special. */
  readonly clsIndex: number | null
  /** cls, mean, cls+mean, last, attention-pool or none. */
  readonly pooling: string
  readonly maskInput: string | null
  readonly outputKind: 'pooled' | 'embedding' | 'token-level'
  readonly dynamicAxes: Readonly<Record<string, readonly string[]>> | null
  readonly external: boolean
  readonly prunable: boolean
  /** Why not, where it is not. */
  readonly refusal?: string
  /** Why a refusal is fine, too, where pruning is possible. */
  readonly refusalAcceptable?: string
  readonly goldens?: readonly string[]
}

export interface Fixture {
  readonly name: string
  readonly folder: string
  readonly facts: FixtureFacts
}

/** Inputs of a fixture, and the outputs that onnxruntime gave for them. */
export interface DataSet {
  readonly name: string
  readonly inputs: NamedTensors
  readonly outputs: NamedTensors
}

/** Outputs of a run with pruned tokens, computed without ONNX. */
export type Golden = DropGolden | MergeGolden

interface AnyGolden {
  /** Name of its file. */
  readonly name: string
  /** Name of the data set. */
  readonly inputs: string
  readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>
}

export interface DropGolden extends AnyGolden {
  readonly rule: {
    readonly method: 'prune'
    readonly score: 'cls' | 'received'
    readonly protect: readonly number[]
    /** By layer: number of kept tokens. */
    readonly keep: Readonly<Record<string, number>>
    readonly restore: boolean
  }
  /** By layer and example: positions of the kept tokens. */
  readonly kept: Readonly<Record<string, readonly (readonly number[])[]>>
}

export interface MergeGolden extends AnyGolden {
  readonly rule: {
    readonly method: 'tome'
    /** By layer: tokens that are merged into others. */
    readonly r: readonly number[]
    readonly proportionalAttention: boolean
    readonly protect: readonly number[]
  }
  /** By layer, example and kept token: the input tokens merged into it. */
  readonly groups: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>
}

/** The fixtures in a folder, by name; none where it is missing. */
export function fixturesIn(parent: string): Fixture[] {
  if (!existsSync(parent)) return []
  const names = readdirSync(parent).filter((name) => existsSync(join(parent, name, 'fixture.json')))
  return names.sort().map((name) => {
    const folder = join(parent, name)
    return { name, folder, facts: JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as FixtureFacts }
  })
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

export function goldens({ folder, facts }: Fixture): Golden[] {
  return (facts.goldens ?? []).flatMap((name) => {
    const path = join(folder, 'pruned', `${name}.json`)
    return existsSync(path) ? [{ ...(JSON.parse(readFileSync(path, 'utf8')) as Golden), name }] : []
  })
}
