import { readdir } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { readFolderGraphs } from './graphs.ts'

/** A model that was found, and a table that lies next to it. */
export interface FoundModel {
  /** Path of the ONNX file. */
  readonly model: string
  /** Path of the table. */
  readonly table?: string
}

/** The model of a folder, or of the first of those right below it that has one. */
export async function findModel(folder: string): Promise<FoundModel | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const below = entries.filter((entry) => entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name))
  for (const place of [folder, ...below.map(({ name }) => join(folder, name))]) {
    const graphs = await readFolderGraphs(place).catch(() => undefined)
    if (graphs === undefined) continue
    const table = (await readdir(place)).find((name) => /\.(tsv|csv|jsonl)$/.test(name))
    const model = normalize(join(place, graphs.main.file))
    return { model, ...(table !== undefined && { table: normalize(join(place, table)) }) }
  }
  return undefined
}
