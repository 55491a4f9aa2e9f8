import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { isDatasetFile } from '../datasets/open-dataset.ts'
import { lockOutputs } from './output-lock.ts'
import { requireSize } from './read-input.ts'
import { LARGEST } from './read-open-file.ts'
import { type FileIdentity, isInside, isSame, mayBeSame, placeOf, stateOf } from './same-file.ts'
import { tryFolder } from './try-folder.ts'

/** A file that a command is going to write. */
export interface Output {
  readonly path: string
  /** Its name for messages: `-o`, `--log`. */
  readonly what: string
  /** It is a model, next to which the data files of the one it is made from are copied. */
  readonly holdsModel?: boolean
}

/** Outputs by the option that names them, without absent ones. */
export function outputsOf(
  paths: Readonly<Record<string, string | undefined>>,
  about: Pick<Output, 'holdsModel'> = {},
): Output[] {
  return Object.entries(paths).flatMap(([what, path]) => (path === undefined ? [] : [{ path, what, ...about }]))
}

interface Claim {
  readonly path: string
  readonly what: string
  readonly place: FileIdentity
  /** The source of a copy, which two models may have in common. */
  readonly from?: FileIdentity
}

/**
 * Files that one run of a command reads and writes. Outputs are declared first; each file that is read is declared as
 * soon as its name is known. A file that is both, or that two outputs want, is refused there and then.
 */
export class FileClaims {
  readonly #outputs: (Claim & Pick<Output, 'holdsModel'>)[] = []
  /** State of what may be written, when that became known. */
  readonly #before = new Map<string, string | undefined>()
  readonly #told: string[] = []
  readonly #unchecked: string[] = []
  readonly #inputs: Claim[] = []
  readonly #folders: Claim[] = []

  /**
   * A file that is to be written.
   * @throws TpError TP_OUTPUT for one that is read, or that another output wants
   */
  async writes(output: Output): Promise<void> {
    const claim = { ...output, place: await placeOf(output.path) }
    await this.#claim(claim)
    await this.#add(claim)
    this.#unchecked.push(output.path)
  }

  /**
   * Whether all outputs can be written. Done when the arguments are understood and the first model is read, so that it hides no mistake in
   * them.
   * @throws TpError TP_OUTPUT for a place that cannot hold a file; TP_WRITE
   */
  async checkTargets(): Promise<void> {
    for (const path of this.#unchecked.splice(0)) await checkTarget(path)
  }

  /** Reserves the outputs that these options name for this process, all or none. @throws TpError TP_OUTPUT while another one works at them */
  lock(options: readonly string[] = []): Promise<AsyncDisposable> {
    return lockOutputs(this.#outputs.filter(({ what }) => options.includes(what)).map(({ path }) => path))
  }

  /** Says that something was written, other than a file of one's own: a folder, or a place in a bucket. */
  wrote(place: string): void {
    this.#told.push(place)
  }

  /** Outputs that came or were changed. */
  async written(): Promise<string[]> {
    const paths: string[] = []
    for (const place of this.#told) if (place.includes('://') || (await stateOf(place)) !== undefined) paths.push(place)
    for (const [path, before] of this.#before) {
      const now = await stateOf(path)
      if (now !== undefined && now !== before) paths.push(path)
    }
    return paths
  }

  /**
   * A file that is read. Missing files and folders are reported by the reader.
   * @param what it is, for the message: `the file of --weights`
   * @throws TpError TP_OUTPUT if it is written; TP_FILE_NOT_FOUND for a device or a pipe; TP_TOO_LARGE
   */
  async reads(path: string, what: string, most: number = LARGEST): Promise<void> {
    const entry = await stat(path).catch(() => undefined)
    if (entry === undefined) return
    if (!entry.isFile() && !entry.isDirectory()) {
      const seen = `${path} is not a regular file, but a device or a pipe`
      throw new TpError('TP_FILE_NOT_FOUND', 'tp', `${seen}; put what it gives into a file, and name that`)
    }
    if (entry.isFile()) requireSize(path, entry.size, most)
    const input = { path, what, place: await placeOf(path) }
    for (const output of this.#outputs) requireOther(output, input)
    this.#inputs.push(input)
  }

  /** A folder with examples: what is written must be none of them, nor look like one to the next command. @throws TpError TP_OUTPUT */
  async readsFolder(path: string, what: string): Promise<void> {
    const folder = { path, what, place: await placeOf(path) }
    for (const output of this.#outputs) await requireOutside(output, folder)
    this.#folders.push(folder)
  }

  /** A model that is going to be read. @throws TpError as {@link reads} */
  async willReadModel(path: string): Promise<void> {
    // Its size is checked by the reader, with advice.
    await this.reads(path, MODEL, Number.POSITIVE_INFINITY)
  }

  /**
   * A model that was read, and its data files, which are copied to the folder of a model that is written.
   * @param dataFiles relative to its folder
   * @throws TpError as {@link reads} and {@link checkTargets}
   */
  async readsModel(path: string, dataFiles: readonly string[]): Promise<void> {
    await this.willReadModel(path)
    await this.checkTargets()
    for (const location of dataFiles) {
      const source = join(dirname(path), location)
      await this.reads(source, MODEL, Number.POSITIVE_INFINITY)
      const from = await placeOf(source)
      for (const { path: out, holdsModel, what } of [...this.#outputs]) {
        if (holdsModel !== true) continue
        const copy = join(dirname(out), location)
        const place = await placeOf(copy)
        const isCopied = this.#outputs.some(
          (other) => other.from && isSame(other.from, from) && mayBeSame(other.place, place),
        )
        if (isSame(place, from) || isCopied) continue
        const claim = { path: copy, what: `the data file ${location} next to that of ${what}`, place, from }
        await this.#claim(claim)
        await this.#add(claim)
      }
    }
  }

  async #add(output: Claim & Pick<Output, 'holdsModel'>): Promise<void> {
    this.#outputs.push(output)
    this.#before.set(output.path, await stateOf(output.path))
  }

  async #claim(output: Claim): Promise<void> {
    for (const input of this.#inputs) requireOther(output, input)
    for (const folder of this.#folders) await requireOutside(output, folder)
    const other = this.#outputs.find(({ place }) => mayBeSame(place, output.place))
    if (other === undefined) return
    const seen = `${output.path} is to be two files at once, ${other.what} and ${output.what}`
    throw new TpError('TP_OUTPUT', 'tp', `${seen}; give each its own path`)
  }
}

const MODEL = "the model's own file"

function requireOther(output: Claim, input: Claim): void {
  if (!isSame(output.place, input.place)) return
  throw new TpError('TP_OUTPUT', 'tp', `the output ${output.path} is ${input.what} ${input.path}; give another path`)
}

async function requireOutside(output: Claim, folder: Claim): Promise<void> {
  if (!isDatasetFile(basename(output.place.path)) || !(await isInside(folder.place, output.place))) return
  const seen = `the output ${output.path} would be one of the examples in ${folder.what} ${folder.path}`
  throw new TpError('TP_OUTPUT', 'tp', `${seen}; write to another folder`)
}

/** Whether a file may be written there. @throws TpError TP_OUTPUT, TP_WRITE */
async function checkTarget(out: string): Promise<void> {
  const entry = await stat(out).catch(() => undefined)
  if (entry !== undefined && !entry.isFile()) {
    const kind = entry.isDirectory() ? 'a folder' : 'not a regular file'
    throw new TpError('TP_OUTPUT', 'tp', `the output ${out} is ${kind}; give the path of a file`)
  }
  await tryFolder(out)
}
