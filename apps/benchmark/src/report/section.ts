import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { Table } from '../output/table.ts'

/** What one section of the benchmark found. */
export interface Findings {
  readonly tables: readonly (Table & { readonly caption: string })[]
  /** Sentences that the numbers decide. */
  readonly notes: readonly string[]
  /** The numbers themselves, for programs. */
  readonly values: unknown
}

export interface Context {
  readonly runtime: Runtime
  /** Path of a file or folder beside the project that the section needs. */
  readonly shared: (...parts: string[]) => string
  /** What another section has found. */
  readonly found: (section: string) => Findings | undefined
  readonly onProgress: (text: string) => void
}

/** One part of the benchmark, measured and reported by itself. */
export interface Section {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  run(context: Context): Promise<Findings>
}

/** Models and data that are not part of the project lie beside it, or where `TP_SHARED` says. */
const SHARED = process.env.TP_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url))

/** @throws TpError TP_FILE_NOT_FOUND */
export function sharedPath(...parts: string[]): string {
  const path = join(SHARED, ...parts)
  if (existsSync(path)) return path
  const wanted = parts.join('/')
  throw new TpError(
    'TP_FILE_NOT_FOUND',
    'benchmark',
    `${wanted} is not there; it is looked for beside the project, or in the folder that TP_SHARED names`,
  )
}
