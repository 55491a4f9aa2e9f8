import { basename, dirname, relative, sep } from 'node:path'
import { UNLABELED } from './dataset.ts'
import { classOf, type LabeledOptions, NO_LABELS, requireClass } from './labels.ts'
import { dataError, shown } from './table/data-error.ts'

export interface LabeledFile {
  readonly path: string
  readonly label: number
}

/**
 * Files, labeled by the name of their sub-folder or by the part of their own name before `__`, whichever is a class. The classes
 * alternate, so that a limit keeps some of each. Where no file has either, none is labeled.
 * @throws TpError TP_DATA for a label that the model does not know, for two that differ, and for files of which only some have one
 */
export function labelFiles(folder: string, files: readonly string[], options: LabeledOptions): LabeledFile[] {
  const { unlabeled = files.every((path) => namesOfLabel(folder, path).length === 0) } = options
  if (unlabeled) return files.slice(0, options.limit).map((path) => ({ path, label: UNLABELED }))
  const byLabel = new Map<string, LabeledFile[]>()
  for (const path of files) {
    const name = labelOf(folder, path, options.labels)
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

function labelOf(folder: string, path: string, labels: readonly string[] | undefined): string {
  const names = namesOfLabel(folder, path)
  const classes = names.map((name) => classOf(name, labels))
  const known = names.filter((_, i) => classes[i] !== undefined)
  if (known.length === 2 && classes[0] !== classes[1]) {
    const problem = `has the label ${shown(names[0] ?? '')} by its name and ${shown(names[1] ?? '')} by its folder`
    throw dataError(path, `${problem}; rename one of them; ${NO_LABELS}`)
  }
  const label = known[0] ?? names[0]
  if (label !== undefined) return label
  const advice = 'put it in a folder of its label or name it label__name, as the other files are'
  throw dataError(path, `has no label; ${advice}; ${NO_LABELS}`)
}

/** The names that may be a label: the beginning of a file's name, and its folder. */
function namesOfLabel(folder: string, path: string): string[] {
  const name = basename(path)
  const mark = name.indexOf('__')
  const [top = ''] = relative(folder, dirname(path)).split(sep)
  return [...(mark > 0 ? [name.slice(0, mark)] : []), ...(top === '' ? [] : [top])]
}
