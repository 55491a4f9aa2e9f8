import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelSignature } from '@tp/core/runtime'
import { type ReadTaskData, readTaskData } from '@tp/data'
import { shuffled } from '../chooser/grid.ts'
import { reportsPath, writeWhole } from '../files.ts'
import type { DataPart, ImagePart, OutsideCase, TablePart } from './cases.ts'

/** Data of a task that is compared here: not of speech. */
export type OutsideData = Exclude<ReadTaskData, { readonly task: 'asr' }>

/** A file or folder, as `--data` takes it, with what goes with it. */
export interface DataPath {
  readonly path: string
  readonly top?: number
  readonly candidates?: string
}

/** Puts a part of a suite where `tp` can read it: a table of shuffled examples is written to `reports/outside`. */
export async function dataPath(one: OutsideCase, name: 'choosing' | 'testing', part: DataPart): Promise<DataPath> {
  const folder = one.suite()
  if ('folder' in part) {
    const path = join(folder, part.folder)
    return { path, top: part.top, candidates: join(path, 'candidates.tsv') }
  }
  if ('images' in part) {
    const path = reportsPath(`outside/${one.name}/${name}`)
    await linkImages(join(folder, part.images), path, part)
    return { path }
  }
  const path = reportsPath(`outside/${one.name}/${name}.tsv`)
  await writeWhole(path, await tableOf(folder, part))
  return { path }
}

async function linkImages(from: string, to: string, { from: first = 0, count }: ImagePart): Promise<void> {
  await rm(to, { recursive: true, force: true })
  const classes = await readdir(from)
  for (const name of classes) {
    await mkdir(join(to, name), { recursive: true })
    const files = (await readdir(join(from, name))).toSorted()
    const [begin, end] = [first, first + count].map((all) => Math.floor(all / classes.length))
    for (const file of files.slice(begin, end)) await symlink(join(from, name, file), join(to, name, file))
  }
}

const SEED = 17

async function tableOf(folder: string, part: TablePart): Promise<string> {
  const { files, from = 0, count = Number.POSITIVE_INFINITY, isTagged, isGrouped } = part
  const contents = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const separator = isTagged ? /\n\s*\n/ : /\n/
  const tables = contents.map((text) => text.split(separator).filter((row) => row.trim() !== ''))
  const header = isTagged ? [] : [tables[0]?.[0] as string]
  const rows = tables.flatMap((table) => (isTagged ? table : table.slice(1)))
  const some = (isGrouped ? rows : shuffled(rows, SEED)).slice(from, from + count)
  return `${[...header, ...some].join(isTagged ? '\n\n' : '\n')}\n`
}

export async function readPart(path: string, session: ModelSignature, data: DataPath): Promise<OutsideData> {
  const { path: file, ...options } = data
  const read = await readTaskData(path, session, file, options)
  if (read.task === 'asr') throw new TypeError('speech is measured elsewhere')
  return read
}
