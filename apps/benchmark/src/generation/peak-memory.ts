import { fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { DecoderForm } from '@tp/data'
import { encodeModel, type Model } from '@tp/onnx'

export interface PeakMemoryRequest {
  /** The decoder's file. */
  readonly path: string
  readonly decoder: DecoderForm
  /** A file that prunes the caches after the prompt. */
  readonly press: string | undefined
  /** The prompt. */
  readonly tokens: readonly number[]
}

/** From `src` and from `dist` it is the one that was built. */
const child = fileURLToPath(new URL('../../dist/generation/peak-memory-child.js', import.meta.url))

/**
 * Bytes that a process of its own has held at most, which loads a decoder, reads a prompt and goes on by a token. Memory that is
 * taken while a file is loaded is among it: that of a short prompt is less.
 * @throws TpError TP_RUN if the process ends before it answers
 */
export async function peakMemory({
  model,
  ...request
}: Omit<PeakMemoryRequest, 'path'> & { readonly model: Model }): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-memory-'))
  const path = join(folder, 'model.onnx')
  try {
    await writeFile(path, encodeModel(model))
    const process = fork(child, [], { serialization: 'advanced', execArgv: [] })
    return await new Promise<number>((resolve, reject) => {
      process.once('message', resolve).once('exit', () => {
        reject(new TpError('TP_RUN', 'benchmark', 'the process whose memory is measured ended before it answered'))
      })
      process.send({ ...request, path } satisfies PeakMemoryRequest)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}
