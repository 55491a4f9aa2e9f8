import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { isRunning, ownMark, type ProcessMark } from './process-mark.ts'
import { placeOf } from './same-file.ts'
import { writeError } from './write-error.ts'
import { hiddenName, waitingPath } from './write-file.ts'

const SUFFIX = '.lock'

/** The process that works at an output. */
interface Holder extends ProcessMark {
  readonly host: string
}

/**
 * Reserves an output for this process until it is disposed. The lock of a killed process is taken over.
 * @returns undefined where no file can be written, which `FileClaims.checkTargets` reports in its turn
 * @throws TpError TP_OUTPUT while another process works at it; TP_WRITE
 */
export async function lockOutput(out: string): Promise<AsyncDisposable | undefined> {
  const { path } = await placeOf(out)
  const lock = join(dirname(path), hiddenName(path, SUFFIX.length) + SUFFIX)
  const own: Holder = { ...ownMark, host: hostname() }
  // Written atomically: others would take a lock without contents for a stale one.
  const waiting = waitingPath(lock)
  const contents = JSON.stringify({ ...own, key: randomBytes(8).toString('hex') })
  const isWritten = await writeFile(waiting, contents, { flag: 'wx' }).then(
    () => true,
    () => false,
  )
  if (!isWritten) return undefined
  try {
    await take(out, waiting, lock)
  } catch (cause) {
    throw cause instanceof TpError ? cause : writeError(out, cause)
  } finally {
    await rm(waiting, { force: true })
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(lock, { force: true })
    },
  }
}

/** Reserves several, all or none. @throws TpError as {@link lockOutput} */
export async function lockOutputs(outs: readonly string[]): Promise<AsyncDisposable> {
  const locks: (AsyncDisposable | undefined)[] = []
  const release = async (): Promise<void> => {
    for (const lock of locks.splice(0)) await lock?.[Symbol.asyncDispose]()
  }
  try {
    for (const out of outs) locks.push(await lockOutput(out))
  } catch (error) {
    await release()
    throw error
  }
  return { [Symbol.asyncDispose]: release }
}

/** Gives a file the name of a lock, unless a running process holds it. */
async function take(out: string, waiting: string, lock: string): Promise<void> {
  for (;;) {
    const isFree = await link(waiting, lock).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      },
    )
    if (isFree) return
    const text = await readFile(lock, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const holder = holderOf(text)
    // Of another machine nothing can be known.
    if (holder !== undefined && (holder.host !== hostname() || isRunning(holder))) throw busy(out, holder)
    await removeLeft(lock, text)
  }
}

/** Removes a stale lock, but not one that another process has put in its place meanwhile. */
async function removeLeft(lock: string, text: string): Promise<void> {
  const aside = waitingPath(lock)
  await rename(lock, aside).catch(() => undefined)
  const taken = await readFile(aside, 'utf8').catch(() => undefined)
  if (taken !== undefined && taken !== text) await link(aside, lock).catch(() => undefined)
  await rm(aside, { force: true })
}

function holderOf(text: string): Holder | undefined {
  try {
    const { pid, host, started } = JSON.parse(text)
    return Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string' ? { pid, host, started } : undefined
  } catch {
    return undefined
  }
}

function busy(out: string, { pid, host }: Holder): TpError {
  const where = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`
  return new TpError('TP_OUTPUT', 'tp', `${where} works at ${out} already; wait for it, or give another path`)
}
