import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { TpError } from '@tp/core'
import type { ModelPaths } from '../model/model-files.ts'
import { outputFormats } from '../output/output-formats.ts'
import { keyOf, type Shard } from '../shards/shard.ts'

/** The queue's name, and what its keys begin with. */
export const QUEUE = 'tp-shards'

/** The description of a shard for a worker. Paths are relative to the folder that all machines have, with slashes. */
export interface ShardJob extends Shard, ModelPaths {
  /** Folder of the shards, or `s3://bucket/prefix`. */
  readonly shards: string
}

/** A path as it is written for other machines. @throws TpError TP_OPTION for one outside the folder */
export async function toShared(folder: string, path: string, what: string): Promise<string> {
  const inside = relative(await realpath(folder), await realpath(path))
  if (inside !== '' && !inside.startsWith('..') && !isAbsolute(inside)) return inside.split(sep).join('/')
  throw new TpError('TP_OPTION', 'bulk', `${what} ${path} is not in ${folder}, the folder that workers have`)
}

/** The same path on this machine. @throws TpError TP_QUEUE for one that leads out of the folder */
export async function fromShared(folder: string, path: unknown): Promise<string> {
  if (typeof path === 'string') {
    const real = await realpath(folder)
    const full = await realpath(join(real, path)).catch((cause: unknown) => {
      throw new TpError(
        'TP_QUEUE',
        'bulk',
        `${path} is not in ${folder}; do this worker and tp run have the same folder?`,
        { cause },
      )
    })
    if (full.startsWith(real + sep)) return full
  }
  throw new TpError('TP_QUEUE', 'bulk', `the queue asks for ${JSON.stringify(path)}, which is not in ${folder}`)
}

/** Anything that writes to a queue can put something there. @throws TpError TP_QUEUE */
export function checkJob(data: unknown): ShardJob {
  const job = data as Partial<ShardJob> | null
  const { spec, location, key } = job ?? {}
  const isWhole = spec?.version === 3 && Object.hasOwn(outputFormats, spec.output) && key === keyOf(spec)
  if (isWhole && typeof location?.path === 'string') return job as ShardJob
  throw new TpError(
    'TP_QUEUE',
    'bulk',
    'the queue holds a shard of another version of @tp/bulk; use one version on all machines',
  )
}
