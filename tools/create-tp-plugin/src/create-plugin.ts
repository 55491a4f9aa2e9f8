import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TpError } from '@tp/core'
import { readName, rename } from './plugin-name.ts'
import { type PluginKind, templateOf } from './templates.ts'
import { writeFolder } from './write-folder.ts'

export interface CreateOptions {
  /** Of the package: `tp-loudest`, `@you/tp-loudest`. */
  readonly name: string
  /** Default: a method. */
  readonly kind?: PluginKind
  /** Where to, from the working folder; default: the name without its scope. */
  readonly folder?: string
}

export interface CreatedPlugin {
  /** Whole path. */
  readonly folder: string
  /** Paths inside the folder. */
  readonly files: readonly string[]
  /** The name of the method or runtime. */
  readonly short: string
}

/**
 * Writes a package that builds and passes the conformance kit as it is, to be changed from there. All of it, or nothing.
 * @throws TpError TP_NAME; TP_FOLDER if there is something in the folder already; TP_NOT_WRITABLE
 */
export async function createPlugin({ name, kind = 'method', folder }: CreateOptions): Promise<CreatedPlugin> {
  const names = readName(name, kind)
  const files = rename(templateOf(kind), kind, names)
  const target = resolve(folder ?? names.folder)
  await refuseFull(target)
  await writeFolder(target, files)
  return { folder: target, files: Object.keys(files), short: names.short }
}

async function refuseFull(folder: string): Promise<void> {
  const found = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new TpError('TP_FOLDER', 'create-tp-plugin', `${folder} is no folder that can be read (${cause.code})`, {
      cause,
    })
  })
  // `git init` may have come first
  const [first] = found.filter((name) => name !== '.git')
  if (first !== undefined)
    throw new TpError(
      'TP_FOLDER',
      'create-tp-plugin',
      `${folder} is not empty: there is ${first}; name another with --dir`,
    )
}
