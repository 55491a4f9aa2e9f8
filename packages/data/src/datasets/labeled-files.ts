import { readdir } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { UNLABELED } from './dataset.ts'
import { type LabeledOptions, NO_LABELS, requireClass } from './labels.ts'
import { dataError } from './table/data-error.ts'

export interface LabeledFile {
  readonly path: string
  readonly label: number
}

/** All files of a folder and its sub-folders, in the order of their names. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/**
 * Files, labeled by the name of their sub-folder or by the part of their own name before `__`. The classes alternate, so that
 * a limit keeps some of each. Where no file has either, none is labeled.
 * @throws TpError TP_DATA for a label that the model does not know, and for files of which only some have one
 */
export function labelFiles(folder: string, files: readonly string[], options: LabeledOptions): LabeledFile[] {
  const { unlabeled = files.every((path) => nameOfLabel(folder, path) === undefined) } = options
  if (unlabeled) return files.slice(0, options.limit).map((path) => ({ path, label: UNLABELED }))
  const byLabel = new Map<string, LabeledFile[]>()
  for (const path of files) {
    const name = labelOf(folder, path)
    const label = requireClass(name, options.labels, path)
    const group = byLabel.get(name)
    if (group === undefined) byLabel.set(name, [{ path, label }])
    else group.push({ path, label })
  }
  const groups = [...byLabel.values()]
  const longest = Math.max(...groups.map((group) => group.length))
  const turns = Array.from({ length: longest }, (_, turn) => groups.flatMap((group) => group[turn] ?? []))
  return turns.flat().slice(0, options.limit)
}

function labelOf(folder: string, path: string): string {
  const label = nameOfLabel(folder, path)
  if (label !== undefined) return label
  const advice = 'put it in a folder of its label or name it label__name, as the other files are'
  throw dataError(path, `has no label; ${advice}; ${NO_LABELS}`)
}

function nameOfLabel(folder: string, path: string): string | undefined {
  const name = basename(path)
  const mark = name.indexOf('__')
  if (mark > 0) return name.slice(0, mark)
  const [top] = relative(folder, dirname(path)).split(sep)
  return top === '' ? undefined : top
}
