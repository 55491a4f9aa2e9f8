import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { type Alarm, type CascadeRun, cascade, monitor, readGuard } from '@tp/guard'

/** A pruned model whose uncertain answers fall back to the dense one. */
export interface GuardOptions {
  /** What `tp calibrate` has written. */
  readonly path: string
  /** The dense model. */
  readonly dense: string
  readonly onRun?: ((run: CascadeRun) => void) | undefined
  readonly onAlarm?: ((alarm: Alarm) => void) | undefined
}

interface PrunedFile {
  readonly path: string
  /** SHA-256 */
  readonly hash: string
  load(path: string): Promise<Session>
}

/** A pruned model and what guards it. */
interface Guarded {
  readonly session: Session
  /** The pruned model alone: what it runs is neither counted nor watched. */
  readonly pruned: Session
}

/**
 * The session of a pruned model, watched for drift, and with the dense one as its fallback.
 * @throws TpError TP_GUARD for a file that is no guard, or one of other models; what loading throws
 */
export async function guarded(options: GuardOptions, { path, hash, load }: PrunedFile): Promise<Guarded> {
  const guard = readGuard(new TextDecoder().decode(await read(options.path)), options.path)
  const dense = createHash('sha256')
    .update(await read(options.dense))
    .digest('hex')
  const other = [
    [guard.models?.pruned, hash, path],
    [guard.models?.dense, dense, options.dense],
  ].find(([calibrated, found]) => calibrated !== undefined && calibrated !== found)
  if (other !== undefined) {
    const advice = 'what it promises holds for those files only; calibrate it for these'
    throw new TpError('TP_GUARD', options.path, `it was calibrated for another file than ${other[2]}; ${advice}`)
  }
  const pruned = await load(path)
  try {
    const watched = monitor(pruned, guard.monitor, { onAlarm: options.onAlarm })
    const session = cascade({
      ...guard.cascade,
      pruned: watched,
      dense: await load(options.dense),
      onRun: options.onRun,
    })
    return { session, pruned }
  } catch (error) {
    await pruned.dispose()
    throw error
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new TpError('TP_FILE_NOT_FOUND', 'server', `there is no file that can be read at ${path}`, { cause })
  }
}
