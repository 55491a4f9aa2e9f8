import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { haveSameBytes, removeAll } from '../files/data-files.ts'
import { exists } from '../files/exists.ts'
import { waitingPath } from '../files/write-file.ts'
import type { GraphRun } from './graph-runs.ts'
import type { FolderGraph, FolderGraphs } from './graphs.ts'
import { type FolderReport, withSection } from './model-card.ts'
import { type SkippedFile, type StagedFolder, stageFolder } from './stage-folder.ts'

/** The report on one step: a text for people, the plan that was followed, if there was one, and what was compared with the original. */
export interface StepReport {
  readonly text: string
  /** May have `plan`, `verification` of the graph, and `decoder` with the `verification` of that. */
  readonly content: object
}

/** Where a step writes: the graph, and the decoder if it changes that. */
export interface StepOutput {
  readonly graph: string
  readonly decoder: string | undefined
  /** The folder under its temporary name. */
  readonly folder: string
}

export interface FolderChange<Report extends StepReport> extends Pick<FolderReport, 'command'> {
  readonly out: string
  /** Replace a model folder of that name. */
  readonly force?: boolean | undefined
  readonly signal: AbortSignalLike
  readonly steps: readonly [GraphRun, ...GraphRun[]]
  /** The file of the new folder that a changed graph is written to; default: its own. */
  fileOf?(graph: FolderGraph): string
  /** Changes the graphs of a step, and says what was done. */
  change(step: GraphRun, out: StepOutput): Promise<Report>
}

/** The written folder. */
export interface ChangedFolder<Report extends StepReport> {
  /** On the main graph. */
  readonly report: Report
  readonly out: string
  /** Files that were changed, relative to the folder. */
  readonly changed: readonly string[]
  /** Those of them that were compared with the original. */
  readonly verified: readonly string[]
  /** Files of the other folder that it does not have. */
  readonly leftOut: readonly SkippedFile[]
}

/**
 * Writes a folder like another one, in which some graphs are changed: same layout, same names. A graph that is refused is left out,
 * unless it is the main one, so that no file of the folder is what it was before by mistake. Written whole or not at all.
 * @throws TpError TP_OUTPUT, TP_WRITE, TP_ABORTED; what `change` throws for the first step
 */
export async function changeFolder<Report extends StepReport>(
  source: FolderGraphs,
  { out: place, force = false, signal, steps, command, fileOf = ({ file }) => file, change }: FolderChange<Report>,
): Promise<ChangedFolder<Report>> {
  const out = place.replace(/(?<=.)[/\\]+$/, '')
  const files = [...new Set(steps.flatMap(({ writes }) => writes.map(fileOf)))]
  await using staged = await stageFolder(source, out, { force, writes: files, signal })
  /** A value with paths of the new folder, and not of the one that waits for its name. */
  const named = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll(staged.path, out))
  const perform = async (step: GraphRun): Promise<Report> => {
    const graphs = step.decoder === undefined ? [step.graph] : [step.graph, step.decoder]
    const places = await Promise.all(graphs.map((graph) => placeFor(staged, fileOf(graph))))
    const [graph, decoder] = places.map(({ path }) => path) as [string, string?]
    try {
      const report = await change(step, { graph, decoder, folder: staged.path })
      for (const own of verifiedIn(step, report)) verified.add(fileOf(own))
      for (const place of places) await requireSame(place, signal)
      return named(report)
    } catch (error) {
      await removeAll(places.map(({ path }) => path))
      throw error
    }
  }
  const verified = new Set<string>()
  const [first, ...others] = steps
  const report = await perform(first).catch((error: unknown) => {
    if (error instanceof Error) error.message = error.message.replaceAll(staged.path, out)
    throw error
  })
  const leftOut: (readonly [FolderGraph, string])[] = []
  for (const step of others) {
    await perform(step).catch((error: unknown) => {
      throwIfAborted(signal, 'tp')
      if (!isTpError(error)) throw error
      const why = error.message.replace(/^\[\w+\] /, '').replaceAll(staged.path, out)
      leftOut.push(...step.writes.map((graph) => [graph, why] as const))
    })
  }
  const changed: string[] = []
  for (const file of files) if (await exists(join(staged.path, file))) changed.push(file)
  // The paths of this machine mean nothing elsewhere.
  const relative = (text: string): string => text.replaceAll(`${out}/`, '').replaceAll(`${source.folder}/`, '')
  const { plan } = report.content as { plan?: object }
  const gone: SkippedFile[] = leftOut.map(([{ file }, why]) => ({ file, why }))
  const links = await staged.commit({
    // Under a name of its own nothing of the original is replaced.
    leftOut: leftOut.map(([graph]) => graph).filter((graph) => fileOf(graph) === graph.file),
    readme: (own, links) =>
      withSection(own, { command, changed, leftOut: [...gone, ...links], plan, text: relative(report.text) }),
  })
  const isVerified = (file: string): boolean => verified.has(file)
  return {
    report,
    out,
    changed,
    verified: changed.filter(isVerified),
    leftOut: [...gone, ...links],
  }
}

/** The graphs of a step that its report says were compared with the original. */
function verifiedIn({ graph, decoder }: GraphRun, { content }: StepReport): FolderGraph[] {
  const { verification, decoder: own } = content as { verification?: object; decoder?: { verification?: object } }
  const holds = (found: object | undefined): boolean => found !== undefined && !('notVerified' in found)
  return [...(holds(verification) ? [graph] : []), ...(decoder && holds(own?.verification) ? [decoder] : [])]
}

interface Place {
  readonly path: string
  /** The file that an earlier step has made of the same graph. */
  readonly earlier?: string
}

async function placeFor(staged: StagedFolder, file: string): Promise<Place> {
  const path = await staged.at(file)
  return (await exists(path)) ? { path: waitingPath(path), earlier: path } : { path }
}

/** An encoder and the decoders that read it have to agree, whichever of them a loader takes. @throws TpError TP_MODEL_FOLDER */
async function requireSame({ path, earlier }: Place, signal: AbortSignalLike): Promise<void> {
  if (earlier === undefined || !(await exists(path))) return
  const isSame = await haveSameBytes(path, earlier, signal)
  await rm(path)
  if (isSame) return
  const seen = `it needs ${basename(earlier)} in another form than the first graph of the folder`
  throw new TpError('TP_MODEL_FOLDER', 'data', `${seen}; it belongs into a folder of its own`)
}
